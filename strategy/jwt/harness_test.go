package jwt_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"testing"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

const (
	issuer   = "https://id.example"
	audience = "https://api.example"
)

// begin is when a synctest bubble begins: 2000-01-01T00:00:00Z.
const begin = 946684800

var algorithms = []jwt.Algorithm{jwt.HS256, jwt.HS384, jwt.HS512, jwt.RS256, jwt.RS384, jwt.RS512, jwt.PS256, jwt.PS384, jwt.PS512, jwt.ES256, jwt.ES384, jwt.ES512, jwt.EdDSA, jwt.Ed25519}

func isSecret(alg jwt.Algorithm) bool { return alg[:2] == "HS" }

// secretOf is the secret of testdata/interop/keys.mjs.
func secretOf(alg jwt.Algorithm) []byte {
	const phrase = "a made-up secret, "
	size := map[jwt.Algorithm]int{jwt.HS256: 32, jwt.HS384: 48, jwt.HS512: 64}[alg]
	return bytes.Repeat([]byte(phrase), 4)[:size]
}

func pemOf(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/keys/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keyOf returns the private key of testdata for alg.
func keyOf(t testing.TB, id string, alg jwt.Algorithm) *jwt.Key {
	t.Helper()
	file := map[jwt.Algorithm]string{jwt.ES256: "p256", jwt.ES384: "p384", jwt.ES512: "p521", jwt.EdDSA: "ed25519", jwt.Ed25519: "ed25519"}[alg]
	switch {
	case isSecret(alg):
		return must(jwt.NewSecret(id, alg, secretOf(alg)))
	case file == "":
		file = "rsa"
	}
	return must(jwt.ParsePEM(id, alg, pemOf(t, file)))
}

// must returns v, or panics: err would be a mistake in the test itself.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keyList(keys ...*jwt.Key) *jwt.KeyList { return must(jwt.NewKeys(keys...)) }

// configOf returns a Config for the tokens that the helpers below make.
func configOf(keys ...*jwt.Key) jwt.Config {
	return jwt.Config{Keys: keyList(keys...), Issuer: issuer, Audience: []string{audience}}
}

// subjects returns a strategy whose user is the subject.
func subjects(t testing.TB, cfg jwt.Config) *jwt.Strategy[string] {
	t.Helper()
	s, err := jwt.New(cfg, func(_ context.Context, c jwt.AccessClaims) (string, error) { return c.Subject, nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type claims map[string]any

// with returns the claims of a valid access token at the beginning of a bubble, with some replaced; nil
// removes a claim.
func with(others claims) string {
	c := claims{"iss": issuer, "sub": "42", "aud": audience, "iat": begin, "exp": begin + 300, "jti": "a-jti", "client_id": "spa"}
	maps.Copy(c, others)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return string(must(json.Marshal(c)))
}

// hs256 signs any header and payload with the secret of HS256.
func hs256(header, payload string) string {
	return sign(gojwt.SigningMethodHS256, secretOf(jwt.HS256), header, payload)
}

// sign makes a token as golang-jwt does, but without its checks.
func sign(method gojwt.SigningMethod, key any, header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	return signed + "." + encode(string(must(method.Sign(signed, key))))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

const atJWT = `{"alg":"HS256","typ":"at+jwt"}`

// answer is the answer of a strategy.
type answer struct {
	user      string
	status    int // 200, 503 for an outage, or the status of a refusal
	challenge string
	reason    string // the reason of a refusal, or the text of an outage
	info      strategy.Info
}

// present sends a token in the Authorization header.
func present(t testing.TB, s strategy.Strategy[string], token string) answer {
	t.Helper()
	return presentHeader(t, s, "Authorization", "Bearer "+token)
}

func presentHeader(t testing.TB, s strategy.Strategy[string], name string, values ...string) answer {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	for _, value := range values {
		r.Header.Add(name, value)
	}
	var a answer
	user, err := s.Authenticate(httptest.NewRecorder(), r.WithContext(strategy.WithInfo(t.Context(), &a.info)))
	var f *strategy.Failure
	switch {
	case err == nil:
		a.user, a.status = user, 200
	case errors.As(err, &f):
		a.status, a.challenge, a.reason = f.Status, f.Challenge, f.Reason
		if a.status == 0 {
			a.status = 401
		}
	case errors.Is(err, strategy.ErrUnauthenticated):
		a.status = 401
	default:
		a.status, a.reason = 503, err.Error()
	}
	if err != nil && user != "" {
		t.Errorf("an error, %v, and the user %q beside it", err, user)
	}
	return a
}

// row is a token, presented to a strategy of configOf(HS256's key) unless the row has another config.
type row struct {
	name, token string
	status      int
	reason      string // of the refusal
}

// try presents each row's token, at the beginning of a bubble.
func try(t *testing.T, cfg jwt.Config, rows []row) {
	t.Helper()
	s := subjects(t, cfg)
	for _, r := range rows {
		got := present(t, s, r.token)
		if got.status != r.status || got.reason != r.reason {
			t.Errorf("%s: got %d, reason %q, want %d, reason %q", r.name, got.status, got.reason, r.status, r.reason)
		}
	}
}

var silent = slog.New(slog.DiscardHandler)
