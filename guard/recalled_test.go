package guard_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// TestARecalledLogInThatIsPendingStaysRemembered: only a factor is missing, for which the browser is asked.
func TestARecalledLogInThatIsPendingStaysRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFactorWorld(t)
		b := w.open()
		b.Post("/login/box", "email", "joe@test.com", "password", password, "remember", "on").Want(t, 401, "")
		nextMonth(b)
		b.Get("/me").Want(t, 401, "")
		if got := b.Cookie(rememberCookie); got == "" {
			t.Error("the browser is remembered no longer")
		}
		w.code(b).Want(t, 200, "")
		nextMonth(b)
		b.Get("/me").Want(t, 401, "factor")
	})
}

// twoRemember returns a guard under the key "admin" whose RememberMe has w's cells, and mounts the routes
// of both.
func twoRemember(t *testing.T, w *rememberWorld) *guard.Guard[*User] {
	t.Helper()
	me, err := remember.New(remember.Config{Cells: w.cells, Secrets: []string{secret}, CookieName: "__Host-admin"})
	if err != nil {
		t.Fatal(err)
	}
	admins := w.guard("admin", func(c *guard.Config) { c.RememberMe = me })
	box := guard.LogInOptions{RememberMe: func(*http.Request) bool { return true }}
	w.mux.Handle("POST /admin/login", admins.Authenticate("local")(admins.LogIn(w.hello())))
	w.mux.Handle("POST /admin/provider", admins.Authenticate("totp")(admins.LogInWith(box)(w.hello())))
	w.mux.Handle("GET /admin/me", admins.RequireAuth(whoami(admins)))
	return admins
}

// TestARecalledLogInBesideAnotherGuardsLives: the session is as old as the other guard's log-in, and is not
// one of those that the browser had before it came back.
func TestARecalledLogInBesideAnotherGuardsLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		twoRemember(t, w)
		b := w.remembered("joe@test.com")
		b.SetCookie(sid, "")
		b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
		pass(time.Minute)
		b.Get("/me").Want(t, 200, "hello joe")
		b.Get("/admin/me").Want(t, 200, "jen")
	})
}

// TestARecalledLogInPastItsLimitIsNotCounted: its limit counts from the session's birth, and another guard's
// log-in may keep the session beyond that. The browser is let in each time, with MaxSessions as without.
func TestARecalledLogInPastItsLimitIsNotCounted(t *testing.T) {
	for _, edit := range []func(*guard.Config){
		func(*guard.Config) {},
		func(c *guard.Config) { c.MaxSessions = 1 },
		func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newRememberWorld(t, edit)
			twoRemember(t, w)
			b := w.remembered("joe@test.com")
			for half := range 2 * 32 { // days in which the session is used; Joe's log-in lasts for 30
				if half == 2*20 {
					b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
				}
				pass(12 * time.Hour)
				b.Get("/me").Want(t, 200, "hello joe")
			}
			b.Get("/admin/me").Want(t, 200, "jen")
		})
	}
}

// TestAProvidersLogOutIsForOneGuardsBrowsers, even if two guards keep their series in one store.
func TestAProvidersLogOutIsForOneGuardsBrowsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		admins := twoRemember(t, w)
		w.second.user, w.second.err, w.second.info = &User{ID: 2, Email: "jen@test.com", Pass: password}, nil, &strategy.Info{Labels: []string{providerSession}}
		b := w.open()
		b.Post("/admin/provider").Want(t, 200, "")
		w.ended("the other guard", w.Guard, 0)
		b.SetCookie(sid, "")
		pass(time.Second)
		b.Get("/admin/me").Want(t, 200, "jen")
		w.ended("its own guard", admins, 1)
		b.SetCookie(sid, "")
		b.Get("/admin/me").Want(t, 401, "")
	})
}

// TestASessionThatTheLogInEndsIsNotCounted: a log-in with an old cookie ends that session's successor, and
// nobody else's session.
func TestASessionThatTheLogInEndsIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions = 2 })
		w.mux.Handle("POST /renewed", w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err == nil {
				err = s.Renew(r.Context())
			}
			if err != nil {
				w.Error(rw, r, err)
			}
		})))
		first := w.loggedIn("joe@test.com")
		pass(time.Second)
		second := w.loggedIn("joe@test.com")
		old := second.Twin()
		second.Post("/renewed").Want(t, 200, "")
		pass(time.Second)
		logIn(old, "joe@test.com").Want(t, 200, "")
		first.Get("/me").Want(t, 200, "hello joe")
		second.Get("/me").Want(t, 401, "")
		old.Get("/me").Want(t, 200, "hello joe")
	})
}

// TestALogOutForgetsABrowserThatWasRenewedMeanwhile: LogInUser begins no new series, because a log-out in
// progress, or another tab with the earlier cookies, would not know it.
func TestALogOutForgetsABrowserThatWasRenewedMeanwhile(t *testing.T) {
	for _, out := range []func(w *rememberWorld, tab *browser.Browser) error{
		func(w *rememberWorld, tab *browser.Browser) error { tab.Post("/logout").Want(w.t, 200, ""); return nil },
		func(w *rememberWorld, _ *browser.Browser) error {
			_, err := w.LogOutEverywhere(w.t.Context(), joe)
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newRememberWorld(t)
			w.mux.Handle("POST /renew", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				changed := User{ID: 1, Email: "joe@test.com", Pass: "another made-up one"}
				w.table.set(changed)
				if err := w.LogInUser(r, &changed); err != nil {
					w.Error(rw, r, err)
				}
			})))
			b := w.remembered("joe@test.com")
			tab := b.Twin()
			b.Post("/renew").Want(t, 200, "")
			b.SetCookie(sid, "")
			pass(time.Minute)
			b.Get("/me").Want(t, 200, "hello joe") // remembered, with the new password
			b.Post("/renew").Want(t, 200, "")
			if err := out(w, tab); err != nil {
				t.Error(err)
			}
			b.Get("/me").Want(t, 401, "")
		})
	}
}
