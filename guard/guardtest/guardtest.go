// Package guardtest answers: how does a test get past a guard?
//
// [WithUser] is for a handler's own tests: no cookie, no store, no credentials.
// [LogIn] makes a real session, for tests that go through a server, and [LogInWith] one that is
// old, has second factors, or is over while the browser is remembered. [Browser] takes their cookies
// and goes through an application's pages without a server.
package guardtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// LogIn logs user in through g's own middleware and returns the session's cookies,
// ready for http.Request.AddCookie or a jar's SetCookies. The log-in is fresh and has
// no factors. It fails the test when that does not work, and panics if g is stateless.
func LogIn[U any](t testing.TB, g *guard.Guard[U], user U) []*http.Cookie {
	t.Helper()
	var err error
	handler := g.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		err = g.LogInUser(r, user)
	}))
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "https://guardtest.example/", nil))
	if err != nil {
		t.Fatalf("guardtest: log in: %v", err)
	}
	res := rec.Result()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("guardtest: log in: got %s: %s", res.Status, rec.Body)
	}
	return res.Cookies()
}

// Options say what a log-in of [LogInWith] is like. Their zero value is that of [LogIn].
type Options struct {
	// Factors is what the user has proved, as [guard.Guard.RequireFactor] and guard.Config.Factors
	// name it, such as "local" and "totp". A log-in that lacks one of Config.Factors is pending.
	Factors []string

	// Age is how long ago that was, for [guard.Guard.RequireFresh].
	Age time.Duration

	// Remembered leaves out the session's own cookie, as next month, when that session is over:
	// guard.Config.RememberMe has to log the user in again. Factors and Age are of the former log-in, and
	// do not count then.
	Remembered bool
}

// LogInWith is [LogIn] for a log-in that is not as usual. It panics if g is stateless, or remembers nobody
// and Remembered is set.
func LogInWith[U any](t testing.TB, g *guard.Guard[U], user U, o Options) []*http.Cookie {
	t.Helper()
	in := guard.LogInOptions{}
	if o.Remembered {
		in.RememberMe = func(*http.Request) bool { return true }
	}
	logIn := g.LogInWith(in)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var own string // the name of the session's cookie
	handler := g.Restore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		st := reqstate.Of(r.Context(), reqstate.Anyone)
		st.SetUser(g, user, reqstate.Proof{At: time.Now().Add(-o.Age), Factors: o.Factors})
		own = st.Owner.(interface{ CookieName() string }).CookieName()
		logIn.ServeHTTP(w, r)
	}))
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "https://guardtest.example/", nil))
	cookies := rec.Result().Cookies()
	isOwn := func(c *http.Cookie) bool { return c.Name == own }
	if !slices.ContainsFunc(cookies, isOwn) { // a pending one is answered 401, and has it
		t.Fatalf("guardtest: log in: got %d: %s", rec.Code, rec.Body)
	}
	if o.Remembered {
		cookies = slices.DeleteFunc(cookies, isOwn)
	}
	return cookies
}

// WithUser returns a copy of r in which g finds user, as if the session had remembered
// them: RequireAuth and Require let it pass without asking the store, and User
// returns user. Neither RequireFresh nor RequireFactor accept it, since there is no
// log-in: use [LogIn] and [LogInWith] for those.
func WithUser[U any](r *http.Request, g *guard.Guard[U], user U) *http.Request {
	st := &reqstate.State{Context: r.Context(), Outer: reqstate.Of(r.Context(), reqstate.Anyone)}
	st.Owner = st
	st.SetUser(g, user, nil)
	return r.WithContext(st)
}
