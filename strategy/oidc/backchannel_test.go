package oidc_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The tests of this file are named after the sections of OpenID Connect Back-Channel
// Logout 1.0 and RP-Initiated Logout 1.0.

// report sends the provider's report of a log-out.
func (w *world) report(token string) browser.Answer {
	w.t.Helper()
	b := w.open()
	r := b.Request(http.MethodPost, "/backchannel", url.Values{"logout_token": {token}}.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.Do(r)
}

func TestBackChannel_2_7_TheSessionsOfTheSidEnd(t *testing.T) {
	w := newWorld(t)
	first := w.loggedIn()
	w.op.claims = func(c map[string]any) { c["sid"] = "sid-2" }
	second := w.loggedIn() // the same user, on another device
	a := w.report(w.op.logOutToken(nil))
	a.Want(t, http.StatusOK, "")
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store", got)
	}
	first.Get("/me").Want(t, http.StatusUnauthorized, "")
	second.Get("/me").Want(t, http.StatusOK, "hello")
}

func TestBackChannel_2_7_WithoutASidAllSessionsOfTheUserEnd(t *testing.T) {
	w := newWorld(t)
	first := w.loggedIn()
	w.op.claims = func(c map[string]any) { delete(c, "sid") }
	second := w.loggedIn()
	w.op.claims = func(c map[string]any) { c["sub"] = "another"; c["sid"] = "sid-3" }
	other := w.open()
	w.logIn(other).Want(t, http.StatusSeeOther, "")
	w.report(w.op.logOutToken(func(c map[string]any) { delete(c, "sid") })).Want(t, http.StatusOK, "")
	first.Get("/me").Want(t, http.StatusUnauthorized, "")
	second.Get("/me").Want(t, http.StatusUnauthorized, "")
	other.Get("/me").Want(t, http.StatusOK, "hello")
}

func TestBackChannel_2_8_ALogOutOfNobodySucceeds(t *testing.T) {
	w := newWorld(t)
	w.report(w.op.logOutToken(nil)).Want(t, http.StatusOK, "")
}

func TestBackChannel_2_6_TheLogOutTokenIsVerified(t *testing.T) {
	const event = "http://schemas.openid.net/event/backchannel-logout"
	for _, row := range []struct {
		name   string
		edit   func(map[string]any)
		reason string
	}{
		{"another issuer", func(c map[string]any) { c["iss"] = "https://evil.example" }, "different provider"},
		{"another audience", func(c map[string]any) { c["aud"] = "somebody else" }, "audience"},
		{"expired", func(c map[string]any) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() }, "expired"},
		{"no expiry", func(c map[string]any) { delete(c, "exp") }, "'exp'"},
		{"an expiry far ahead", func(c map[string]any) { c["exp"] = time.Now().Add(time.Hour).Unix() }, "too far ahead"},
		{"no time of issue", func(c map[string]any) { delete(c, "iat") }, "time of issue"},
		{"issued in the future", func(c map[string]any) { c["iat"] = time.Now().Add(5 * time.Minute).Unix() }, "time of issue"},
		{"issued long ago", func(c map[string]any) { c["iat"] = time.Now().Add(-time.Hour).Unix() }, "time of issue"},
		{"no subject and no sid", func(c map[string]any) { delete(c, "sub"); delete(c, "sid") }, "'sub' claim, a 'sid' claim, or both"},
		{"no event", func(c map[string]any) { delete(c, "events") }, "missing required"},
		{"another event", func(c map[string]any) { c["events"] = map[string]any{"other": map[string]any{}} }, "missing required"},
		{"an event that is no object", func(c map[string]any) { c["events"] = map[string]any{event: "yes"} }, "no JSON object"},
		{"an event that is null", func(c map[string]any) { c["events"] = map[string]any{event: nil} }, "no JSON object"},
		{"a nonce", func(c map[string]any) { c["nonce"] = "x" }, "nonce"},
		{"a nonce that is null", func(c map[string]any) { c["nonce"] = nil }, "nonce"},
		{"no jti", func(c map[string]any) { delete(c, "jti") }, "'jti'"},
		{"a NUL in the sid", func(c map[string]any) { c["sid"] = "sid-1\x00" }, "NUL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.loggedIn()
			a := w.report(w.op.logOutToken(row.edit))
			a.Want(t, http.StatusBadRequest, `"invalid_request"`)
			if got := a.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("got Content-Type %q, want application/json", got)
			}
			if !strings.Contains(w.logged(), row.reason) {
				t.Errorf("got the log %s, want %q in it", w.logged(), row.reason)
			}
			b.Get("/me").Want(t, http.StatusOK, "hello")
		})
	}
	for _, row := range []struct {
		name  string
		token func(*provider) string
	}{
		{"alg none", func(p *provider) string { return unsigned(t, logOutClaims(p), `{"alg":"none","typ":"logout+jwt"}`) }},
		{"HS256 with the client secret", func(p *provider) string {
			return signed(t, jose.HS256, []byte(clientSecret+clientSecret), "", logOutClaims(p), nil)
		}},
		{"another key", func(*provider) string { return newProvider(t, issuer).logOutToken(nil) }},
		{"an ID token", func(p *provider) string { return p.jwt(p.idClaims("x"), nil) }},
		{"an access token", func(p *provider) string { return p.jwt(logOutClaims(p), map[jose.HeaderKey]any{"typ": "at+jwt"}) }},
		{"no token", func(*provider) string { return "" }},
		{"nonsense", func(*provider) string { return "x.y.z" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.loggedIn()
			w.report(row.token(w.op)).Want(t, http.StatusBadRequest, `"invalid_request"`)
			b.Get("/me").Want(t, http.StatusOK, "hello")
		})
	}
}

// logOutClaims returns the claims of a valid log-out token.
func logOutClaims(p *provider) (claims map[string]any) {
	p.logOutToken(func(c map[string]any) { claims = c })
	return claims
}

func TestBackChannel_2_4_TokensNeedNotBeTyped(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn()
	w.report(w.op.jwt(logOutClaims(w.op), nil)).Want(t, http.StatusOK, "")
	b.Get("/me").Want(t, http.StatusUnauthorized, "")
}

func TestBackChannel_2_6_8_ATokenIsUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.op.logOutToken(nil)
		w.report(token).Want(t, http.StatusOK, "")
		b := w.loggedIn()
		w.report(token).Want(t, http.StatusBadRequest, "invalid_request")
		b.Get("/me").Want(t, http.StatusOK, "hello")
		// The token's ID is removed only long after the token has expired.
		time.Sleep(15 * time.Minute)
		w.report(token).Want(t, http.StatusBadRequest, "invalid_request")
		b.Get("/me").Want(t, http.StatusOK, "hello")
	})
}

func TestBackChannel_2_5_TheRequestIsAForm(t *testing.T) {
	w := newWorld(t)
	token := w.op.logOutToken(nil)
	for _, row := range []struct{ name, target, contentType, body string }{
		{"in the query", "/backchannel?logout_token=" + token, "application/x-www-form-urlencoded", ""},
		{"in JSON", "/backchannel", "application/json", `{"logout_token":"` + token + `"}`},
		{"twice", "/backchannel", "application/x-www-form-urlencoded", "logout_token=" + token + "&logout_token=" + token},
		{"too large", "/backchannel", "application/x-www-form-urlencoded", "logout_token=" + strings.Repeat("x", 70<<10)},
	} {
		b := w.open()
		r := b.Request(http.MethodPost, row.target, row.body)
		r.Header.Set("Content-Type", row.contentType)
		if a := b.Do(r); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", row.name, a.StatusCode)
		}
	}
}

// brokenLogIns cannot end a session until it is repaired.
type brokenLogIns struct{ mended bool }

func (s *brokenLogIns) EndLinked(context.Context, string) (int, error) {
	if s.mended {
		return 1, nil
	}
	return 0, errDown
}

func TestBackChannel_2_8_AFailedLogOutIsSaidAndMayBeRepeated(t *testing.T) {
	w := newWorld(t)
	sessions := &brokenLogIns{}
	w.mux.Handle("POST /broken", w.strategy.BackChannelLogOut(sessions))
	token := w.op.logOutToken(nil)
	send := func() browser.Answer {
		b := w.open()
		r := b.Request(http.MethodPost, "/broken", url.Values{"logout_token": {token}}.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.Do(r)
	}
	send().Want(t, http.StatusBadRequest, "temporarily_unavailable")
	if !strings.Contains(w.logged(), "connection refused") {
		t.Errorf("got the log %s, want the cause in it", w.logged())
	}
	sessions.mended = true
	send().Want(t, http.StatusOK, "")
	send().Want(t, http.StatusBadRequest, "invalid_request")
}

func TestBackChannel_2_8_KeysThatCannotBeHadAreNoBadToken(t *testing.T) {
	w := newWorld(t)
	w.op.network = func(*http.Request) error { return errDown }
	w.report(w.op.logOutToken(nil)).Want(t, http.StatusBadRequest, "temporarily_unavailable")
}

func TestACounterThatIsDownFailsALogOut(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) { c.Once = brokenCounter{} })
	w.report(w.op.logOutToken(nil)).Want(t, http.StatusBadRequest, "temporarily_unavailable")
}

// hangingCounter does not answer an Add of n for an hour.
type hangingCounter struct{ n int64 }

func (c hangingCounter) Add(ctx context.Context, _ string, n int64, _ time.Duration) (int64, time.Duration, error) {
	if n != c.n {
		return n, time.Hour, nil
	}
	select {
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case <-time.After(time.Hour):
		return 0, 0, errDown
	}
}

// TestNobodyWaitsForACounterThatHangs, also when a used token is released for another attempt.
func TestNobodyWaitsForACounterThatHangs(t *testing.T) {
	for _, n := range []int64{-1, 1} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c *oidc.Config) { c.Once, c.Timeout = hangingCounter{n}, time.Minute })
			w.mux.Handle("POST /broken", w.strategy.BackChannelLogOut(&brokenLogIns{}))
			b := w.open()
			r := b.Request(http.MethodPost, "/broken", url.Values{"logout_token": {w.op.logOutToken(nil)}}.Encode())
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			began := time.Now()
			b.Do(r).Want(t, http.StatusBadRequest, "temporarily_unavailable")
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("a counter that hangs when %d is added: the answer took %v, want at most ten seconds", n, took)
			}
		})
	}
}

// Anybody can post tokens. They must not cause unlimited requests to the provider.
func TestUnknownKeysOfStrangersAreAskedForNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.loggedIn()
		evil := newProvider(t, issuer)
		evil.rotate("unknown")
		time.Sleep(time.Minute)
		for range 50 {
			w.report(evil.logOutToken(nil)).Want(t, http.StatusBadRequest, "invalid_request")
		}
		if n := w.op.called("/jwks"); n != 2 {
			t.Errorf("asked for the keys %d times, want the log-in's and one more", n)
		}
		// A log-in with a new key is not delayed by that.
		w.op.rotate("k2")
		w.loggedIn()
	})
}

func TestProvidersWithoutBackChannelCostNoLabels(t *testing.T) {
	w := newWorld(t)
	w.op.meta = func(m map[string]any) { delete(m, "backchannel_logout_supported") }
	b := w.loggedIn()
	w.report(w.op.logOutToken(nil)).Want(t, http.StatusOK, "")
	b.Get("/me").Want(t, http.StatusOK, "hello")
}

func TestLogOutTokensOfATenant(t *testing.T) {
	for iss, status := range map[string]int{
		issuer + "/9188040d/v2.0":            http.StatusOK,
		issuer + "/a/b/v2.0":                 http.StatusBadRequest,
		"https://evil.example/9188040d/v2.0": http.StatusBadRequest,
	} {
		w := newWorld(t, func(c *oidc.Config) { c.IssuerTemplate = issuer + "/{tenantid}/v2.0" })
		w.op.meta = func(m map[string]any) { m["issuer"] = issuer + "/{tenantid}/v2.0" }
		w.report(w.op.logOutToken(func(c map[string]any) { c["iss"] = iss })).Want(t, status, "")
	}
}

func TestBackChannelLogOutWithoutAGuardPanics(t *testing.T) {
	w := newWorld(t)
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "pass the one that logs in") {
			t.Errorf("got the panic %q, want one that names the cure", r)
		}
	}()
	w.strategy.BackChannelLogOut(nil)
}

func TestRPInitiated_2_TheLogOutURL(t *testing.T) {
	for _, row := range []struct {
		name string
		o    oidc.LogOut
		want string
	}{
		{"as little as possible", oidc.LogOut{}, issuer + "/end?a=1&client_id=shop"},
		{"everything", oidc.LogOut{ReturnURL: "https://app.example/?a=b&c", IDTokenHint: "x.y.z", State: "s t"},
			issuer + "/end?a=1&client_id=shop&id_token_hint=x.y.z&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F%3Fa%3Db%26c&state=s+t"},
	} {
		w := newWorld(t)
		got, err := w.strategy.LogOutURL(t.Context(), row.o)
		if err != nil || got != row.want {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

func TestRPInitiated_ErrorsOfTheLogOutURL(t *testing.T) {
	w := newWorld(t)
	w.op.meta = func(m map[string]any) { delete(m, "end_session_endpoint") }
	if _, err := w.strategy.LogOutURL(t.Context(), oidc.LogOut{}); err != oidc.ErrNoLogOut {
		t.Errorf("got %v, want ErrNoLogOut", err)
	}
	w = newWorld(t)
	w.op.meta = func(m map[string]any) { m["end_session_endpoint"] = "http://op.example/end" }
	if _, err := w.strategy.LogOutURL(t.Context(), oidc.LogOut{}); err == nil || !strings.Contains(err.Error(), "no https URL") {
		t.Errorf("got %v, want an error about https", err)
	}
	w = newWorld(t)
	w.op.network = func(*http.Request) error { return errDown }
	if _, err := w.strategy.LogOutURL(t.Context(), oidc.LogOut{}); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want the outage", err)
	}
	if _, err := w.strategy.OAuth2(t.Context()); err == nil {
		t.Error("got a client of a provider that is down")
	}
}

func TestOAuth2IsForRenewingTokens(t *testing.T) {
	w := newWorld(t)
	c, err := w.strategy.OAuth2(t.Context())
	if err != nil || c.Endpoint.TokenURL != issuer+"/token" || c.ClientSecret != clientSecret || c.RedirectURL != callback {
		t.Errorf("got %v, %v, want the provider's endpoints and our credentials", c, err)
	}
}
