package jwt_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/jwt"
)

func TestRFC7519_4_ClaimNamesAreUnique(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const twice = "jwt: claims: a name is there twice"
		and := func(more string) string { return hs256(atJWT, strings.TrimSuffix(with(nil), "}")+","+more+"}") }
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"sub twice", and(`"sub":"1"`), 401, twice},
			{"sub twice, once with an escape", and(`"\u0073ub":"1"`), 401, twice},
			{"sub twice, once in capitals, as encoding/json reads it", and(`"SUB":"1"`), 401, twice},
			{"sub twice, once with a long s", and(`"ſub":"1"`), 401, twice},
			{"iss twice with the same value", and(`"iss":"` + issuer + `"`), 401, twice},
			{"a claim of the application twice", and(`"role":"user","role":"admin"`), 401, twice},
			{"a name twice, two levels down", and(`"realm_access":{"a":[{"roles":["user"],"roles":["admin"]}]}`), 401, twice},
			{"two names that differ by case, a level down", and(`"clients":{"Shop":1,"shop":2}`), 200, ""},
			{"nbf in capitals only", and(`"NBF":1`), 401, `jwt: claims: "NBF" differs from a known claim by its case only`},
			{"one claim once", and(`"role":"user"`), 200, ""},
		})
	})
}

// roleClaims is a typical claims type of an application.
type roleClaims struct {
	jwt.RegisteredClaims

	Roles  []string `json:"roles"`
	Access struct {
		Roles []string `json:"roles"`
	} `json:"realm_access"`
	Clients map[string]struct {
		Roles []string `json:"roles"`
	} `json:"resource_access"`
}

// "ROLES" is not "roles", although encoding/json accepts both for a field.
func TestRFC7519_4_ClaimNamesHaveACase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := must(jwt.New(configOf(keyOf(t, "", jwt.HS256)), func(_ context.Context, c roleClaims) (string, error) {
			got = append(append([]string{}, c.Roles...), c.Access.Roles...)
			for _, client := range c.Clients {
				got = append(got, client.Roles...)
			}
			return c.Subject, nil
		}))
		wrong := func(name, field string) string {
			return `jwt: claims: "` + name + `" differs from the field "` + field + `" by its case only`
		}
		for _, r := range []struct {
			name, more string
			roles      int
			reason     string
		}{
			{"as the type has them", `"roles":["a"],"realm_access":{"roles":["b"]},"resource_access":{"x":{"roles":["c"]}}`, 3, ""},
			{"in capitals", `"ROLES":["admin"]`, 0, wrong("ROLES", "roles")},
			{"with a long s", `"roleſ":["admin"]`, 0, wrong("roleſ", "roles")},
			{"a level down", `"realm_access":{"Roles":["admin"]}`, 0, wrong("Roles", "roles")},
			{"two levels down, in a map", `"resource_access":{"x":{"ROLES":["admin"]}}`, 0, wrong("ROLES", "roles")},
			{"names of a map are the issuer's", `"resource_access":{"x":{"roles":["a"]},"X":{"roles":["b"]}}`, 2, ""},
			{"what is not in the type is not looked at", `"Groups":["a"],"other":{"Roles":1}`, 0, ""},
		} {
			got = nil
			answer := present(t, s, hs256(atJWT, strings.TrimSuffix(with(nil), "}")+","+r.more+"}"))
			if len(got) != r.roles || answer.reason != r.reason {
				t.Errorf("%s: got the roles %v, reason %q, want %d of them, %q", r.name, got, answer.reason, r.roles, r.reason)
			}
		}
	})
}

func TestRFC7519_4_1_2_SubjectIsAString(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wrong = "jwt: claims: sub has the wrong type, or is empty"
		cfg := configOf(keyOf(t, "", jwt.HS256))
		cfg.Types = []string{"JWT"}
		plain := func(sub any) string { return hs256(`{"alg":"HS256","typ":"JWT"}`, with(claims{"sub": sub})) }
		try(t, cfg, []row{
			{"a string", plain("42"), 200, ""},
			{"none", plain(nil), 200, ""},
			{"a number, for a claims type with a string", plain(42), 401, "jwt: claims: do not fit their Go type: the field RegisteredClaims.sub"},
			{"a list", plain([]string{"42"}), 401, wrong},
			{"a bool", plain(true), 401, wrong},
			{"an object", plain(claims{"id": 42}), 401, wrong},
		})
	})
}

func TestRFC7519_4_1_4_ExpirationIsCheckedWithLeeway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := subjects(t, configOf(keyOf(t, "", jwt.HS256)))
		exact := configOf(keyOf(t, "", jwt.HS256))
		exact.Leeway = -1
		strict := subjects(t, exact)
		token := hs256(atJWT, with(nil)) // exp is 300 s from now
		for _, step := range []struct {
			wait            time.Duration
			lenient, strict int
		}{
			{0, 200, 200},
			{300*time.Second - 1, 200, 200},
			{1, 200, 401}, // "on or after which the JWT MUST NOT be accepted"
			{30*time.Second - 1, 200, 401},
			{1, 401, 401},
			{time.Hour, 401, 401},
		} {
			<-time.After(step.wait)
			lenient, strict := present(t, s, token), present(t, strict, token)
			if lenient.status != step.lenient || strict.status != step.strict {
				t.Errorf("at %v: got %d with leeway and %d without, want %d and %d", time.Now().UTC(), lenient.status, strict.status, step.lenient, step.strict)
			}
		}
		if got := present(t, s, token).reason; got != "jwt: claims: token is expired" {
			t.Errorf("the reason is %q", got)
		}
	})
}

func TestRFC7519_4_1_4_ExpirationIsRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const missing = "jwt: claims: token is missing required claim: exp claim is required"
		const wrong = "jwt: claims: exp has the wrong type, or is empty"
		raw := func(exp string) string { return hs256(atJWT, strings.Replace(with(nil), "946685100", exp, 1)) }
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"none", hs256(atJWT, with(claims{"exp": nil})), 401, missing},
			{"null", raw("null"), 401, wrong},
			{"a string", raw(`"946685100"`), 401, wrong},
			{"a date", raw(`"2000-01-01T00:05:00Z"`), 401, wrong},
			{"a list", raw(`[946685100]`), 401, wrong},
			{"negative", raw("-1"), 401, wrong},
			{"with a fraction", raw("946685100.5"), 200, ""},
			{"with an exponent", raw("9.466851e8"), 200, ""},
			{"in milliseconds, after the year 9999", raw("946685100000000"), 401, wrong},
			{"so large that seconds overflow", raw("1e300"), 401, wrong},
			{"larger than any float", raw("1e999"), 401, wrong},
			{"the last second there is", raw("253402300799"), 200, ""},
		})
	})
}

func TestRFC7519_4_1_5_NotBeforeIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const early, wrong = "jwt: claims: token is not valid yet", "jwt: claims: nbf has the wrong type, or is empty"
		from := func(nbf any) string { return hs256(atJWT, with(claims{"nbf": nbf})) }
		rows := []row{
			{"in the past", from(begin - 1), 200, ""},
			{"now", from(begin), 200, ""},
			{"within the leeway", from(begin + 30), 200, ""},
			{"after it", from(begin + 31), 401, early},
			{"half a second after it", from(begin + 30.5), 401, early},
			{"a string", from("0"), 401, wrong},
		}
		try(t, configOf(keyOf(t, "", jwt.HS256)), rows)
		<-time.After(time.Second)
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{{"a second later", from(begin + 31), 200, ""}})
	})
}

func TestRFC7519_4_1_6_TokensAreNotFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const future = "jwt: claims: token used before issued"
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"within the leeway", hs256(atJWT, with(claims{"iat": begin + 30})), 200, ""},
			{"after it", hs256(atJWT, with(claims{"iat": begin + 31})), 401, future},
			{"a string", hs256(atJWT, with(claims{"iat": "now"})), 401, "jwt: claims: iat has the wrong type, or is empty"},
			{"before 1970", hs256(atJWT, with(claims{"iat": -1})), 401, "jwt: claims: iat has the wrong type, or is empty"},
		})
	})
}

// RFC 7519 §7.2, with RFC 7515 §4, §5.2 and §7.1, which it builds on.
func TestRFC7519_7_2_FormIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header := func(text string) string { return hs256(text, with(nil)) }
		good := header(atJWT)
		parts := strings.Split(good, ".")
		nested := hs256(`{"alg":"HS256","typ":"at+jwt","cty":"JWT"}`, good)
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"one part", parts[0], 401, "jwt: the token has too few parts"},
			{"two parts", parts[0] + "." + parts[1], 401, "jwt: the token has too few parts"},
			{"four parts", good + "." + parts[2], 401, "jwt: the token has too many parts"},
			{"five parts, as if encrypted", good + ".a.a", 401, "jwt: the token is encrypted"},
			{"thousands of parts", strings.Repeat(".", 9000), 401, "jwt: the token has too many parts"},
			{"empty parts", "..", 401, "jwt: header: not JSON in UTF-8"},
			{"a header that is a list", header(`["HS256"]`), 401, "jwt: header: not a JSON object"},
			{"a header with text after it", header(atJWT + "x"), 401, "jwt: header: not JSON in UTF-8"},
			{"two headers", header(atJWT + atJWT), 401, "jwt: header: not JSON in UTF-8"},
			{"a header in white space", header(" " + atJWT + "\n"), 200, ""},
			{"parameters that nobody knows", header(`{"alg":"HS256","typ":"at+jwt","x":{"y":[1]}}`), 200, ""},
			{"a nested token", nested, 401, "jwt: header: the token is nested in another"},
			{"a nested token, in small letters and in full", hs256(`{"alg":"HS256","typ":"at+jwt","cty":"application/jwt"}`, good), 401, "jwt: header: the token is nested in another"},
			{"a nested token without cty", hs256(atJWT, good), 401, "jwt: claims: not JSON in UTF-8"},
			{"an encrypted token's header", header(`{"alg":"HS256","typ":"at+jwt","enc":"A256GCM"}`), 401, "jwt: header: the token is encrypted or compressed"},
			{"claims that are a list", hs256(atJWT, "["+with(nil)+"]"), 401, "jwt: claims: not a JSON object"},
			{"claims that are a string", hs256(atJWT, `"sub"`), 401, "jwt: claims: not a JSON object"},
			{"no claims", hs256(atJWT, ""), 401, "jwt: claims: not JSON in UTF-8"},
			{"claims nested too deep", hs256(atJWT, strings.Repeat("[", 11000)), 401, "jwt: claims: not JSON in UTF-8"},
		})
	})
}

// RFC 7515 §4.1.11: extensions in crit must be understood, and this package understands none. RFC 7797 §7:
// b64 with the value false is prohibited.
func TestRFC7515_4_1_11_CritIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const crit, b64 = "jwt: header: crit asks for an extension", "jwt: header: b64 is prohibited in a JWT"
		header := func(more string) string { return hs256(`{"alg":"HS256","typ":"at+jwt",`+more+`}`, with(nil)) }
		try(t, configOf(keyOf(t, "", jwt.HS256)), []row{
			{"an extension", header(`"crit":["urn:x"],"urn:x":1`), 401, crit},
			{"exp in the header", header(`"crit":["exp"],"exp":1`), 401, crit},
			{"an empty list", header(`"crit":[]`), 401, crit},
			{"null", header(`"crit":null`), 401, crit},
			{"b64 false with crit", header(`"crit":["b64"],"b64":false`), 401, crit},
			{"b64 false alone", header(`"b64":false`), 401, b64},
			{"b64 that is no bool", header(`"b64":"true"`), 401, b64},
			{"b64 true, which changes nothing", header(`"b64":true`), 200, ""},
		})
	})
}

func TestOversizedTokensAreNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := hs256(atJWT, with(claims{"pad": strings.Repeat("x", 16<<10)}))
		cfg := configOf(keyOf(t, "", jwt.HS256))
		try(t, cfg, []row{{"over 16 KiB", long, 401, "jwt: the token is too long"}})
		cfg.MaxBytes = len(long)
		try(t, cfg, []row{{"just as long as allowed", long, 200, ""}})
		cfg.MaxBytes--
		try(t, cfg, []row{{"a byte over", long, 401, "jwt: the token is too long"}})
	})
}

// hiding has fields that hide the claims that golang-jwt checks.
type hiding struct {
	jwt.RegisteredClaims
	Sub string `json:"sub"`
	Exp any    `json:"exp"`
	Nbf any    `json:"nbf"`
}

func TestChecksDoNotDependOnTheClaimsType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := must(jwt.New(configOf(keyOf(t, "", jwt.HS256)), func(_ context.Context, c hiding) (string, error) { return c.Sub, nil }))
		for _, r := range []row{
			{"good", hs256(atJWT, with(nil)), 200, ""},
			{"expired", hs256(atJWT, with(claims{"exp": begin - 31})), 401, "jwt: claims: token is expired"},
			{"not yet", hs256(atJWT, with(claims{"nbf": begin + 31})), 401, "jwt: claims: token is not valid yet"},
		} {
			if got := present(t, s, r.token); got.status != r.status || got.reason != r.reason {
				t.Errorf("%s: got %d (%s), want %d (%s)", r.name, got.status, got.reason, r.status, r.reason)
			}
		}
	})
}

// tenant is a claims type with its own check, as in golang-jwt's manual.
type tenant struct {
	jwt.RegisteredClaims
	Tenant string `json:"tenant"`
}

func (c tenant) Validate() error {
	if c.Tenant == "" {
		return errNoTenant
	}
	return nil
}

type constError string

func (e constError) Error() string { return string(e) }

const errNoTenant = constError("no tenant")

// tenantPtr has its check on the pointer receiver.
type tenantPtr tenant

func (c *tenantPtr) Validate() error { return tenant(*c).Validate() }

func TestTheClaimsOwnValidateIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := configOf(keyOf(t, "", jwt.HS256))
		strategies := map[string]*jwt.Strategy[string]{
			"a struct":     must(jwt.New(cfg, func(_ context.Context, c tenant) (string, error) { return c.Tenant, nil })),
			"a pointer":    must(jwt.New(cfg, func(_ context.Context, c *tenant) (string, error) { return c.Tenant, nil })),
			"on a pointer": must(jwt.New(cfg, func(_ context.Context, c tenantPtr) (string, error) { return c.Tenant, nil })),
		}
		for name, s := range strategies {
			if got := present(t, s, hs256(atJWT, with(claims{"tenant": "acme"}))); got.user != "acme" {
				t.Errorf("%s: got %+v, want the tenant", name, got)
			}
			if got := present(t, s, hs256(atJWT, with(nil))); got.status != 401 || got.reason != "jwt: claims: no tenant" {
				t.Errorf("%s: got %+v, want the refusal of Validate", name, got)
			}
			if got := present(t, s, hs256(atJWT, with(claims{"tenant": 1}))); got.reason != "jwt: claims: do not fit their Go type: the field tenant" {
				t.Errorf("%s: the reason is %q", name, got.reason)
			}
		}
	})
}

// nest is the claims type for the tokens of Nest's guide, whose sub is a number.
type nest struct {
	jwt.RegisteredClaims
	ID       json.Number `json:"sub"`
	Username string      `json:"username"`
}
