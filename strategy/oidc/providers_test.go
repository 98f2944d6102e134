package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The tests of this file are about providers that differ from the specification.

// A Keycloak in the cluster: its issuer is the address for browsers, and this program calls it at another
// address, without TLS.
func TestAProviderUnderAnotherNameInsideTheCluster(t *testing.T) {
	const inside = "http://keycloak.identity.svc:8080/realms/shop"
	cluster := func(c *oidc.Config) {
		c.DiscoveryURL, c.InsecureBackChannel = inside+"/.well-known/openid-configuration", true
	}
	world := func(t *testing.T, edit ...func(*oidc.Config)) *world {
		w := newWorld(t, edit...)
		w.op.meta = func(m map[string]any) { m["token_endpoint"], m["jwks_uri"] = inside+"/token", inside+"/jwks" }
		for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks"} {
			w.op.route["/realms/shop"+path] = func(rw http.ResponseWriter, r *http.Request) {
				r.URL.Path = path
				w.op.serve(rw, r)
			}
		}
		return w
	}
	t.Run("log-in", func(t *testing.T) {
		w := world(t, cluster)
		w.loggedIn()
		if n := w.op.called("/.well-known/openid-configuration"); n != 0 {
			t.Errorf("asked below the issuer %d times, want never", n)
		}
		if got := w.identity().Issuer; got != issuer {
			t.Errorf("got the issuer %q, want %q", got, issuer)
		}
	})
	t.Run("its cookies stay secure", func(t *testing.T) {
		w := world(t, cluster)
		b := w.open()
		a := b.Get("/login/op")
		if c := a.Header.Get("Set-Cookie"); !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "Secure") {
			t.Errorf("got the cookie %q, want a secure one", c)
		}
	})
	t.Run("metadata of another issuer", func(t *testing.T) {
		w := world(t, cluster)
		inner := w.op.meta
		w.op.meta = func(m map[string]any) { inner(m); m["issuer"] = inside }
		w.refused(w.open(), w.try(), http.StatusServiceUnavailable, "spell Config.Issuer as it does")
	})
	t.Run("a page for the user without TLS", func(t *testing.T) {
		w := world(t, cluster)
		inner := w.op.meta
		w.op.meta = func(m map[string]any) { inner(m); m["authorization_endpoint"] = inside + "/auth" }
		w.refused(w.open(), w.try(), http.StatusServiceUnavailable, "is not https")
	})
	t.Run("without the word for it, tokens are not asked for without TLS", func(t *testing.T) {
		w := world(t)
		w.refused(w.open(), w.try(), http.StatusServiceUnavailable, "is not https")
	})
}

// Azure AD B2C: the issuer in a policy's metadata is not the address of that metadata.
func TestAProviderWhoseMetadataIsNotBelowItsIssuer(t *testing.T) {
	const policy = "/shop.onmicrosoft.com/b2c_1_signin/v2.0/.well-known/openid-configuration"
	w := newWorld(t, func(c *oidc.Config) { c.DiscoveryURL = "https://shop.b2clogin.example" + policy })
	w.op.route[policy] = func(rw http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/.well-known/openid-configuration"
		w.op.serve(rw, r)
	}
	w.loggedIn()
}

// LINE signs ID tokens with the channel secret.
func TestAProviderThatSignsWithTheClientSecret(t *testing.T) {
	const channel = "0123456789abcdef0123456789abcdef"
	hs256 := func(c *oidc.Config) { c.ClientSecret, c.Algorithms = channel, []string{"HS256"} }
	with := func(alg jose.SignatureAlgorithm, key string) func(*world) {
		return func(w *world) {
			w.op.sign = func(c map[string]any) string { return signed(t, alg, []byte(key), "", c, nil) }
		}
	}
	for _, row := range []struct {
		name   string
		edit   func(*oidc.Config)
		set    func(*world)
		status int
		reason string
	}{
		{"signed with the secret", hs256, with(jose.HS256, channel), http.StatusSeeOther, ""},
		{"though it announces other algorithms", hs256, func(w *world) {
			with(jose.HS256, channel)(w)
			w.op.meta = func(m map[string]any) { m["id_token_signing_alg_values_supported"] = []string{"ES256"} }
		}, http.StatusSeeOther, ""},
		{"beside ES256, a token of either", func(c *oidc.Config) { hs256(c); c.Algorithms = []string{"HS256", "ES256"} }, func(*world) {}, http.StatusSeeOther, ""},
		{"with the hash of another access token", hs256, func(w *world) {
			with(jose.HS256, channel)(w)
			w.op.claims = func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }
		}, http.StatusUnauthorized, "(at_hash)"},
		{"signed with another secret", hs256, with(jose.HS256, strings.ToUpper(channel)), http.StatusUnauthorized, "no key of the provider"},
		{"another HMAC", hs256, with(jose.HS512, channel+channel), http.StatusUnauthorized, "unexpected signature algorithm"},
		{"signed with a key of the provider, which is not accepted", hs256, func(*world) {}, http.StatusUnauthorized, "unexpected signature algorithm"},
		{"not asked for", func(c *oidc.Config) { c.ClientSecret = channel }, with(jose.HS256, channel), http.StatusUnauthorized, "unexpected signature algorithm"},
		{"with a symmetric key among the public ones", hs256, func(w *world) {
			other := strings.Repeat("x", 32)
			w.op.jwks = func() any {
				return map[string]any{"keys": []any{w.op.public(), jose.JSONWebKey{Key: []byte(other), KeyID: "oct"}}}
			}
			w.op.sign = func(c map[string]any) string { return signed(t, jose.HS256, []byte(other), "oct", c, nil) }
		}, http.StatusUnauthorized, "no key of the provider"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.edit)
			w.op.secret = channel
			row.set(w)
			if row.status == http.StatusSeeOther {
				w.loggedIn()
				return
			}
			b := w.open()
			w.refused(b, w.logIn(b), row.status, row.reason)
		})
	}
}

// OpenID Connect Core §5.3.2: the answer of the userinfo endpoint may be a signed token.
func TestOIDCCore_5_3_2_SignedUserInfo(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(edit map[string]any) map[string]any {
		c := map[string]any{"iss": issuer, "aud": "shop", "sub": subject, "name": "Jen, signed"}
		maps.Copy(c, edit)
		maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
		return c
	}
	for _, row := range []struct {
		name   string
		body   func(p *provider) string
		reason string
	}{
		{"signed", func(p *provider) string { return p.jwt(claims(nil), nil) }, ""},
		{"with the type of a token", func(p *provider) string { return p.jwt(claims(nil), map[jose.HeaderKey]any{"typ": "JWT"}) }, ""},
		{"without issuer and audience, which it only should have", func(p *provider) string { return p.jwt(claims(map[string]any{"iss": nil, "aud": nil}), nil) }, ""},
		{"for us among others", func(p *provider) string { return p.jwt(claims(map[string]any{"aud": []string{"other", "shop"}}), nil) }, ""},
		{"about another user", func(p *provider) string { return p.jwt(claims(map[string]any{"sub": "1"}), nil) }, "it is about another user"},
		{"of another provider", func(p *provider) string { return p.jwt(claims(map[string]any{"iss": "https://evil.example"}), nil) }, "another provider signed it"},
		{"for another application", func(p *provider) string { return p.jwt(claims(map[string]any{"aud": "other"}), nil) }, "for another application"},
		{"with an audience of another kind", func(p *provider) string { return p.jwt(claims(map[string]any{"aud": 1}), nil) }, "the wrong type"},
		{"with a second subject in capitals", func(p *provider) string { return p.jwt(claims(map[string]any{"SUB": "1"}), nil) }, "by its case only"},
		{"with another key", func(*provider) string { return newProvider(t, issuer).jwt(claims(nil), nil) }, "no key of the provider"},
		{"with an algorithm that was not chosen", func(*provider) string { return signed(t, jose.RS256, rsaKey, "k1", claims(nil), nil) }, "malformed"},
		{"not signed", func(*provider) string { return unsigned(t, claims(nil), `{"alg":"none"}`) }, "malformed"},
		{"an access token", func(p *provider) string { return p.jwt(claims(nil), map[jose.HeaderKey]any{"typ": "at+jwt"}) }, "of another type"},
		{"encrypted", func(*provider) string { return "a.b.c.d.e" }, "malformed"},
		{"empty", func(*provider) string { return "" }, "malformed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.UserInfo, c.Algorithms = true, []string{"ES256"} })
			body := row.body(w.op)
			w.op.route["/me"] = func(rw http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.Header.Get("Accept"), "application/jwt") {
					rw.WriteHeader(http.StatusNotAcceptable)
				}
				rw.Header().Set("Content-Type", "application/jwt; charset=utf-8")
				_, _ = io.WriteString(rw, body) // to a recorder
			}
			b := w.open()
			a := w.logIn(b)
			if row.reason != "" {
				w.refused(b, a, http.StatusUnauthorized, row.reason)
				return
			}
			a.Want(t, http.StatusSeeOther, "")
			if id := w.identity(); id.Name != "Jen, signed" || string(id.UserInfo["name"]) != `"Jen, signed"` {
				t.Errorf("got %+v, want the signed name", id)
			}
		})
	}
	t.Run("the keys cannot be had", func(t *testing.T) {
		w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
		w.op.route["/me"] = func(rw http.ResponseWriter, _ *http.Request) {
			w.op.mu.Lock()
			w.op.route["/jwks"] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }
			w.op.mu.Unlock()
			rw.Header().Set("Content-Type", "application/jwt")
			_, _ = io.WriteString(rw, newProvider(t, issuer).jwt(claims(nil), nil)) // to a recorder
		}
		b := w.open()
		w.refused(b, w.logIn(b), http.StatusServiceUnavailable, "fetch the provider's keys")
	})
}

// One application at several hosts: each log-in returns to the host where it began.
func TestSeveralHosts(t *testing.T) {
	several := func(c *oidc.Config) {
		c.RedirectURLs = []string{"https://shop.example/login/op/callback", "https://shop.example:8443/login/op/callback"}
	}
	for _, mode := range []struct {
		name string
		edit []func(*oidc.Config)
	}{{"by GET", []func(*oidc.Config){several}}, {"by a form", []func(*oidc.Config){several, formPost}}} {
		for _, row := range []struct{ origin, callback string }{
			{"https://app.example", callback},
			{"https://shop.example", "https://shop.example/login/op/callback"},
			{"https://SHOP.example", "https://shop.example/login/op/callback"},
			{"https://shop.example:443", "https://shop.example/login/op/callback"},
			{"https://shop.example:8443", "https://shop.example:8443/login/op/callback"},
			{"https://evil.example", callback},
			{"https://shop.example.evil.example", callback},
		} {
			t.Run(mode.name+" at "+row.origin, func(t *testing.T) {
				w := newWorld(t, mode.edit...)
				b := browser.At(t, w.mux, row.origin)
				location := w.begin(b)
				u, err := url.Parse(location)
				if err != nil {
					t.Fatal(err)
				}
				if got := u.Query().Get("redirect_uri"); got != row.callback {
					t.Fatalf("got the callback %q, want %q", got, row.callback)
				}
				in := w.op.authorize(location)
				if mode.name == "by a form" {
					onward := post(b, in).Header.Get("Location")
					if !strings.HasPrefix(onward, row.callback+"?") {
						t.Fatalf("got sent on to %q, want %q", onward, row.callback)
					}
					b.Get(strings.TrimPrefix(onward, row.callback[:strings.Index(row.callback, "/login")])).Want(t, http.StatusSeeOther, "")
				} else {
					w.finish(b, in).Want(t, http.StatusSeeOther, "")
				}
				b.Get("/me").Want(t, http.StatusOK, "hello")
			})
		}
	}
}

// A log-in keeps the redirect URL with which it began, also if a proxy sends another Host at the callback.
func TestAFlowKeepsItsCallback(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) { c.RedirectURLs = []string{"https://shop.example/login/op/callback"} })
	b := browser.At(t, w.mux, "https://shop.example")
	in := w.op.authorize(w.begin(b))
	r := b.Request(http.MethodGet, "/login/op/callback?"+in.Encode(), "")
	r.Host = "internal.example" // a proxy that sends another Host
	b.Do(r).Want(t, http.StatusSeeOther, "")
	b.Get("/me").Want(t, http.StatusOK, "hello")
}
