package oidc_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// plainConfig returns the configuration of a provider without OpenID Connect, at op.
func plainConfig(op *provider) oidc.Config {
	return oidc.Config{
		Name: "hub", Issuer: op.issuer, AuthURL: op.issuer + "/auth", TokenURL: op.issuer + "/token",
		ClientID: op.client, ClientSecret: clientSecret, RedirectURL: "https://app.example/login/hub/callback",
		CookieSecrets: []string{cookieSecret}, HTTPClient: &http.Client{Transport: op},
		Profile: oidc.Profile{URL: op.issuer + "/user", Subject: "id", Email: "email", EmailVerified: "verified", Name: "data.name", Username: "login", Picture: "data.pic.url"},
	}
}

// hub is a provider without OpenID Connect.
func hub(t *testing.T, profile string) *provider {
	op := newProvider(t, issuer)
	op.route["/token"] = func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		request := op.codes[r.FormValue("code")]
		if request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			answer(w, 200, map[string]any{"error": "bad_verification_code"}) // as GitHub does
			return
		}
		if r.FormValue("client_secret") != clientSecret || r.FormValue("redirect_uri") != request.Get("redirect_uri") {
			t.Errorf("got the form %v, want the secret and the redirect URI in it", r.PostForm)
		}
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		_, _ = io.WriteString(w, "access_token=access-1&token_type=bearer&scope=user%3Aemail%2Crepo")
	}
	op.route["/user"] = func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer access-1" {
			t.Errorf("got Authorization %q, want the access token", got)
		}
		_, _ = io.WriteString(w, profile)
	}
	return op
}

// through does a log-in at a provider without OpenID Connect.
func through(t *testing.T, op *provider, s strategy.Strategy[oidc.Identity], b *browser.Browser) (oidc.Identity, error) {
	t.Helper()
	in := op.authorize(redirectOf(t, s, b, "/login/hub"))
	var got oidc.Identity
	err := ask(strategy.Map(s, func(_ context.Context, id oidc.Identity) (oidc.Identity, error) {
		got = id
		return id, nil
	}), b, "/callback?"+in.Encode())
	return got, err
}

func same(_ context.Context, id oidc.Identity) (oidc.Identity, error) { return id, nil }

func TestOAuth2ReadsTheProfile(t *testing.T) {
	op := hub(t, `{"id":9007199254740993,"login":"jen","email":"jen@test.com","verified":true,"data":{"name":"Jen Bar","pic":{"url":"https://pic"}}}`)
	s, err := oidc.NewOAuth2(plainConfig(op), nil, same)
	if err != nil {
		t.Fatal(err)
	}
	id, err := through(t, op, s, newWorld(t).open())
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != "9007199254740993" { // greater than 2^53
		t.Errorf("got the subject %q, want every digit of the number", id.Subject)
	}
	if id.Issuer != issuer || id.Email != "jen@test.com" || !id.EmailVerified || id.Name != "Jen Bar" || id.Username != "jen" || id.Picture != "https://pic" {
		t.Errorf("got %+v, want the profile", id)
	}
	if got := strings.Join(id.Tokens.Scopes, " "); got != "user:email repo" || id.Tokens.Access != "access-1" {
		t.Errorf("got the scopes %q, want user:email repo", got)
	}
}

func TestOAuth2ProfilesWithoutASubjectAreAnOutage(t *testing.T) {
	for _, profile := range []string{`{}`, `{"id":""}`, `{"id":null}`, `{"id":true}`, `{"id":{}}`, `[]`, `<html>`, `{"id":[1]}`} {
		op := hub(t, profile)
		s, err := oidc.NewOAuth2(plainConfig(op), nil, same)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := through(t, op, s, newWorld(t).open()); err == nil || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: got %v, want an outage", profile, err)
		}
	}
}

func TestOAuth2AsksAFunction(t *testing.T) {
	op := hub(t, `"jen"`)
	fetch := func(ctx context.Context, client *http.Client) (oidc.Identity, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/user", nil)
		if err != nil {
			return oidc.Identity{}, err
		}
		res, err := client.Do(r)
		if err != nil {
			return oidc.Identity{}, err
		}
		body, err := io.ReadAll(res.Body)
		return oidc.Identity{Issuer: "https://evil.example", Subject: string(body)}, errors.Join(err, res.Body.Close())
	}
	s, err := oidc.NewOAuth2(plainConfig(op), fetch, same)
	if err != nil {
		t.Fatal(err)
	}
	b := newWorld(t).open()
	id, err := through(t, op, s, b)
	if err != nil || id.Subject != `"jen"` || id.Issuer != issuer {
		t.Errorf("got %+v, %v, want the function's subject with the configured issuer", id, err)
	}
	refusing, err := oidc.NewOAuth2(plainConfig(op), func(context.Context, *http.Client) (oidc.Identity, error) {
		return oidc.Identity{}, &strategy.Failure{Reason: "not one of our organisation"}
	}, same)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := through(t, op, refusing, b); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("got %v, want the function's refusal", err)
	}
}

func TestRFC9700_4_5_OAuth2CodesAreBoundByPKCE(t *testing.T) {
	op := hub(t, `{"id":1}`)
	s, err := oidc.NewOAuth2(plainConfig(op), nil, same)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	stolen := op.authorize(redirectOf(t, s, w.open(), "/login")).Get("code")
	attacker := w.open()
	in := op.authorize(redirectOf(t, s, attacker, "/login"))
	in.Set("code", stolen)
	if err := httpAnswer(t, s, attacker, in); !errors.Is(err, strategy.ErrUnauthenticated) || !strings.Contains(err.Error(), "bad_verification_code") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestRFC9207_OAuth2AnswersOfAnotherIssuerAreRefused(t *testing.T) {
	op := hub(t, `{"id":1}`)
	s, err := oidc.NewOAuth2(plainConfig(op), nil, same)
	if err != nil {
		t.Fatal(err)
	}
	b := newWorld(t).open()
	in := op.authorize(redirectOf(t, s, b, "/login"))
	in.Set("iss", "https://evil.example")
	if err := httpAnswer(t, s, b, in); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("got %v, want a refusal", err)
	}
	in = op.authorize(redirectOf(t, s, b, "/login"))
	in.Del("iss")
	if err := httpAnswer(t, s, b, in); err != nil {
		t.Errorf("got %v for an answer without an issuer, want a log-in", err)
	}
	if s.Name() != "hub" || !s.AllowCrossSite(b.Request(http.MethodPost, "/cb?"+url.Values{"code": {"a"}, "state": {"b"}}.Encode(), "")) {
		t.Error("the strategy has another name, or takes no callback from other sites")
	}
}

func TestOAuth2AccessTokensDoNotFollowRedirects(t *testing.T) {
	op := hub(t, `{}`)
	op.route["/user"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://op.example/stolen", http.StatusFound)
	}
	s, err := oidc.NewOAuth2(plainConfig(op), nil, same)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := through(t, op, s, newWorld(t).open()); err == nil || op.called("/stolen") != 0 {
		t.Errorf("got %v, and %d calls where it led: want an outage and none", err, op.called("/stolen"))
	}
}
