package jwt_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// Types that encoding/json fills, with the fields of those that the package fills itself.
type (
	jsonAccess     jwt.AccessClaims
	jsonRegistered struct{ jwt.RegisteredClaims }
)

// filled presents a token to a strategy with the claims type C, and returns what it got.
func filled[C jwt.Claims](t *testing.T, cfg jwt.Config, token string) (got C, refusal string) {
	t.Helper()
	s := must(jwt.New(cfg, func(_ context.Context, c C) (string, error) { got = c; return "user", nil }))
	a := present(t, s, token)
	return got, fmt.Sprint(a.status, " ", a.reason)
}

// FuzzClaimsAreThoseOfEncodingJSON: the claims types of this package are filled from the members that were
// checked, and get what encoding/json gives them, or the same refusal.
func FuzzClaimsAreThoseOfEncodingJSON(f *testing.F) {
	for _, c := range []claims{
		nil, {"scope": "a b", "acr": "1", "amr": []string{"pwd", "otp"}, "auth_time": 1, "nbf": 2.5}, {"exp": 4e9 + 0.75, "iat": 0},
		{"sub": 42}, {"sub": nil}, {"sub": ""}, {"acr": 1}, {"acr": "\ufffd"}, {"amr": "pwd"}, {"amr": []string{}}, {"amr": []any{"a", 1}}, {"amr": []any{nil, "a"}},
		{"aud": []string{"x", audience}}, {"auth_time": 1.9}, {"scope": 1}, {"client_id": 1}, {"jti": nil, "client_id": nil}, {"extra": map[string]any{"acr": 1}},
	} {
		payload := with(claims{"exp": 4e9})
		if c != nil {
			c["exp"] = 4e9
			payload = with(c)
		}
		f.Add(payload)
	}
	f.Add(`{"iss":"https://id.example","aud":["https://api.example"],"exp":4e9,"acr":null,"amr":null,"scope":null,"client_id":null}`)
	f.Add(`{"iss":"https://id.example","aud":"https://api.example","exp":4e9,"acr":"\u0061","ACR":"b"}`)
	f.Add(`{"iss":"https://id.example","aud":"https://api.example","exp":4e9,"acr":"a","amr":["b"],"amr":["c"]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		cfg := configOf(keyOf(t, "", jwt.HS256))
		cfg.Types = []string{"at+jwt", "JWT"}
		for _, header := range []string{atJWT, `{"alg":"HS256","typ":"JWT"}`} {
			token := hs256(header, payload)
			access, refusal := filled[jwt.AccessClaims](t, cfg, token)
			if want, wanted := filled[jsonAccess](t, cfg, token); refusal != wanted || !reflect.DeepEqual(access, jwt.AccessClaims(want)) {
				t.Errorf("%s: got %+v (%s), want %+v (%s)", payload, access, refusal, want, wanted)
			}
			registered, refusal := filled[jwt.RegisteredClaims](t, cfg, token)
			want, wanted := filled[jsonRegistered](t, cfg, token)
			wanted = strings.Replace(wanted, "the field RegisteredClaims.", "the field ", 1)
			if refusal != wanted || !reflect.DeepEqual(registered, want.RegisteredClaims) {
				t.Errorf("%s: got %+v (%s), want %+v (%s)", payload, registered, refusal, want.RegisteredClaims, wanted)
			}
		}
	})
}
