package jwt_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt"
)

func TestRFC6750_2_TokensAreReadFromTheHeaderOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := subjects(t, configOf(keyOf(t, "", jwt.HS256)))
		token := hs256(atJWT, with(nil))
		if got := presentHeader(t, s, "Authorization", "bEaReR "+token); got.status != 200 {
			t.Errorf("another case of the scheme: got %d", got.status)
		}
		elsewhere := map[string]*http.Request{
			"the query":        httptest.NewRequest("GET", "/?access_token="+token+"&token="+token+"&auth_token="+token, nil),
			"a form":           httptest.NewRequest("POST", "/", strings.NewReader("access_token="+token)),
			"a cookie":         httptest.NewRequest("GET", "/", nil),
			"X-Access-Token":   httptest.NewRequest("GET", "/", nil),
			"the JWT scheme":   httptest.NewRequest("GET", "/", nil),
			"the Basic scheme": httptest.NewRequest("GET", "/", nil),
		}
		elsewhere["a form"].Header.Set("Content-Type", "application/x-www-form-urlencoded")
		elsewhere["a cookie"].Header.Set("Cookie", "jwt="+token)
		elsewhere["X-Access-Token"].Header.Set("X-Access-Token", token)
		elsewhere["the JWT scheme"].Header.Set("Authorization", "JWT "+token)
		elsewhere["the Basic scheme"].Header.Set("Authorization", "Basic "+token)
		for place, r := range elsewhere {
			if user, err := s.Authenticate(nil, r); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("%s: got %q, %v, want a refusal", place, user, err)
			}
		}
	})
}

func TestRFC6750_3_1_RefusalsHaveTheirCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const plain, invalid = `Bearer realm="api"`, `Bearer realm="api", error="invalid_token"`
		good, expired := hs256(atJWT, with(nil)), hs256(atJWT, with(claims{"exp": 1}))
		for _, r := range []struct {
			name      string
			validate  error
			headers   []string
			status    int
			challenge string
		}{
			{"no header: no error code", nil, nil, 401, plain},
			{"two headers", nil, []string{"Bearer " + good, "Bearer " + good}, 400, plain + `, error="invalid_request"`},
			{"a header without a token", nil, []string{"Bearer"}, 400, plain + `, error="invalid_request"`},
			{"an expired token", nil, []string{"Bearer " + expired}, 401, invalid},
			{"no JWT", nil, []string{"Bearer abc"}, 401, invalid},
			{"a subject that is gone", strategy.ErrUnauthenticated, []string{"Bearer " + good}, 401, invalid},
			{"a scope that is missing", strategy.InsufficientScope("admin"), []string{"Bearer " + good}, 403, plain + `, error="insufficient_scope", scope="admin"`},
			{"an outage of the users", errors.New("db: down"), []string{"Bearer " + good}, 503, ""},
		} {
			s := must(jwt.New(configOf(keyOf(t, "", jwt.HS256)), func(context.Context, jwt.AccessClaims) (string, error) { return "", r.validate }))
			if got := presentHeader(t, s, "Authorization", r.headers...); got.status != r.status || got.challenge != r.challenge {
				t.Errorf("%s: got %d, challenge %q, want %d, %q", r.name, got.status, got.challenge, r.status, r.challenge)
			}
		}
	})
}

func TestRFC6750_5_CookiesAreAmbientAndHeadersAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := configOf(keyOf(t, "", jwt.HS256))
		header := subjects(t, cfg)
		cfg.Cookie = "__Host-token"
		cookie := subjects(t, cfg)
		r := httptest.NewRequest("POST", "/", nil)
		if !allowsCrossSite(header, r) || allowsCrossSite(cookie, r) {
			t.Error("want cross-site requests allowed with a header and refused with a cookie")
		}
		good, expired := hs256(atJWT, with(nil)), hs256(atJWT, with(claims{"exp": 1}))
		for _, row := range []struct {
			name, header, value string
			status              int
			reason              string
		}{
			{"the cookie", "Cookie", "a=b; __Host-token=" + good, 200, ""},
			{"no cookie", "Cookie", "a=b", 401, ""},
			{"the cookie twice: one of them may be an attacker's", "Cookie", "__Host-token=" + good + "; __Host-token=" + good, 401, "jwt: the cookie is there twice"},
			{"the name in another case", "Cookie", "__host-token=" + good, 401, ""},
			{"an expired token", "Cookie", "__Host-token=" + expired, 401, "jwt: claims: token is expired"},
			{"garbage", "Cookie", "__Host-token=a b", 401, "malformed Bearer token"},
			{"an empty cookie", "Cookie", "__Host-token=", 401, "malformed Bearer token"},
			{"the header", "Authorization", "Bearer " + good, 401, ""},
		} {
			got := presentHeader(t, cookie, row.header, row.value)
			if got.status != row.status || got.reason != row.reason || got.challenge != "" {
				t.Errorf("%s: got %+v, want %d, reason %q, no challenge", row.name, got, row.status, row.reason)
			}
		}
		scope := must(jwt.New(cfg, func(context.Context, jwt.AccessClaims) (string, error) { return "", strategy.InsufficientScope() }))
		if got := presentHeader(t, scope, "Cookie", "__Host-token="+good); got.status != 403 {
			t.Errorf("a scope that is missing: got %d, want 403", got.status)
		}
		outage := must(jwt.New(cfg, func(context.Context, jwt.AccessClaims) (string, error) { return "", errors.New("down") }))
		if got := presentHeader(t, outage, "Cookie", "__Host-token="+good); got.status != 503 {
			t.Errorf("an outage: got %d, want 503", got.status)
		}
	})
}

// allowsCrossSite reports whether s, or the strategy that it wraps, allows requests from other sites.
func allowsCrossSite[U any](s strategy.Strategy[U], r *http.Request) bool {
	c, ok := strategy.Ability[strategy.CrossSite](s)
	return ok && c.AllowCrossSite(r)
}

// TestAnUpstreamDoesNotGetTheToken in the cookie: with it, the upstream could act as the user.
func TestAnUpstreamDoesNotGetTheToken(t *testing.T) {
	for cookie, want := range map[string]string{"__Host-token": "a=b", "": "__Host-token=t; a=b"} {
		cfg := configOf(keyOf(t, "", jwt.HS256))
		cfg.Cookie = cookie
		g := must(guard.New(guard.Config{}, nil, strategy.Named("n", strategy.Strategy[string](subjects(t, cfg)))))
		got := "nothing"
		upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Cookie") }))
		t.Cleanup(upstream.Close)
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, upstream.URL, nil))
		r.Header.Set("Cookie", "__Host-token=t; a=b")
		res, err := g.ProxyTransport(nil).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got != want {
			t.Errorf("Config.Cookie %q: the upstream got the cookies %q, want %q", cookie, got, want)
		}
	}
}
