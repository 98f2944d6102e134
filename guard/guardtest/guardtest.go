// Package guardtest answers: how does a test get past a guard?
//
// [WithUser] is for the test of one handler. There is no cookie and no store:
//
//	r := guardtest.WithUser(httptest.NewRequest("GET", "/profile", nil), auth, joe)
//	w := httptest.NewRecorder()
//	profile.ServeHTTP(w, r)
//
// [LogIn] makes a real session and returns its cookies. [Browser] takes them through the whole application,
// without a server, with forms and redirects:
//
//	b := guardtest.NewBrowser(t, app, "https://app.example")
//	if page := b.Get("/profile"); page.URL != "/login?return_to=%2Fprofile" {
//		t.Errorf("a stranger is at %s, want the log-in page", page.URL)
//	}
//	b.Add(guardtest.LogIn(t, auth, joe))
//	if page := b.Submit("/profile", "name", "Joseph"); page.URL != "/profile" || page.Text != "I am Joseph" {
//		t.Errorf("after the form: got %q at %s", page.Text, page.URL)
//	}
//	if page := b.Fetch("PUT", "/api/name", `{"name":"Jo"}`); page.StatusCode != http.StatusNoContent {
//		t.Errorf("a script: got %d %s, want 204", page.StatusCode, page.Text)
//	}
//
// [LogInWith] makes a log-in with factors, an old one, or one that is over while the browser is remembered:
//
//	old := guardtest.NewBrowser(t, app, "https://app.example")
//	old.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Age: time.Hour}))
//	if page := old.Get("/password"); page.URL != "/login?max_age=600&return_to=%2Fpassword" {
//		t.Errorf("an old log-in is at %s, want the log-in page", page.URL)
//	}
//
//	factors := guardtest.NewBrowser(t, app, "https://app.example")
//	factors.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Factors: []string{"password", "totp"}}))
//	if page := factors.Get("/vault"); page.StatusCode != http.StatusOK {
//		t.Errorf("with both factors: got %d at %s, want 200", page.StatusCode, page.URL)
//	}
//
//	remembered := guardtest.NewBrowser(t, app, "https://app.example")
//	remembered.Add(guardtest.LogInWith(t, auth, joe, guardtest.Options{Remembered: true}))
//	if page := remembered.Get("/profile"); page.StatusCode != http.StatusOK {
//		t.Errorf("a remembered browser: got %d at %s, want 200", page.StatusCode, page.URL)
//	}
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

// LogIn logs user in by g's own middleware and returns the session's cookies, for [Browser.Add],
// http.Request.AddCookie or a jar's SetCookies. The log-in is fresh and has no factors. LogIn fails the test
// when the log-in fails, and panics if g is stateless.
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

// Options describe a log-in of [LogInWith]. The zero value is a log-in of [LogIn].
type Options struct {
	// Factors are what the user has proved, by the names that [guard.Guard.RequireFactor] and
	// guard.Config.Factors use, such as "local" and "totp". If one of Config.Factors is missing, the log-in
	// is pending.
	Factors []string

	// Age is how long ago the user logged in, for [guard.Guard.RequireFresh].
	Age time.Duration

	// Remembered makes a browser whose session is over and which guard.Config.RememberMe still remembers:
	// the session's own cookie is left out. Factors and Age do not count then, since they end with the
	// session.
	Remembered bool
}

// LogInWith is [LogIn] with Options. It panics if g is stateless, or if Remembered is set and g has no
// RememberMe.
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
	if !slices.ContainsFunc(cookies, isOwn) { // a pending log-in is answered 401 but has the cookie
		t.Fatalf("guardtest: log in: got %d: %s", rec.Code, rec.Body)
	}
	if o.Remembered {
		cookies = slices.DeleteFunc(cookies, isOwn)
	}
	return cookies
}

// WithUser returns a copy of r in which g finds user, as if the session had remembered them. RequireAuth and
// Require let it pass without asking the store, and User returns user. RequireFresh and RequireFactor refuse
// it, since there is no log-in: use [LogIn] or [LogInWith] for those.
func WithUser[U any](r *http.Request, g *guard.Guard[U], user U) *http.Request {
	st := &reqstate.State{Context: r.Context(), Outer: reqstate.Of(r.Context(), reqstate.Anyone)}
	st.Owner = st
	st.SetUser(g, user, nil)
	return r.WithContext(st)
}
