// Package guardtest answers: how does a test get past a guard?
//
// [WithUser] is for a handler's own tests: no cookie, no store, no credentials.
// [LogIn] makes a real session, for tests that go through a server.
package guardtest

import (
	"net/http"
	"net/http/httptest"
	"testing"

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

// WithUser returns a copy of r in which g finds user, as if the session had remembered
// them: RequireAuth and Require let it pass without asking the store, and User
// returns user. Neither RequireFresh nor RequireFactor accept it, since there is no
// log-in: use [LogIn] for those.
func WithUser[U any](r *http.Request, g *guard.Guard[U], user U) *http.Request {
	st := &reqstate.State{Context: r.Context(), Outer: reqstate.Of(r.Context(), reqstate.Anyone)}
	st.Owner = st
	st.SetUser(g, user, nil)
	return r.WithContext(st)
}
