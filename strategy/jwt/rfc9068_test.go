package jwt_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

func TestRFC9068_2_2_AccessTokensAreComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rows []row
		for _, name := range []string{"sub", "client_id", "iat", "jti"} {
			rows = append(rows, row{"without " + name, hs256(atJWT, with(claims{name: nil})), 401, "jwt: claims: " + name + " is missing, which RFC 9068 requires of at+jwt"})
		}
		for _, name := range []string{"sub", "client_id", "jti"} {
			const wrong = " has the wrong type, or is empty"
			rows = append(rows,
				row{name + " empty", hs256(atJWT, with(claims{name: ""})), 401, "jwt: claims: " + name + wrong},
				row{name + " a number", hs256(atJWT, with(claims{name: 1})), 401, "jwt: claims: " + name + wrong})
		}
		rows = append(rows,
			row{"scope a list", hs256(atJWT, with(claims{"scope": []string{"read"}})), 401, "jwt: claims: scope has the wrong type, or is empty"},
			row{"auth_time a string", hs256(atJWT, with(claims{"auth_time": "now"})), 401, "jwt: claims: auth_time has the wrong type, or is empty"})
		try(t, configOf(keyOf(t, "", jwt.HS256)), rows)
		any := configOf(keyOf(t, "", jwt.HS256))
		any.Issuer, any.InsecureAnyIssuer, any.Audience, any.InsecureAnyAudience = "", true, nil, true
		try(t, any, []row{
			{"without iss, where any will do", hs256(atJWT, with(claims{"iss": nil})), 401, "jwt: claims: iss is missing, which RFC 9068 requires of at+jwt"},
			{"without aud, where any will do", hs256(atJWT, with(claims{"aud": nil})), 401, "jwt: claims: aud is missing, which RFC 9068 requires of at+jwt"},
			{"another iss and aud, where any will do", hs256(atJWT, with(claims{"iss": "i", "aud": "a"})), 200, ""},
		})
	})
}

// RFC 9068 §4: "The resource server MUST verify that the "typ" header value is "at+jwt"
// or "application/at+jwt" and reject tokens carrying any other value".
func TestRFC9068_4_ResourceServerValidates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed := func(typ string) string { return hs256(`{"alg":"HS256","typ":"`+typ+`"}`, with(nil)) }
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"at+jwt", typed("at+jwt"), 200, ""},
			{"application/at+jwt", typed("application/at+jwt"), 200, ""},
			{"in capitals", typed("Application/AT+JWT"), 200, ""},
			{"JWT", typed("JWT"), 401, "jwt: header: typ is none of Config.Types"},
		})
	})
}

func TestRFC9068_2_2_3_ScopesDecide(t *testing.T) {
	c := jwt.AccessClaims{Scope: "read  orders:write"}
	for scope, want := range map[string]bool{"read": true, "orders:write": true, "orders": false, "write": false, "": false, "read orders:write": false} {
		if got := c.HasScope(scope); got != want {
			t.Errorf("HasScope(%q) = %t, want %t", scope, got, want)
		}
	}
}

// RFC 9068 §2.2.1: when the token is renewed, auth_time remains the time of the log-in.
func TestRFC9068_2_2_1_AuthTimeIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := subjects(t, configOf(keyOf(t, "", jwt.HS256)))
		got := present(t, s, hs256(atJWT, with(claims{"auth_time": begin - 60}))).info
		if !got.At.Equal(time.Unix(begin-60, 0)) {
			t.Errorf("with auth_time: At is %v", got.At)
		}
		if c, ok := got.Detail.(jwt.AccessClaims); !ok || c.ClientID != "spa" || c.ID != "a-jti" {
			t.Errorf("Detail is %+v, want the claims", got.Detail)
		}
		if got := present(t, s, hs256(atJWT, with(nil))).info; !got.At.IsZero() {
			t.Errorf("without auth_time: At is %v, want none: the token does not prove that the user is present", got.At)
		}
	})
}

func TestRFC9068_2_IssuerMakesAccessTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, alg := range algorithms {
			keys := keyList(keyOf(t, "the key", alg))
			i := must(jwt.NewIssuer[jwt.AccessClaims](jwt.IssuerConfig{Keys: keys, Issuer: issuer, Audience: []string{audience}}))
			token, err := i.Issue(context.Background(), "42", jwt.AccessClaims{Scope: "read", AuthTime: jwt.NewNumericDate(time.Now())})
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			got := present(t, subjects(t, configOf(keyOf(t, "the key", alg))), token)
			c, _ := got.info.Detail.(jwt.AccessClaims)
			if got.user != "42" || c.Scope != "read" || c.ClientID != issuer || len(c.ID) < 20 || c.ExpiresAt.Sub(c.IssuedAt.Time) != 5*time.Minute {
				t.Errorf("%s: got %+v", alg, got)
			}
		}
	})
}
