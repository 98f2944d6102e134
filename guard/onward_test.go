package guard_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestWhatWasShownAndRefusedIsAnswered: a redirect to the log-in could lead back here. strategy/oidc tests
// the same, to the end, for every way in which a callback can end.
func TestWhatWasShownAndRefusedIsAnswered(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) { c.LoginURL = "/login" })
	w.mux.Handle("GET /callback", w.Authenticate("totp")(w.LogInWith(guard.LogInOptions{SuccessRedirect: "/home"})(nil)))
	w.mux.Handle("GET /welcome", w.Authenticate("totp")(w.LogIn(w.hello())))
	w.mux.Handle("GET /plain", w.Authenticate("totp")(w.hello()))
	for _, row := range []struct {
		name              string
		err               error
		visitor, loggedIn int    // the status
		visitorTo, inTo   string // and where it leads
		welcomed, plain   int    // the status for a logged-in user, if LogIn has a handler, and without LogIn
	}{
		{"nothing was shown", strategy.ErrUnauthenticated, 303, 303, "/login?return_to=%2Fcallback", "/login?return_to=%2Fcallback", 303, 303},
		{"it was refused", &strategy.CallbackRefusal{Err: strategy.ErrUnauthenticated}, 401, 401, "", "", 401, 401},
		{"it was used", &strategy.CallbackRefusal{Err: strategy.ErrUnauthenticated, Used: true}, 401, 303, "", "/home", 200, 401},
		{"it was refused with a status", &strategy.CallbackRefusal{Err: &strategy.Failure{Status: 400}}, 400, 400, "", "", 400, 400},
	} {
		w.second.err = row.err
		open := func(b *browser.Browser, path string) *http.Request {
			r := b.Request(http.MethodGet, path, "")
			r.Header.Set("Accept", "text/html")
			return r
		}
		visitor := w.open()
		if a := visitor.Do(open(visitor, "/callback")); a.StatusCode != row.visitor || a.Header.Get("Location") != row.visitorTo {
			t.Errorf("%s: a visitor gets %d %q, want %d %q", row.name, a.StatusCode, a.Header.Get("Location"), row.visitor, row.visitorTo)
		}
		user := w.loggedIn("joe@test.com")
		if a := user.Do(open(user, "/callback")); a.StatusCode != row.loggedIn || a.Header.Get("Location") != row.inTo {
			t.Errorf("%s: a user gets %d %q, want %d %q", row.name, a.StatusCode, a.Header.Get("Location"), row.loggedIn, row.inTo)
		}
		if a := user.Do(open(user, "/welcome")); a.StatusCode != row.welcomed {
			t.Errorf("%s: a user gets %d where LogIn has a handler, want %d", row.name, a.StatusCode, row.welcomed)
		}
		if a := user.Do(open(user, "/plain")); a.StatusCode != row.plain {
			t.Errorf("%s: a user gets %d without LogIn, want %d", row.name, a.StatusCode, row.plain)
		}
	}
}
