package guard_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
)

// visitFor makes b send requests for the time d, often enough for its session not to be idle.
func visitFor(b *browser.Browser, url string, d time.Duration) {
	for ; d > 0; d -= 12 * time.Hour {
		pass(min(d, 12*time.Hour))
		b.Get(url)
	}
}

// TestAnExpiryIsAnEvent of the request that finds it, as far as anything is known about it.
func TestAnExpiryIsAnEvent(t *testing.T) {
	const day = 24 * time.Hour
	for _, row := range []struct {
		name string
		do   func(*world, *browser.Browser)
		url  string
		want string
	}{
		{"an idle session", func(*world, *browser.Browser) { pass(25 * time.Hour) }, "/me", "[session_expired/timeout_or_ended]"},
		{"an idle session where visitors may pass", func(*world, *browser.Browser) { pass(25 * time.Hour) }, "/any", "[session_expired/timeout_or_ended]"},
		{"an idle session on a page that does not look", func(*world, *browser.Browser) { pass(25 * time.Hour) }, "/public", "[]"},
		{"an idle session that two guards ask about, one of them twice", func(*world, *browser.Browser) { pass(25 * time.Hour) }, "/thrice", "[session_expired/timeout_or_ended]"},
		{"the absolute limit, with the record gone at the same moment", func(_ *world, b *browser.Browser) { visitFor(b, "/me", 30*day-time.Minute); pass(time.Minute) }, "/me", "[session_expired/timeout_or_ended]"},
		{"the absolute limit in a record that Node prolonged", func(w *world, b *browser.Browser) {
			visitFor(b, "/me", 30*day-time.Minute)
			w.store.rewrite(w.t, func(r string) string { return r })
			pass(time.Minute)
		}, "/thrice", "[session_expired/absolute_timeout]"},
		{"the absolute limit in a session where an administrator logged in later", func(w *world, b *browser.Browser) {
			pass(time.Hour)
			b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(w.t, 200, "")
			visitFor(b, "/admin/me", 30*day-time.Minute)
		}, "/thrice", "[session_expired/absolute_timeout]"},
		{"a session ended elsewhere", func(w *world, _ *browser.Browser) {
			if _, err := w.LogOutEverywhere(w.t.Context(), joe); err != nil {
				w.t.Error(err)
			}
		}, "/me", "[session_expired/timeout_or_ended]"},
		{"a log-out", func(w *world, b *browser.Browser) { b.Post("/logout").Want(w.t, 200, "") }, "/me", "[]"},
		{"a session that lives", func(*world, *browser.Browser) { pass(time.Hour) }, "/me", "[]"},
		{"no cookie", func(_ *world, b *browser.Browser) { b.SetCookie(sid, "") }, "/me", "[]"},
		{"a cookie with a bad signature", func(_ *world, b *browser.Browser) { b.SetCookie(sid, b.Cookie(sid)+"x") }, "/me", "[]"},
		{"a visitor's own session, which nobody logged in to", func(w *world, b *browser.Browser) { b.SetCookie(sid, ""); b.Get("/put?k=cart&v=x").Want(w.t, 200, "") }, "/me", "[]"},
		{"a visitor's own session past its limit, prolonged by Node", func(w *world, b *browser.Browser) {
			b.SetCookie(sid, "")
			b.Get("/put?k=cart&v=x").Want(w.t, 200, "")
			visitFor(b, "/any", 30*day-time.Minute)
			w.store.rewrite(w.t, func(r string) string { return r })
			pass(time.Minute)
		}, "/me", "[]"},
		{"an outage", func(w *world, _ *browser.Browser) { pass(25 * time.Hour); w.store.fail(errOutage) }, "/me", "[guard_error]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.record()
			admin := w.guard("admin")
			w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
			w.mux.Handle("/admin/me", admin.RequireAuth(w.hello()))
			w.mux.Handle("/thrice", admin.Restore(w.Restore(w.RequireAuth(w.hello()))))
			b := w.loggedIn("joe@test.com")
			row.do(w, b)
			w.saw()
			b.Get(row.url)
			if got := w.saw(); got != row.want {
				t.Errorf("%s: got %s, want %s", row.name, got, row.want)
			}
		})
	}
}

// TestALogOutInTheSameRequestIsNoExpiry, although another guard's log-in keeps the record.
func TestALogOutInTheSameRequestIsNoExpiry(t *testing.T) {
	w := newWorld(t)
	admin := w.guard("admin")
	w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
	w.mux.Handle("POST /twice", w.RequireAuth(w.LogOut(w.Restore(w.hello()))))
	b := w.loggedIn("joe@test.com")
	b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
	w.saw()
	b.Post("/twice").Want(t, 200, "hello stranger")
	if got, want := w.saw(), "[session_expired/logout]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnExpirySaysWhoseAsFarAsThatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var ref string
		w.mux.Handle("/ref", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			ref = s.Ref()
		})))
		b := w.loggedIn("jen@test.com")
		visitFor(b, "/ref", 30*24*time.Hour-time.Minute)
		w.store.rewrite(t, func(r string) string { return r })
		pass(time.Minute)
		w.events = nil
		b.Get("/me").Want(t, 401, "") // ends the record
		b.Get("/me").Want(t, 401, "") // finds none
		if len(w.events) != 2 {
			t.Fatalf("got %+v, want two events", w.events)
		}
		for i, want := range []guard.Event{
			{Reason: guard.ReasonAbsolute, User: []byte("2")},
			{Reason: guard.ReasonGone},
		} {
			e := w.events[i]
			if e.Name != guard.EventSessionExpired || e.Outcome != guard.OutcomeSuccess || e.Reason != want.Reason || string(e.User) != string(want.User) || e.Session != ref || ref == "" {
				t.Errorf("event %d: got %+v, want session_expired, success, reason %q, user %q, session %q", i, e, want.Reason, want.User, ref)
			}
		}
	})
}

// TestALogInPastItsLimitIsNotListed, nor counted by MaxSessions, though an administrator's later log-in keeps
// its session.
func TestALogInPastItsLimitIsNotListed(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
		admins := w.guard("admin")
		w.mux.Handle("POST /admin/login", admins.Authenticate("local")(admins.LogIn(w.hello())))
		w.mux.Handle("/admin/me", admins.RequireAuth(w.hello()))
		b := w.loggedIn("joe@test.com")
		pass(time.Hour)
		b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, http.StatusOK, "")
		visitFor(b, "/admin/me", 30*day-time.Minute)
		b.Get("/admin/me").Want(t, http.StatusOK, "")
		if list, err := w.Sessions(t.Context(), joe); err != nil || len(list) != 0 {
			t.Errorf("the user's sessions: got %v, %v, want none", list, err)
		}
		if list, err := admins.Sessions(t.Context(), &User{ID: 2, Email: "jen@test.com", Pass: password, Admin: true}); err != nil || len(list) != 1 {
			t.Errorf("the administrator's sessions: got %v, %v, want one", list, err)
		}
		logIn(w.open(), "joe@test.com").Want(t, http.StatusOK, "hello joe@test.com")
	})
}
