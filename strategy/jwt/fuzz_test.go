package jwt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

// FuzzToken: a token that parses is encoded again to the same text, so a token has only one text.
func FuzzToken(f *testing.F) {
	f.Add(hs256(atJWT, with(nil)))
	f.Add(hs256(`{"alg":"HS256","typ":"at+jwt","kid":"a","crit":["b64"],"b64":false}`, "x"))
	f.Add("..")
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, text string) {
		if again, err := jwt.Parse(text); err == nil && again != text {
			t.Errorf("%q is encoded again as %q", text, again)
		}
	})
}

// FuzzClaims: signed claims of any form are accepted or refused. They are never an outage, and never accepted
// without the required claims.
func FuzzClaims(f *testing.F) {
	f.Add(atJWT, with(nil))
	f.Add(`{"alg":"HS256","typ":"at+jwt","kid":"x"}`, with(claims{"nbf": 1, "auth_time": 1.5}))
	f.Add(atJWT, `{"sub":"a","SUB":"b"}`)
	f.Add(atJWT, `{"exp":1e300,"aud":["a"],"iss":null}`)
	s := subjects(f, configOf(keyOf(f, "", jwt.HS256)))
	f.Fuzz(func(t *testing.T, header, payload string) {
		got := present(t, s, hs256(header, payload))
		switch {
		case got.status == 401 && strings.HasPrefix(got.reason, "jwt: "):
		case got.status == 200 && complete(payload):
		default:
			t.Errorf("%s %s: got %+v", header, payload, got)
		}
	})
}

// complete reports whether payload has the claims that every access token must have.
func complete(payload string) bool {
	var c map[string]any
	if json.Unmarshal([]byte(payload), &c) != nil || c["iss"] != issuer {
		return false
	}
	for _, name := range []string{"sub", "exp", "aud", "iat", "jti", "client_id"} {
		if c[name] == nil {
			return false
		}
	}
	return true
}

// FuzzKeySet: the usable keys of a set, encoded as a set, parse to the same keys.
func FuzzKeySet(f *testing.F) {
	for _, alg := range algorithms {
		f.Add(string(jwt.PublicKeySet(keyOf(f, "a", alg))))
	}
	f.Fuzz(func(t *testing.T, set string) {
		keys, err := jwt.ParseKeySet([]byte(set), jwt.ES256, jwt.RS256, jwt.EdDSA)
		if err != nil {
			return
		}
		list := must(keys.Keys(t.Context(), ""))
		out := jwt.PublicKeySet(list...)
		again, err := jwt.ParseKeySet(out, jwt.ES256, jwt.RS256, jwt.EdDSA)
		if err != nil || string(jwt.PublicKeySet(must(again.Keys(t.Context(), ""))...)) != string(out) {
			t.Errorf("%s becomes %s, %v", set, out, err)
		}
	})
}
