package guard_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

const providerSession = "oidc:sid:1"

// byProvider makes the strategy "totp" act like a provider that names its session.
func (w *world) byProvider(u *User) {
	w.second.user, w.second.err, w.second.info = u, nil, &strategy.Info{Labels: []string{providerSession}}
}

// ended checks how many sessions the provider's log-out ends.
func (w *world) ended(what string, g *guard.Guard[*User], want int) {
	w.t.Helper()
	if n, err := g.EndLinked(w.t.Context(), providerSession); n != want || err != nil {
		w.t.Errorf("%s: the provider's log-out ends %d sessions, %v, want %d", what, n, err, want)
	}
}

// TestAProvidersLogOutForgetsTheBrowserToo: whatever happened to the session before, RememberMe does not
// bring it back.
func TestAProvidersLogOutForgetsTheBrowserToo(t *testing.T) {
	for _, row := range []struct {
		name   string
		before func(w *rememberWorld, b *browser.Browser)
		ended  int
	}{
		{"while the session lives", func(*rememberWorld, *browser.Browser) {}, 1},
		{"when the session is over", func(_ *rememberWorld, b *browser.Browser) { nextMonth(b) }, 0},
		{"when the browser was logged in again", func(w *rememberWorld, b *browser.Browser) {
			nextMonth(b)
			b.Get("/me").Want(w.t, 200, "hello joe")
		}, 1},
		{"and again", func(w *rememberWorld, b *browser.Browser) {
			for range 2 {
				b.SetCookie(sid, "")
				pass(time.Minute)
				b.Get("/me").Want(w.t, 200, "hello joe")
			}
		}, 1},
		{"when the password was changed", func(w *rememberWorld, b *browser.Browser) { b.Post("/renew").Want(w.t, 200, "") }, 1},
		{"when the password was changed, and the session is over", func(w *rememberWorld, b *browser.Browser) {
			b.Post("/renew").Want(w.t, 200, "")
			nextMonth(b)
		}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newRememberWorld(t)
			box := guard.LogInOptions{RememberMe: func(*http.Request) bool { return true }}
			w.mux.Handle("POST /provider", w.Authenticate("totp")(w.LogInWith(box)(w.hello())))
			w.mux.Handle("POST /renew", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				u, _ := w.User(r.Context())
				if err := w.LogInUser(r, u); err != nil {
					w.Error(rw, r, err)
				}
			})))
			w.byProvider(joe)
			b := w.open()
			b.Post("/provider").Want(t, 200, "hello joe")
			other := w.remembered("joe@test.com") // by a password: not from the provider
			row.before(w, b)
			w.ended(row.name, w.Guard, row.ended)
			for range 2 {
				if a := b.Get("/me"); a.StatusCode != 401 {
					t.Errorf("%s: /me answers %d, want 401", row.name, a.StatusCode)
				}
				b.SetCookie(sid, "")
			}
			other.SetCookie(sid, "")
			other.Get("/me").Want(t, 200, "hello joe")
			b.Post("/provider").Want(t, 200, "hello joe") // once more
			b.SetCookie(sid, "")
			b.Get("/me").Want(t, 200, "hello joe")
		})
	}
}

// TestLabelsEndWithTheLogInThatBroughtThem: a provider ends its own log-ins, not what came after them.
func TestLabelsEndWithTheLogInThatBroughtThem(t *testing.T) {
	for _, row := range []struct {
		name  string
		after func(b *browser.Browser)
		ended int
		admin int // the status of /admin/me afterwards
		user  int // the status of /me afterwards
	}{
		{"nothing", func(*browser.Browser) {}, 1, 401, 401},
		{"its guard's log-out", func(b *browser.Browser) { b.Post("/admin/logout").Want(t, 200, "") }, 0, 401, 200},
		{"another user at its guard", func(b *browser.Browser) {
			b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "jen")
		}, 0, 200, 200},
		{"the same user at its guard, by password", func(b *browser.Browser) {
			b.Post("/admin/login", "email", "joe@test.com", "password", password).Want(t, 200, "joe")
		}, 0, 200, 200},
		{"a log-in at the other guard", func(b *browser.Browser) { logIn(b, "jen@test.com").Want(t, 200, "jen") }, 1, 401, 401},
		{"a log-out at the other guard", func(b *browser.Browser) { b.Post("/logout").Want(t, 200, "") }, 1, 401, 401},
	} {
		w, admins := newTwo(t)
		w.mux.Handle("POST /admin/provider", admins.Authenticate("totp")(admins.LogIn(whoami(admins))))
		b := w.loggedIn("joe@test.com")
		w.byProvider(joe)
		b.Post("/admin/provider").Want(t, 200, "joe")
		row.after(b)
		w.ended(row.name+", for the other guard", w.Guard, 0)
		w.ended(row.name, admins, row.ended)
		if a := b.Get("/admin/me"); a.StatusCode != row.admin {
			t.Errorf("%s: /admin/me answers %d, want %d", row.name, a.StatusCode, row.admin)
		}
		if a := b.Get("/me"); a.StatusCode != row.user {
			t.Errorf("%s: /me answers %d, want %d", row.name, a.StatusCode, row.user)
		}
	}
}
