package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The tests of this file are named after the sections of RFC 9700, Best Current
// Practice for OAuth 2.0 Security, and of RFC 9207; one after OWASP ASVS 5.0.

// §2.1: "Clients and authorization servers MUST NOT expose URLs that forward the
// user's browser to arbitrary URIs obtained from a query parameter".
func TestRFC9700_2_1_TheClientIsNoOpenRedirector(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"https://evil.example", "//evil.example", `\\evil.example`, "/\t/evil.example", "/%2f/evil.example", "javascript:alert(1)"} {
		b := w.open()
		a := b.Get("/login/op?return_to=" + url.QueryEscape(target))
		a = w.finish(b, w.op.authorize(a.Header.Get("Location")))
		if got := a.Header.Get("Location"); got != "/me" {
			t.Errorf("got sent to %q for return_to=%q, want /me", got, target)
		}
	}
}

// §2.1: "clients MUST prevent CSRF". An answer that the browser did not ask for logs nobody in, neither as
// the attacker nor as anybody else.
func TestRFC9700_2_1_AnswersThatThisBrowserDidNotAskForAreRefused(t *testing.T) {
	w := newWorld(t)
	attacker, victim := w.open(), w.open()
	in := w.op.authorize(w.begin(attacker))
	w.refused(victim, w.finish(victim, in), http.StatusUnauthorized, "no log-in under way with this state")
	w.begin(victim) // also while the victim has begun a log-in
	w.refused(victim, w.finish(victim, in), http.StatusUnauthorized, "no log-in under way with this state")
}

// §2.1.1: "the PKCE challenge … MUST be transaction-specific and securely bound to the
// client and the user agent in which the transaction was started", with S256.
func TestRFC9700_2_1_1_PKCEIsS256AndOfOneTransaction(t *testing.T) {
	w := newWorld(t)
	var challenges []string
	for range 3 {
		q, err := url.Parse(w.begin(w.open()))
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Query().Get("code_challenge_method"); got != "S256" {
			t.Errorf("got the method %q, want S256", got)
		}
		challenges = append(challenges, q.Query().Get("code_challenge"))
	}
	if challenges[0] == challenges[1] || challenges[1] == challenges[2] || len(challenges[0]) != 43 {
		t.Errorf("got the challenges %q, want three different ones of 43 characters", challenges)
	}
}

// §2.1.1: PKCE is also used if the provider has no client authentication, or does not announce PKCE.
func TestRFC9700_2_1_1_PKCEIsSentWhateverTheProviderAnnounces(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) { c.ClientSecret = "" })
	w.op.meta = func(m map[string]any) { m["code_challenge_methods_supported"] = []string{"plain"} }
	q, err := url.Parse(w.begin(w.open()))
	if err != nil {
		t.Fatal(err)
	}
	if q.Query().Get("code_challenge_method") != "S256" || q.Query().Get("code_challenge") == "" {
		t.Error("the client did not use PKCE")
	}
}

// §2.1.2: the implicit grant "SHOULD NOT" be used: the browser gets no token.
func TestRFC9700_2_1_2_TokensInTheAnswerAreNotRead(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	in := w.op.authorize(w.begin(b))
	in.Del("code")
	in.Set("id_token", w.op.jwt(w.op.idClaims("x"), nil))
	in.Set("access_token", "access-1")
	a := w.finish(b, in)
	if !strings.HasPrefix(a.Header.Get("Location"), issuer+"/auth?") {
		t.Errorf("got %d to %q, want a new log-in", a.StatusCode, a.Header.Get("Location"))
	}
	b.Get("/me").Want(t, http.StatusUnauthorized, "")
}

// §2.5: a confidential client authenticates by a method that the provider supports.
func TestRFC9700_2_5_TheClientAuthenticates(t *testing.T) {
	for _, row := range []struct {
		name    string
		methods any
		header  bool
	}{
		{"without a list the header is the rule", nil, true},
		{"the header is preferred", []string{"client_secret_post", "client_secret_basic"}, true},
		{"the form where the provider wants it", []string{"client_secret_post"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.op.meta = func(m map[string]any) {
				if row.methods != nil {
					m["token_endpoint_auth_methods_supported"] = row.methods
				}
			}
			header := false
			w.op.route["/token"] = func(rw http.ResponseWriter, r *http.Request) {
				_, _, header = r.BasicAuth()
				if inForm := r.FormValue("client_secret") == clientSecret; inForm == header {
					t.Errorf("got the secret in the form: %v, in the header: %v, want one of them", inForm, header)
				}
				r.SetBasicAuth("shop", url.QueryEscape(clientSecret))
				w.op.token(rw, r)
			}
			w.logIn(w.open()).Want(t, http.StatusSeeOther, "")
			if header != row.header {
				t.Errorf("got the secret in a header: %v, want %v", header, row.header)
			}
		})
	}
}

// §2.6: "Clients … use TLS end-to-end": a provider cannot redirect the client to plain http.
func TestRFC9700_2_6_EndpointsWithoutTLSAreNotUsed(t *testing.T) {
	for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		w := newWorld(t)
		w.op.meta = func(m map[string]any) { m[endpoint] = strings.Replace(m[endpoint].(string), "https", "http", 1) }
		b := w.open()
		w.refused(b, b.Get("/login/op"), http.StatusServiceUnavailable, "not https")
	}
	w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
	w.op.meta = func(m map[string]any) { m["userinfo_endpoint"] = "http://op.example/me" }
	b := w.open()
	w.refused(b, w.logIn(b), http.StatusServiceUnavailable, "not https")
	if w.op.called("/me") != 0 {
		t.Error("the access token went over plain http")
	}
}

// §4.1: the redirect URI is a fixed string that does not depend on the request, and it is sent to the token
// endpoint again.
func TestRFC9700_4_1_TheRedirectURIDoesNotDependOnTheRequest(t *testing.T) {
	w := newWorld(t)
	r := w.open().Request(http.MethodGet, "/login/op?redirect_uri=https://evil.example", "")
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	a := w.open().Do(r)
	q, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Query()["redirect_uri"]; len(got) != 1 || got[0] != callback {
		t.Errorf("got the redirect URI %q, want %q", got, callback)
	}
}

// §4.2.4: a page of the callback must not leak code and state in the Referer header.
func TestRFC9700_4_2_4_TheCallbackSendsNoReferrer(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	if got := w.logIn(b).Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("got Referrer-Policy %q, want no-referrer", got)
	}
	if got := w.finish(w.open(), url.Values{"code": {"x"}, "state": {"y"}}).Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("got Referrer-Policy %q on a refusal, want no-referrer", got)
	}
}

// §4.3.1: an address in the browser's history does not work again: the first answer ends the flow, valid or
// not, also for a browser that kept the cookie.
func TestRFC9700_4_3_1_AnAnswerIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	in := w.op.authorize(w.begin(b))
	name := flowCookies(b)[0]
	kept := b.Cookie(name)
	w.finish(b, in).Want(t, http.StatusSeeOther, "")
	if got := flowCookies(b); len(got) != 0 {
		t.Errorf("got the cookies %v after the log-in, want none", got)
	}
	thief := w.open()
	w.refused(thief, w.finish(thief, in), http.StatusUnauthorized, "no log-in under way")
	thief.SetCookie(name, kept)
	calls := w.op.called("/token")
	w.refused(thief, w.finish(thief, in), http.StatusUnauthorized, "the state was used already")
	if w.op.called("/token") != calls {
		t.Error("a replayed answer reached the token endpoint")
	}
}

// §4.4: mix-up. The attacker's provider sends the browser with the honest provider's code to the callback of
// its own strategy, so that the code would be sent to the attacker.
func TestRFC9700_4_4_ACodeDoesNotReachAnotherProvider(t *testing.T) {
	w := newWorld(t)
	evil := newProvider(t, "https://evil.example")
	cfg := config(evil)
	cfg.Name, cfg.RedirectURL = "evil", "https://app.example/login/evil/callback"
	other, err := oidc.New(cfg, w.validate)
	if err != nil {
		t.Fatal(err)
	}
	b := w.open()
	in := w.op.authorize(w.begin(b)) // the answer of the honest provider, for the strategy op
	mixed := httpAnswer(t, other, b, in)
	if mixed == nil || evil.called("/token") != 0 {
		t.Errorf("got %v, and %d calls at the attacker's token endpoint: want a refusal and none", mixed, evil.called("/token"))
	}
	// The reverse: the user began with the attacker's provider, which redirected to the honest one. The
	// answer has the iss of the honest one.
	a := httpStart(t, other, b)
	state, err := url.Parse(a)
	if err != nil {
		t.Fatal(err)
	}
	in.Set("state", state.Query().Get("state"))
	if err := httpAnswer(t, other, b, in); err == nil || evil.called("/token") != 0 {
		t.Errorf("got %v, and %d calls at the attacker's token endpoint: want a refusal and none", err, evil.called("/token"))
	}
}

// §4.5.3.1: code injection. The attacker puts a stolen code into their own log-in. The provider refuses the
// code, since the verifier is that of another transaction.
func TestRFC9700_4_5_3_1_AnInjectedCodeFailsPKCE(t *testing.T) {
	w := newWorld(t)
	stolen := w.op.authorize(w.begin(w.open())).Get("code")
	attacker := w.open()
	in := w.op.authorize(w.begin(attacker))
	in.Set("code", stolen)
	w.refused(attacker, w.finish(attacker, in), http.StatusUnauthorized, "status 400, invalid_grant")
}

// §4.5.3.2: if the provider does not check PKCE, the nonce in the ID token is that of another transaction.
func TestRFC9700_4_5_3_2_AnInjectedCodeFailsTheNonce(t *testing.T) {
	w := newWorld(t)
	w.op.route["/token"] = func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		answer(rw, 200, map[string]any{"access_token": "access-1", "token_type": "Bearer",
			"id_token": w.op.jwt(w.op.idClaims(w.op.codes[r.FormValue("code")].Get("nonce")), nil)})
	}
	stolen := w.op.authorize(w.begin(w.open())).Get("code")
	attacker := w.open()
	in := w.op.authorize(w.begin(attacker))
	in.Set("code", stolen)
	w.refused(attacker, w.finish(attacker, in), http.StatusUnauthorized, "the nonce is not that of this log-in")
}

// §4.7.1: state is bound to the browser. An answer with somebody else's state, an invented one or none is
// refused, and a form on another site cannot start a log-in.
func TestRFC9700_4_7_1_ForgedAnswersAndStartsAreRefused(t *testing.T) {
	for _, row := range []struct {
		name   string
		query  string
		status int
		reason string
	}{
		{"a made-up state", "code=x&state=made-up", http.StatusUnauthorized, "no log-in under way"},
		{"no state", "code=x", http.StatusBadRequest, "wants a state"},
		{"an empty state", "code=x&state=", http.StatusBadRequest, "wants a state"},
		{"an error with a made-up state", "error=access_denied&state=made-up", http.StatusUnauthorized, "no log-in under way"},
		{"two states", "code=x&state=a&state=b", http.StatusBadRequest, "state more than once"},
		{"two codes", "code=x&code=y&state=a", http.StatusBadRequest, "code more than once"},
		{"two issuers", "code=x&state=a&iss=a&iss=b", http.StatusBadRequest, "iss more than once"},
		{"a code and an error", "code=x&error=y&state=a", http.StatusBadRequest, "either a code or an error"},
		{"a malformed query", "code=x&state=%zz", http.StatusBadRequest, "malformed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.open()
			w.begin(b)
			w.refused(b, b.Get("/login/op/callback?"+row.query), row.status, row.reason)
			if n := w.op.called("/token"); n != 0 {
				t.Errorf("got %d calls at the token endpoint, want none", n)
			}
		})
	}
	t.Run("a form on another site", func(t *testing.T) {
		w := newWorld(t)
		b := w.open()
		r := b.Request(http.MethodPost, "/login/op", "")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		b.Do(r).Want(t, http.StatusForbidden, "")
	})
}

// §4.12: a redirect after a POST with credentials is a 303, which drops the body.
func TestRFC9700_4_12_RedirectsAre303(t *testing.T) {
	w := newWorld(t)
	b := w.open()
	b.Get("/login/op").Want(t, http.StatusSeeOther, "")
	b.Post("/login/op").Want(t, http.StatusSeeOther, "")
}

// A redirect must not send a secret or a token to another host.
func TestASVS_15_3_2_RedirectsOfTheProviderAreNotFollowed(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks", "/me"} {
		t.Run(path, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.UserInfo = true })
			w.op.route[path] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "https://op.example/stolen", http.StatusTemporaryRedirect)
			}
			b := w.open()
			a := b.Get("/login/op")
			if a.StatusCode == http.StatusSeeOther {
				a = w.finish(b, w.op.authorize(a.Header.Get("Location")))
			}
			w.refused(b, a, http.StatusServiceUnavailable, "status 307")
			if w.op.called("/stolen") != 0 {
				t.Error("the redirect was followed")
			}
		})
	}
}

// RFC 9207 §2.4: "Clients that support this specification MUST extract the value of the
// iss parameter … and MUST … compare the result to the issuer identifier".
func TestRFC9207_2_4_TheIssuerOfTheAnswerIsChecked(t *testing.T) {
	for _, row := range []struct {
		name   string
		edit   func(url.Values)
		silent bool // the provider does not announce iss
		reason string
	}{
		{"another issuer", func(v url.Values) { v.Set("iss", "https://evil.example") }, false, "made by another provider"},
		{"another issuer of a provider that announces none", func(v url.Values) { v.Set("iss", "https://evil.example") }, true, "made by another provider"},
		{"the issuer with a slash", func(v url.Values) { v.Set("iss", issuer+"/") }, false, "made by another provider"},
		{"none, though it is announced", func(v url.Values) { v.Del("iss") }, false, "does not say which provider"},
		{"another issuer in an error", func(v url.Values) {
			v.Del("code")
			v.Set("error", "access_denied")
			v.Set("iss", "https://evil.example")
		}, false, "made by another provider"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.op.meta = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = !row.silent }
			b := w.open()
			in := w.op.authorize(w.begin(b))
			row.edit(in)
			w.refused(b, w.finish(b, in), http.StatusUnauthorized, row.reason)
			if w.op.called("/token") != 0 {
				t.Error("the code went to the token endpoint")
			}
		})
	}
	t.Run("none is accepted where none is announced", func(t *testing.T) {
		w := newWorld(t)
		w.op.meta = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
		b := w.open()
		in := w.op.authorize(w.begin(b))
		in.Del("iss")
		w.finish(b, in).Want(t, http.StatusSeeOther, "")
	})
}

// RFC 6749 §4.1.2.1: the user or the provider refuses.
func TestRFC6749_4_1_2_1_ErrorsOfTheProvider(t *testing.T) {
	for _, row := range []struct {
		name, code string
		status     int
		reason     string
	}{
		{"the user says no", "access_denied", http.StatusUnauthorized, "answered access_denied"},
		{"nobody is logged in there", "login_required", http.StatusUnauthorized, "answered login_required"},
		{"the provider is busy", "temporarily_unavailable", http.StatusServiceUnavailable, "answered temporarily_unavailable"},
		{"the provider broke", "server_error", http.StatusServiceUnavailable, "answered server_error"},
		{"a line break for the log", "x\nlevel=ERROR", http.StatusUnauthorized, "answered an error without a name"},
		{"a long one", strings.Repeat("x", 100), http.StatusUnauthorized, "answered an error without a name"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.open()
			in := w.op.authorize(w.begin(b))
			in.Del("code")
			in.Set("error", row.code)
			w.refused(b, w.finish(b, in), row.status, row.reason)
			w.refused(b, w.finish(b, in), http.StatusUnauthorized, "no log-in under way") // the first answer has ended the flow
		})
	}
}

// httpStart calls s without a guard, and returns where it sends b.
func httpStart[U any](t *testing.T, s *oidc.Strategy[U], b *browser.Browser) string {
	t.Helper()
	return redirectOf(t, s, b, "/login/evil")
}
