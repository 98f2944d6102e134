package oidc_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The tests of this file are named after the sections of OpenID Connect Core 1.0.

func TestOIDCCore_3_1_3_7_TheIDTokenIsVerified(t *testing.T) {
	for _, row := range []struct {
		name   string
		claims func(map[string]any)
		reason string
	}{
		{"2: another issuer", func(c map[string]any) { c["iss"] = "https://evil.example" }, "issued by a different provider"},
		{"2: no issuer", func(c map[string]any) { delete(c, "iss") }, "issued by a different provider"},
		{"3: another audience", func(c map[string]any) { c["aud"] = "somebody else" }, "expected audience"},
		{"3: no audience", func(c map[string]any) { delete(c, "aud") }, "expected audience"},
		{"3: a further audience that is not trusted", func(c map[string]any) { c["aud"] = []string{"shop", "other"}; c["azp"] = "shop" }, "for another application too"},
		{"4: several audiences and no azp", func(c map[string]any) { c["aud"] = []string{"shop", "trusted"} }, "(azp)"},
		{"5: another azp", func(c map[string]any) { c["azp"] = "trusted"; c["aud"] = []string{"shop", "trusted"} }, "(azp)"},
		{"5: another azp with one audience", func(c map[string]any) { c["azp"] = "evil" }, "(azp)"},
		{"9: expired", func(c map[string]any) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() }, "token is expired"},
		{"9: no expiry", func(c map[string]any) { delete(c, "exp") }, "token is expired"},
		{"10: issued in the future", func(c map[string]any) { c["iat"] = time.Now().Add(5 * time.Minute).Unix() }, "time of issue"},
		{"10: no time of issue", func(c map[string]any) { delete(c, "iat") }, "time of issue"},
		{"11: another nonce", func(c map[string]any) { c["nonce"] = "another" }, "the nonce is not"},
		{"11: no nonce", func(c map[string]any) { delete(c, "nonce") }, "the nonce is not"},
		{"11: an empty nonce", func(c map[string]any) { c["nonce"] = "" }, "the nonce is not"},
		{"no subject", func(c map[string]any) { delete(c, "sub") }, "the subject is missing"},
		{"a subject that is too long", func(c map[string]any) { c["sub"] = strings.Repeat("1", 256) }, "the subject is missing or too long"},
		{"a subject that is a number", func(c map[string]any) { c["sub"] = 1 }, "cannot unmarshal"},
		{"a subject under a name in capitals", func(c map[string]any) { c["SUB"] = c["sub"]; delete(c, "sub") }, `\"SUB\" differs from a known claim by its case only`},
		{"a second subject with a long s, which encoding/json takes for the first", func(c map[string]any) { c["ſub"] = "1" }, "by its case only"},
		{"not to be used yet", func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() }, "before the nbf"},
		{"3.1.3.8: another access token", func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, "(at_hash)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.TrustedAudiences = []string{"trusted"} })
			w.op.claims = row.claims
			b := w.open()
			w.refused(b, w.logIn(b), http.StatusUnauthorized, row.reason)
			if len(w.ids) != 0 {
				t.Error("validate was called")
			}
		})
	}
	for _, row := range []struct {
		name   string
		claims func(map[string]any)
	}{
		{"a trusted audience beside ours", func(c map[string]any) { c["aud"] = []string{"shop", "trusted"}; c["azp"] = "shop" }},
		{"an audience in a list", func(c map[string]any) { c["aud"] = []string{"shop"} }},
		{"an azp that is ours", func(c map[string]any) { c["azp"] = "shop" }},
		{"a clock that is behind by half a minute", func(c map[string]any) { c["exp"] = time.Now().Add(-30 * time.Second).Unix() }},
		{"a clock that is ahead by half a minute", func(c map[string]any) { c["iat"] = time.Now().Add(30 * time.Second).Unix() }},
		{"a time with a fraction", func(c map[string]any) { c["iat"] = float64(time.Now().Unix()) + 0.5 }},
		{"no at_hash", func(c map[string]any) { delete(c, "at_hash") }},
		{"claims that only the application knows, in two cases", func(c map[string]any) { c["Groups"] = []string{"a"}; c["groups"] = []string{"b"} }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.TrustedAudiences = []string{"trusted"} })
			w.op.claims = row.claims
			w.logIn(w.open()).Want(t, http.StatusSeeOther, "")
		})
	}
}

func TestOIDCCore_3_1_3_7_TheSignatureIsVerified(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // too small, and so refused
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		sign   func(p *provider, c map[string]any) string
		reason string
	}{
		{"8: no signature (alg none)", func(_ *provider, c map[string]any) string { return unsigned(t, c, `{"alg":"none"}`) }, "unexpected signature algorithm"},
		{"8: no signature, spelled otherwise", func(_ *provider, c map[string]any) string { return unsigned(t, c, `{"alg":"nOnE"}`) }, "unexpected signature algorithm"},
		{"7: HS256 with the client secret", func(_ *provider, c map[string]any) string {
			return signed(t, jose.HS256, []byte(clientSecret+clientSecret), "", c, nil)
		}, "unexpected signature algorithm"},
		{"7: HS256 with the public key", func(p *provider, c map[string]any) string {
			public, err := json.Marshal(p.public())
			if err != nil {
				t.Fatal(err)
			}
			return signed(t, jose.HS256, public, p.kid, c, nil)
		}, "unexpected signature algorithm"},
		{"6: another key of the same name", func(_ *provider, c map[string]any) string {
			other := newProvider(t, issuer)
			return other.jwt(c, nil)
		}, "no key of the provider"},
		{"6: a key in the token itself (jwk)", func(_ *provider, c map[string]any) string {
			other := newProvider(t, issuer)
			return other.jwt(c, map[jose.HeaderKey]any{"jwk": other.public()})
		}, "no key of the provider"},
		{"6: a signature that was cut", func(p *provider, c map[string]any) string { return strings.TrimRight(p.jwt(c, nil), "_-") + "A" }, "token: "},
		{"6: other claims under a good signature", func(p *provider, c map[string]any) string {
			parts := strings.Split(p.jwt(c, nil), ".")
			c["sub"] = "admin"
			parts[1] = strings.Split(unsigned(t, c, `{}`), ".")[1]
			return strings.Join(parts, ".")
		}, "no key of the provider"},
		{"an RSA key of 1024 bits", func(p *provider, c map[string]any) string {
			p.jwks = func() any {
				return map[string]any{"keys": []any{p.public(), jose.JSONWebKey{Key: &small.PublicKey, KeyID: "small"}}}
			}
			return signed(t, jose.RS256, small, "small", c, nil)
		}, "no key of the provider"},
		{"a key for encryption", func(p *provider, c map[string]any) string {
			other := newProvider(t, issuer)
			p.jwks = func() any {
				return map[string]any{"keys": []any{p.public(), jose.JSONWebKey{Key: &other.key.PublicKey, KeyID: "enc", Use: "enc"}}}
			}
			return signed(t, jose.ES256, other.key, "enc", c, nil)
		}, "no key of the provider"},
		{"a key for another algorithm", func(p *provider, c map[string]any) string {
			p.jwks = func() any {
				return map[string]any{"keys": []any{p.public(), jose.JSONWebKey{Key: &large.PublicKey, KeyID: "pss", Algorithm: "PS256"}}}
			}
			return signed(t, jose.RS256, large, "pss", c, nil)
		}, "no key of the provider"},
		{"a symmetric key among the public ones", func(p *provider, c map[string]any) string {
			p.jwks = func() any {
				return map[string]any{"keys": []any{p.public(), jose.JSONWebKey{Key: []byte(clientSecret + clientSecret), KeyID: "oct"}}}
			}
			return signed(t, jose.HS256, []byte(clientSecret+clientSecret), "oct", c, nil)
		}, "unexpected signature algorithm"},
		{"a log-out token in the place of an ID token", func(p *provider, c map[string]any) string {
			return p.jwt(c, map[jose.HeaderKey]any{"typ": "logout+jwt"})
		}, "the token is of another type"},
		{"an access token in the place of an ID token", func(p *provider, c map[string]any) string {
			return p.jwt(c, map[jose.HeaderKey]any{"typ": "at+jwt"})
		}, "the token is of another type"},
		{"JSON with the parts of a good token", func(p *provider, c map[string]any) string {
			parts := strings.Split(p.jwt(c, nil), ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2])
		}, "the token is malformed"},
		{"no token at all", func(*provider, map[string]any) string { return "not a token" }, "malformed jwt"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.op.sign = func(c map[string]any) string { return row.sign(w.op, c) }
			b := w.open()
			w.refused(b, w.logIn(b), http.StatusUnauthorized, row.reason)
		})
	}
}

// unsigned returns a token without a signature.
func unsigned(t *testing.T, claims map[string]any, header string) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}

func TestOIDCCore_3_1_3_7_TheAlgorithmsAreThoseOfBothSides(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name      string
		accepted  []string
		announced any
		status    int
	}{
		{"what the provider announces", nil, []string{"EdDSA"}, http.StatusSeeOther},
		{"what the application chose", []string{"EdDSA"}, []string{"RS256", "EdDSA"}, http.StatusSeeOther},
		{"not what the provider does not announce", nil, []string{"RS256"}, http.StatusUnauthorized},
		{"not what the application did not choose", []string{"RS256"}, []string{"RS256", "EdDSA"}, http.StatusUnauthorized},
		{"RS256 where nothing is announced", nil, nil, http.StatusUnauthorized},
		{"nothing in common is a mistake of the set-up", []string{"RS256"}, []string{"EdDSA"}, http.StatusServiceUnavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.Algorithms = row.accepted })
			w.op.meta = func(m map[string]any) { m["id_token_signing_alg_values_supported"] = row.announced }
			w.op.jwks = func() any { return map[string]any{"keys": []any{jose.JSONWebKey{Key: public, KeyID: "ed"}}} }
			w.op.claims = func(c map[string]any) { delete(c, "at_hash") }
			w.op.sign = func(c map[string]any) string { return signed(t, jose.EdDSA, private, "ed", c, nil) }
			w.logIn(w.open()).Want(t, row.status, "")
		})
	}
}

func TestOIDCCore_3_1_2_1_MaxAgeIsChecked(t *testing.T) {
	for _, row := range []struct {
		name   string
		at     any
		status int
	}{
		{"a while ago", -30 * time.Minute, http.StatusSeeOther},
		{"too long ago", -2 * time.Hour, http.StatusUnauthorized},
		{"in the future", 5 * time.Minute, http.StatusUnauthorized},
		{"not said", nil, http.StatusUnauthorized},
		{"in words", "yesterday", http.StatusUnauthorized},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.MaxAge = time.Hour })
			w.op.claims = func(c map[string]any) {
				c["auth_time"] = row.at
				if d, ok := row.at.(time.Duration); ok {
					c["auth_time"] = time.Now().Add(d).Unix()
				}
			}
			w.logIn(w.open()).Want(t, row.status, "")
		})
	}
}

func TestOIDCCore_3_1_3_7_12_TheAuthenticationContextIsChecked(t *testing.T) {
	for acr, status := range map[any]int{"gold": http.StatusSeeOther, "bronze": http.StatusUnauthorized, nil: http.StatusUnauthorized} {
		w := newWorld(t, func(c *oidc.Config) { c.ACRValues = []string{"gold", "silver"} })
		w.op.claims = func(c map[string]any) { c["acr"], c["amr"] = acr, []string{"pwd", "otp"} }
		w.logIn(w.open()).Want(t, status, "")
		if status == http.StatusSeeOther {
			if id := w.identity(); id.ACR != acr || len(id.AMR) != 2 {
				t.Errorf("got acr %q and amr %q, want %v and two", id.ACR, id.AMR, acr)
			}
		}
	}
}

func TestOIDCCore_5_3_2_UserInfoIsAboutTheSameUser(t *testing.T) {
	t.Run("its claims come first", func(t *testing.T) {
		w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
		w.logIn(w.open()).Want(t, http.StatusSeeOther, "")
		if id := w.identity(); id.Name != "Jen from userinfo" || !id.EmailVerified || id.UserInfo["sub"] == nil {
			t.Errorf("got %+v, want the claims of userinfo", id)
		}
	})
	t.Run("another subject is refused", func(t *testing.T) {
		w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
		w.op.route["/me"] = func(rw http.ResponseWriter, _ *http.Request) {
			answer(rw, 200, map[string]any{"sub": "somebody else"})
		}
		b := w.open()
		w.refused(b, w.logIn(b), http.StatusUnauthorized, "userinfo: it is about another user")
	})
	t.Run("no subject is refused", func(t *testing.T) {
		w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
		w.op.route["/me"] = func(rw http.ResponseWriter, _ *http.Request) { answer(rw, 200, map[string]any{}) }
		b := w.open()
		w.refused(b, w.logIn(b), http.StatusUnauthorized, "userinfo: it is about another user")
	})
	t.Run("a provider without it is a mistake of the set-up", func(t *testing.T) {
		w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
		w.op.meta = func(m map[string]any) { delete(m, "userinfo_endpoint") }
		b := w.open()
		w.refused(b, w.logIn(b), http.StatusServiceUnavailable, "no userinfo endpoint")
	})
}

func TestOIDCCore_5_7_TheUserIsIssuerAndSubject(t *testing.T) {
	w := newWorld(t)
	w.loggedIn()
	// Another subject with the same address is another user.
	w.op.claims = func(c map[string]any) { c["sub"] = "another" }
	w.logIn(w.open()).Want(t, http.StatusSeeOther, "")
	// The same subject with another address is the same user.
	w.op.claims = func(c map[string]any) { c["email"] = "new@op.example" }
	w.logIn(w.open()).Want(t, http.StatusSeeOther, "")
	if len(w.rows) != 2 {
		t.Errorf("got %d users, want 2", len(w.rows))
	}
}

func TestOIDCDiscovery_4_3_TheMetadataNamesTheIssuer(t *testing.T) {
	for _, other := range []string{"https://evil.example", issuer + "/", "", "https://OP.example"} {
		w := newWorld(t)
		w.op.meta = func(m map[string]any) { m["issuer"] = other }
		b := w.open()
		w.refused(b, b.Get("/login/op"), http.StatusServiceUnavailable, "it calls itself")
	}
}

func TestTenantsOfASharedEndpoint(t *testing.T) {
	const tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	for _, row := range []struct {
		name   string
		iss    any
		tid    any
		status int
	}{
		{"a tenant", issuer + "/" + tenant + "/v2.0", tenant, http.StatusSeeOther},
		{"another tenant than it says", issuer + "/" + tenant + "/v2.0", "other", http.StatusUnauthorized},
		{"no tenant", issuer + "//v2.0", "", http.StatusUnauthorized},
		{"a path for a tenant", issuer + "/a/b/v2.0", "a/b", http.StatusUnauthorized},
		{"another site", "https://evil.example/" + tenant + "/v2.0", tenant, http.StatusUnauthorized},
		{"the template itself", issuer + "/{tenantid}/v2.0", "{tenantid}", http.StatusUnauthorized},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.IssuerTemplate = issuer + "/{tenantid}/v2.0" })
			w.op.meta = func(m map[string]any) {
				m["issuer"] = issuer + "/{tenantid}/v2.0"
				delete(m, "authorization_response_iss_parameter_supported")
			}
			w.op.claims = func(c map[string]any) { c["iss"], c["tid"] = row.iss, row.tid }
			b := w.open()
			in := w.op.authorize(w.begin(b))
			in.Del("iss")
			w.finish(b, in).Want(t, row.status, "")
			if row.status == http.StatusSeeOther && w.identity().Issuer != row.iss {
				t.Errorf("got the issuer %q, want the tenant's", w.identity().Issuer)
			}
		})
	}
}
