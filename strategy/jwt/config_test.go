package jwt_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

func nobody(context.Context, jwt.AccessClaims) (string, error) { return "", nil }

// mentions checks that err contains each of the words, and has one line for each.
func mentions(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error", what)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(words) {
		t.Errorf("%s: %d mistakes, want %d: %v", what, len(lines), len(words), err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: nothing about %q: %v", what, word, err)
		}
	}
}

func TestEveryMistakeInAConfigIsNamed(t *testing.T) {
	_, err := jwt.New[jwt.AccessClaims, string](jwt.Config{}, nil)
	mentions(t, "nothing set", err, "Keys is nil", "Issuer is empty", "Audience is empty", "validate is nil")

	_, err = jwt.New(jwt.Config{
		Keys: (*jwt.KeyList)(nil), Issuer: "i", InsecureAnyIssuer: true, Audience: []string{"a"}, InsecureAnyAudience: true,
		Leeway: 6 * time.Minute, MaxBytes: -1, Cookie: "a b", Realm: "\n", Name: "session",
	}, nobody)
	mentions(t, "everything wrong", err, "Keys is nil", "Issuer is set and", "Audience is set and", "Leeway is 6m", "MaxBytes is -1",
		`Cookie "a b" is no cookie name`, `call it __Host-a b`, "Realm", `Name "session" is reserved`)

	good := configOf(keyOf(t, "", jwt.HS256))
	good.InsecureCookieName, good.Audience = true, []string{"a", ""}
	_, err = jwt.New(good, nobody)
	mentions(t, "a switch without its subject", err, "InsecureCookieName is set without Cookie", "Audience has an empty name")

	good = configOf(keyOf(t, "", jwt.HS256))
	good.Cookie, good.InsecureCookieName, good.Name = "token", true, "api"
	s, err := jwt.New(good, nobody)
	if err != nil || s.Name() != "api" {
		t.Errorf("got %v, %v, want a strategy called api", s, err)
	}
}

func TestConfigIsCopied(t *testing.T) {
	cfg := configOf(keyOf(t, "", jwt.HS256))
	s := subjects(t, cfg)
	cfg.Audience[0] = "urn:other"
	i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: cfg.Keys, Issuer: issuer, Audience: []string{audience}}))
	if got := present(t, s, must(i.Issue(context.Background(), "42", jwt.AccessClaims{}))); got.status != 200 {
		t.Errorf("a change of the caller's slice reaches the strategy: %+v", got)
	}
}

// broken is a source of keys that returns wrong keys or an error.
type broken struct {
	keys []*jwt.Key
	err  error
}

func (b broken) Keys(context.Context, string) ([]*jwt.Key, error) { return b.keys, b.err }

func TestWithoutKeysItIsAnOutageAndNever401(t *testing.T) {
	cfg := configOf(keyOf(t, "", jwt.HS256))
	token := hs256(atJWT, with(nil))
	vault := errors.New("vault: sealed")
	for _, r := range []struct {
		name string
		keys jwt.Keys
	}{
		{"an error", broken{err: vault}},
		{"an error of a KeysFunc", jwt.KeysFunc(func(context.Context) ([]*jwt.Key, error) { return nil, vault })},
		{"an error that says unauthenticated", broken{err: strategy.ErrUnauthenticated}},
		{"no keys and no error", broken{}},
	} {
		cfg.Keys = r.keys
		if got := present(t, subjects(t, cfg), token); got.status != 503 {
			t.Errorf("%s: got %+v, want an outage", r.name, got)
		}
	}
	cfg.Keys = broken{keys: []*jwt.Key{nil}}
	if got := present(t, subjects(t, cfg), token); got.status != 401 {
		t.Errorf("a nil key: got %+v, want a refusal", got)
	}
	cfg.Keys = broken{err: vault}
	if got := present(t, subjects(t, cfg), "garbage"); got.status != 401 {
		t.Errorf("a malformed token during an outage: got %+v, want a refusal", got)
	}
}

func TestSecretsRotate(t *testing.T) {
	before, after := must(jwt.NewSecret("", jwt.HS256, secretOf(jwt.HS256))), must(jwt.NewSecret("", jwt.HS256, []byte(strings.Repeat("n", 32))))
	current := []*jwt.Key{before}
	keys := jwt.KeysFunc(func(context.Context) ([]*jwt.Key, error) { return current, nil })
	s := subjects(t, jwt.Config{Keys: keys, Issuer: issuer, Audience: []string{audience}})
	i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keys, Issuer: issuer, Audience: []string{audience}}))
	issue := func() string { return must(i.Issue(context.Background(), "42", jwt.AccessClaims{})) }
	old := issue()
	for _, step := range []struct {
		name     string
		keys     []*jwt.Key
		old, new int
	}{
		{"one secret", []*jwt.Key{before}, 200, 200},
		{"a new one before it", []*jwt.Key{after, before}, 200, 200},
		{"the old one gone", []*jwt.Key{after}, 401, 200},
	} {
		current = step.keys
		if gotOld, gotNew := present(t, s, old).status, present(t, s, issue()).status; gotOld != step.old || gotNew != step.new {
			t.Errorf("%s: got %d and %d, want %d and %d", step.name, gotOld, gotNew, step.old, step.new)
		}
	}
}

func TestWorkForOneTokenIsBounded(t *testing.T) {
	var many []*jwt.Key
	for i := range 17 {
		many = append(many, must(jwt.NewSecret("", jwt.HS256, []byte(strings.Repeat(string(rune('a'+i)), 32)))))
	}
	last := strings.Repeat("q", 32)
	i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keyList(must(jwt.NewSecret("", jwt.HS256, []byte(last)))), Issuer: issuer, Audience: []string{audience}}))
	token := must(i.Issue(context.Background(), "42", jwt.AccessClaims{}))
	if got := present(t, subjects(t, configOf(many[1:]...)), token); got.status != 200 {
		t.Errorf("the 16th key: got %+v, want it tried", got)
	}
	if got := present(t, subjects(t, configOf(many...)), token); got.reason != "jwt: too many keys fit the header: give each an id" {
		t.Errorf("the 17th key: got %+v, want a refusal", got)
	}
}

// A strategy for *User beside a serializer for *User compiles; the user type is
// inferred from validate.
func TestTheUserTypeIsInferred(t *testing.T) {
	type user struct{ id string }
	s, err := jwt.New(configOf(keyOf(t, "", jwt.HS256)), func(_ context.Context, c jwt.AccessClaims) (*user, error) { return &user{c.Subject}, nil })
	var _ strategy.Strategy[*user] = s
	var _ serializer.Serializer[*user] = serializer.ByID(func(u *user) string { return u.id }, func(context.Context, string) (*user, error) { return nil, nil })
	if err != nil {
		t.Error(err)
	}
}

func TestANilUserIsAnOutage(t *testing.T) {
	s := must(jwt.New(configOf(keyOf(t, "", jwt.HS256)), func(context.Context, jwt.AccessClaims) (*string, error) { return nil, nil }))
	i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keyList(keyOf(t, "", jwt.HS256)), Issuer: issuer, Audience: []string{audience}}))
	mapped := strategy.Map(s, func(context.Context, *string) (string, error) { return "somebody", nil })
	if got := present(t, mapped, must(i.Issue(context.Background(), "42", jwt.AccessClaims{}))); got.status != 503 {
		t.Errorf("got %+v, want an outage", got)
	}
}
