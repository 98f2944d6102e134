package guard_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

func refuseMore(most int) func(*guard.Config) {
	return func(c *guard.Config) { c.MaxSessions, c.RefuseMore = most, true }
}

// TestARefusedLogInChangesNothing, whatever the browser had before (C2).
func TestARefusedLogInChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t, refuseMore(1))
		w.record()
		admin := w.guard("admin")
		w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
		w.mux.Handle("/admin/me", admin.RequireAuth(w.hello()))
		w.loggedIn("joe@test.com")
		pass(time.Second)
		for _, row := range []struct {
			name   string
			before func() *browser.Browser
			path   string
			want   string
		}{
			{"a visitor's basket stays", func() *browser.Browser { b := w.open(); b.Get("/put?k=cart&v=apples"); return b }, "/record", `"cart":"apples"`},
			{"another user stays logged in", func() *browser.Browser { return w.loggedIn("jen@test.com") }, "/me", "hello jen"},
			{"another guard's log-in stays", func() *browser.Browser {
				b := w.open()
				b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
				return b
			}, "/admin/me", ""},
		} {
			b := row.before()
			id := b.Cookie(sid)
			a := b.Post("/login/box", "email", "joe@test.com", "password", password, "remember", "on")
			a.Want(t, 403, "")
			if got := a.Header["Set-Cookie"]; got != nil || b.Cookie(sid) != id {
				t.Errorf("%s: got cookies %q, want none", row.name, got)
			}
			b.Get(row.path).Want(t, 200, row.want)
			for _, c := range w.cellsOf(b) {
				t.Errorf("%s: got a remember cookie, %q, want none", row.name, c)
			}
			b.Post("/logout").Want(t, 200, "")
			b.Post("/admin/logout")
		}
	})
}

// cellsOf returns the cookies of Config.RememberMe in b.
func (w *rememberWorld) cellsOf(b *browser.Browser) (list []string) {
	if c := b.Cookie(rememberCookie); c != "" {
		list = append(list, c)
	}
	return list
}

func TestARefusedLogInLeavesARememberedBrowserRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t, refuseMore(1))
		w.loggedIn("joe@test.com")
		b := w.remembered("jen@test.com")
		pass(time.Second)
		logIn(b, "joe@test.com").Want(t, 403, "")
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 200, "hello jen")
	})
}

// TestTheEventOfARefusedLogInSaysWhoAndWhy, whoever handles the refusal.
func TestTheEventOfARefusedLogInSaysWhoAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t, refuseMore(1))
		w.mux.Handle("POST /register", w.sessions.Handler(w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if err := w.LogInUser(r, joe); err != nil {
				w.Error(rw, r, err)
			}
		}))))
		b := w.remembered("joe@test.com")
		pass(25 * time.Hour)
		w.loggedIn("joe@test.com")
		w.events = nil
		for _, row := range []struct {
			name string
			do   func() browser.Answer
			want string
		}{
			{"a log-in", func() browser.Answer { return logIn(w.open(), "joe@test.com") }, "[authn_login_success authz_fail/too_many]"},
			{"a remembered browser", func() browser.Answer { return b.Get("/me") }, "[session_expired/timeout_or_ended authz_fail/too_many]"},
			{"the application's word", func() browser.Answer { return w.open().Post("/register") }, "[authz_fail/too_many]"},
		} {
			row.do().Want(t, 403, "")
			for _, e := range w.events {
				if e.Name == guard.EventForbidden && (string(e.User) != "1" || e.Address == "" || e.Route == "") {
					t.Errorf("%s: got user %s, address %q and route %q, want user 1 and both", row.name, e.User, e.Address, e.Route)
				}
			}
			if got := w.saw(); got != row.want {
				t.Errorf("%s: got %s, want %s", row.name, got, row.want)
			}
		}
	})
}

// TestOnlyTheNewLogInIsRefused: if there are too many sessions already, because the limit was lowered or
// Node made them, they stay; and a log-in that makes no new session is not refused (C3). A log-in with
// credentials makes one, whatever session its browser has.
func TestOnlyTheNewLogInIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeviceWorld(t)
		var devices []*browser.Browser
		for range 3 {
			devices = append(devices, w.loggedIn("joe@test.com"))
			pass(time.Second)
		}
		lowered := w.guard("", refuseMore(1))
		w.mux.Handle("POST /lowered/login", lowered.Authenticate("local")(lowered.LogIn(w.hello())))
		w.mux.Handle("POST /lowered/password", lowered.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			u, _ := lowered.User(r.Context())
			if err := lowered.LogInUser(r, u); err != nil {
				lowered.Error(rw, r, err)
			}
		})))
		w.open().Post("/lowered/login", "email", "joe@test.com", "password", password).Want(t, 403, "")
		devices[1].Post("/lowered/password").Want(t, 200, "")
		devices[2].Post("/lowered/login", "email", "joe@test.com", "password", password).Want(t, 403, "")
		for _, b := range devices {
			b.Get("/me").Want(t, 200, "hello joe")
		}
	})
}

// TestWhoeverIsAnswered200IsIn, of several log-ins at once (C10, G27).
func TestWhoeverIsAnswered200IsIn(t *testing.T) {
	for range 10 {
		w := newDeviceWorld(t, refuseMore(3))
		devices := make([]*browser.Browser, 24)
		status := make([]int, len(devices))
		var wg sync.WaitGroup
		for i := range devices {
			devices[i] = w.open()
			wg.Go(func() { status[i] = logIn(devices[i], "joe@test.com").StatusCode })
		}
		wg.Wait()
		in := 0
		for i, b := range devices {
			want := http.StatusUnauthorized
			if status[i] == http.StatusOK {
				in, want = in+1, http.StatusOK
			} else if status[i] != http.StatusForbidden {
				t.Errorf("got %d, want 200 or 403", status[i])
			}
			b.Get("/me").Want(t, want, "")
		}
		if in == 0 || in > 3 {
			t.Errorf("%d of %d were let in, want 1 to 3", in, len(devices))
		}
	}
}

// TestLogInsFromOneSessionAreCounted: each of them makes a session of its own, even from a browser where
// somebody is logged in already.
func TestLogInsFromOneSessionAreCounted(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprintf("refuse %t", refuse), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse }
				w := newDeviceWorld(t, limit)
				w.sessions = w.process() // another process, because one process makes the commits of a session one after another
				there := w.guard("", limit)
				w.mux.Handle("POST /there/login", there.Authenticate("local")(there.LogIn(w.hello())))
				slow := w.loggedIn("joe@test.com")
				fast := slow.Twin()
				pass(time.Second)
				reached, release := w.store.holdFirst("Create")
				answer := make(chan int, 1)
				go func() { answer <- logIn(slow, "joe@test.com").StatusCode }()
				<-reached
				fast.Post("/there/login", "email", "joe@test.com", "password", password).Want(t, 200, "")
				release()
				<-answer
				if list, err := w.Sessions(t.Context(), joe); err != nil || len(list) != 1 {
					t.Errorf("got %d sessions and %v, want 1", len(list), err)
				}
			})
		})
	}
}

// process returns the session manager of another process on the same store.
func (w *world) process() *session.Manager {
	w.t.Helper()
	m, err := session.New(session.Config{Store: w.store, Codec: session.SecureCookie(secret), Logger: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// TestALogInFromItsOnlySessionTakesItsPlace: it replaces that session, and is not refused.
func TestALogInFromItsOnlySessionTakesItsPlace(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse })
		b := w.loggedIn("joe@test.com")
		logIn(b, "joe@test.com").Want(t, 200, "")
		b.Get("/me").Want(t, 200, "hello joe")
	}
}

// TestALogInThatStandsIsInWhenItIsAnswered: another one was answered while its first command was delayed
// (C10).
func TestALogInThatStandsIsInWhenItIsAnswered(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		for range 10 { // the ids are random
			synctest.Test(t, func(t *testing.T) {
				w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse })
				slow, fast := w.open(), w.open()
				reached, release := w.store.holdFirst("Create")
				answer := make(chan int, 1)
				go func() { answer <- logIn(slow, "joe@test.com").StatusCode }()
				<-reached
				logIn(fast, "joe@test.com").Want(t, 200, "")
				release()
				want, in := 200, slow
				if refuse {
					want, in = 403, fast
				}
				if got := <-answer; got != want {
					t.Errorf("refuse %t: the delayed log-in: got %d, want %d", refuse, got, want)
				}
				in.Get("/me").Want(t, 200, "")
				if list, err := w.Sessions(t.Context(), joe); err != nil || len(list) != 1 {
					t.Errorf("refuse %t: got %d sessions and %v, want 1", refuse, len(list), err)
				}
			})
		}
	}
}

// TestALogInThatIsEndedBeforeItCountsIsStoredAgain: another log-in counted after this one was stored and
// before it counted, and ended it as the older one.
func TestALogInThatIsEndedBeforeItCountsIsStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions = 1 })
		slow, fast := w.open(), w.open()
		reached, release := w.store.holdFirst("GetMany")
		answer := make(chan int, 1)
		go func() { answer <- logIn(slow, "joe@test.com").StatusCode }()
		<-reached
		pass(time.Second)
		logIn(fast, "joe@test.com").Want(t, 200, "")
		release()
		if got := <-answer; got != 200 {
			t.Errorf("got %d, want 200", got)
		}
		slow.Get("/me").Want(t, 200, "")
		fast.Get("/me").Want(t, 401, "")
	})
}
