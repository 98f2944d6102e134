package jwt_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

func TestEveryMistakeInAnIssuerConfigIsNamed(t *testing.T) {
	_, err := jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Lifetime: 1500 * time.Millisecond})
	mentions(t, "nothing set", err, "Keys is nil", "Issuer is empty", "Audience is empty", "Lifetime is 1.5s")
	public := keyList(must(jwt.ParsePEM("", jwt.RS256, publicPEM(t, "rsa"))))
	_, err = jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: public, Issuer: issuer, Audience: []string{""}, Lifetime: -time.Second})
	mentions(t, "a public key", err, "none of Keys can sign", "Audience", "Lifetime is -1s")
}

// extra is a claims type with claims that an Issuer sets itself.
type extra struct {
	jwt.RegisteredClaims
	Client string         `json:"client_id,omitempty"`
	More   map[string]any `json:"more,omitempty"`
	Upper  string         `json:"SUB,omitempty"`
	Twice  string         `json:"MORE,omitempty"`
	Broken any            `json:"broken,omitempty"`
}

func TestTheIssuerDecidesTheRegisteredClaims(t *testing.T) {
	ctx := context.Background()
	keys := keyList(keyOf(t, "", jwt.HS256))
	i := must(jwt.NewIssuer[extra](jwt.IssuerConfig{Keys: keys, Issuer: issuer, Audience: []string{audience}, ClientID: "spa", Lifetime: time.Minute}))
	if i.Lifetime() != time.Minute {
		t.Errorf("Lifetime() = %v, want 1m", i.Lifetime())
	}
	far := jwt.NewNumericDate(time.Now().Add(time.Hour))
	token, err := i.Issue(ctx, "42", extra{Client: "other", RegisteredClaims: jwt.RegisteredClaims{
		Issuer: "other", Subject: "1", Audience: jwt.ClaimStrings{"other"}, ExpiresAt: far, IssuedAt: far, ID: "mine",
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := present(t, subjects(t, jwt.Config{Keys: keys, Issuer: issuer, Audience: []string{audience}}), token)
	c, _ := got.info.Detail.(jwt.AccessClaims)
	if got.user != "42" || c.ClientID != "spa" || c.ID != "mine" || c.ExpiresAt.Equal(far.Time) || len(c.Audience) != 1 {
		t.Errorf("got %+v", got)
	}
	seen := map[string]bool{}
	for range 100 {
		got := present(t, subjects(t, jwt.Config{Keys: keys, Issuer: issuer, Audience: []string{audience}}), must(i.Issue(ctx, "42", extra{})))
		c, _ := got.info.Detail.(jwt.AccessClaims)
		seen[c.ID] = true
	}
	if len(seen) != 100 {
		t.Errorf("100 tokens have %d ids", len(seen))
	}
	for name, bad := range map[string]extra{
		"a claim that hides one":       {Upper: "1"},
		"two claims that hide another": {More: map[string]any{"a": 1}, Twice: "x"},
		"what has no JSON":             {Broken: func() {}},
	} {
		if token, err := i.Issue(ctx, "42", bad); err == nil {
			t.Errorf("%s: got %q, want an error", name, token)
		}
	}
	if _, err := i.Issue(ctx, "", extra{}); err == nil {
		t.Error("a token without a subject is issued")
	}
	list := must(jwt.NewIssuer[gone](jwt.IssuerConfig{Keys: keys, Issuer: issuer, Audience: []string{audience}}))
	if _, err := list.Issue(ctx, "42", gone{}); err == nil {
		t.Error("claims that are a JSON array are accepted")
	}
}

// gone is a claims type whose JSON is not an object.
type gone struct{ jwt.RegisteredClaims }

func (gone) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

func TestAnIssuerNeedsAKeyThatSigns(t *testing.T) {
	public := must(jwt.ParsePEM("", jwt.RS256, publicPEM(t, "rsa")))
	down := errors.New("vault: sealed")
	for _, r := range []struct {
		name string
		keys jwt.Keys
		want string
	}{
		{"an outage", broken{err: down}, "vault: sealed"},
		{"no keys", broken{}, "none of the keys can sign"},
		{"public keys", broken{keys: []*jwt.Key{nil, public}}, "none of the keys can sign"},
	} {
		i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: r.keys, Issuer: issuer, Audience: []string{audience}}))
		if _, err := i.Issue(context.Background(), "42", jwt.AccessClaims{}); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: got %v, want %q in it", r.name, err, r.want)
		}
		w := httptest.NewRecorder()
		jwt.KeySetHandler(r.keys).ServeHTTP(w, httptest.NewRequest("GET", "/jwks.json", nil))
		if want := map[bool]int{true: 503, false: 200}[r.name == "an outage"]; w.Code != want {
			t.Errorf("%s: the key set answers %d, want %d", r.name, w.Code, want)
		}
	}
}

func TestRFC6749_5_1_TokenResponse(t *testing.T) {
	w := httptest.NewRecorder()
	if err := (jwt.TokenResponse{AccessToken: "a", ExpiresIn: 5 * time.Minute, RefreshToken: "r", Scope: "read"}).Write(w); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 300.0, "refresh_token": "r", "scope": "read"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || h.Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", h)
	}
	w = httptest.NewRecorder()
	_ = jwt.TokenResponse{AccessToken: "a"}.Write(w)
	if got := w.Body.String(); got != `{"access_token":"a","token_type":"Bearer"}`+"\n" {
		t.Errorf("without the rest: %s", got)
	}
	if err := (jwt.TokenResponse{}).Write(failing{httptest.NewRecorder()}); err == nil {
		t.Error("the error of the writer is lost")
	}
}

type failing struct{ *httptest.ResponseRecorder }

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestKeySetHandlerServesPublicKeys(t *testing.T) {
	keys := keyList(keyOf(t, "a", jwt.ES256), keyOf(t, "s", jwt.HS256))
	w := httptest.NewRecorder()
	jwt.KeySetHandler(keys).ServeHTTP(w, httptest.NewRequest("GET", "/jwks.json", nil))
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/jwk-set+json" || w.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	back := must(must(jwt.ParseKeySet(w.Body.Bytes(), jwt.ES256)).Keys(t.Context(), ""))
	if len(back) != 1 || back[0].ID() != "a" || back[0].CanSign() {
		t.Errorf("the set is %s", w.Body)
	}
}
