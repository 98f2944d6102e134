package guard_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// spoil makes every write to key fail from now on, as if another guard's log-in was there.
func (w *world) spoil(key string) {
	w.sessions.Claim([]reqstate.Claim{{Name: "slot:" + key, Owner: w}})
}

// spoiling wraps log-in so that key is spoilt: the log-in itself can be planned, but the steps after it
// fail.
func (w *world) spoiling(key string, logIn http.Handler) http.Handler {
	return w.sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil && key == "returnTo" {
			err = session.Key[string]("returnTo").Set(s, "/page")
		}
		if err != nil {
			w.t.Error(err)
		}
		w.spoil(key)
		logIn.ServeHTTP(rw, r)
	}))
}

func TestALogInThatFailsHalfwayLogsNobodyIn(t *testing.T) {
	message := guard.LogInOptions{SuccessRedirect: "/home", SuccessMessage: "Hi"}
	back := guard.LogInOptions{SuccessRedirect: "/home", ReturnTo: true}
	device := guard.LogInOptions{SuccessRedirect: "/home"}
	for _, row := range []struct {
		name, key, former string
		o                 guard.LogInOptions
		want              int // the status of /me afterwards
	}{
		{"a visitor's message cannot be left", "messages", "", message, 401},
		{"another user's message cannot be left", "messages", "jen@test.com", message, 200},
		{"a visitor's page to return to cannot be taken", "returnTo", "", back, 401},
		{"a visitor's device cannot be noted", "_device:passport", "", device, 401},
		{"another user's device cannot be noted", "_device:passport", "jen@test.com", device, 200},
	} {
		w := newDeviceWorld(t)
		w.mux.Handle("POST /in", w.spoiling(row.key, w.Authenticate("local")(w.LogInWith(row.o)(nil))))
		b := w.open()
		if row.former != "" {
			b = w.loggedIn(row.former)
		}
		id := b.Cookie(sid)
		if a := b.Post("/in", "email", "joe@test.com", "password", password); a.StatusCode < 500 {
			t.Errorf("%s: got %d, want a failure", row.name, a.StatusCode)
		}
		if b.Cookie(sid) != id {
			t.Errorf("%s: got another session cookie, want none", row.name)
		}
		if got := w.saw(); strings.Contains(got, "session_created") {
			t.Errorf("%s: got events %s, want no session created", row.name, got)
		}
		b.Get("/me").Want(t, row.want, row.former)
	}
}

func TestAHandlerSeesNobodyAfterAFailedLogIn(t *testing.T) {
	w := newDeviceWorld(t)
	w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.spoil("_device:passport")
		if err := w.LogInUser(r, joe); err == nil {
			t.Error("LogInUser: got no error")
		}
		w.hello().ServeHTTP(rw, r)
	})))
	w.loggedIn("jen@test.com").Post("/in").Want(t, 200, "hello stranger")
}

func TestAFailedLogInDoesNotUndoALogOut(t *testing.T) {
	for _, both := range []bool{false, true} {
		w := newDeviceWorld(t)
		admin := w.guard("admin")
		w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
		w.mux.Handle("/admin/me", admin.RequireAuth(w.hello()))
		w.mux.Handle("POST /switch", w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := w.LogOutUser(r); err != nil {
				t.Error(err)
			}
			w.spoil("_device:passport")
			if err := w.LogInUser(r, joe); err == nil {
				t.Error("LogInUser: got no error")
			}
		})))
		b := w.loggedIn("jen@test.com")
		want := http.StatusUnauthorized
		if both {
			b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
			want = http.StatusOK
		}
		b.Post("/switch").Want(t, 200, "")
		b.Get("/me").Want(t, 401, "")
		b.Get("/admin/me").Want(t, want, "")
	}
}

func TestAFailedLogInIsNotRemembered(t *testing.T) {
	w := newRememberWorld(t)
	box := guard.LogInOptions{SuccessRedirect: "/home", RememberMe: func(*http.Request) bool { return true }}
	w.mux.Handle("POST /in", w.spoiling("_device:passport", w.Authenticate("local")(w.LogInWith(box)(nil))))
	b := w.open()
	if a := b.Post("/in", "email", "joe@test.com", "password", password); a.StatusCode < 500 {
		t.Errorf("got %d, want a failure", a.StatusCode)
	}
	if got := b.Cookie(rememberCookie); got != "" {
		t.Error("got a remember cookie, want none")
	}
	b.Get("/me").Want(t, 401, "")
}

// TestALogInWhoseCommitFailsIsNotRemembered: no series is left that could log the user in later, and the
// browser's earlier one stays.
func TestALogInWhoseCommitFailsIsNotRemembered(t *testing.T) {
	for _, before := range []string{"", "joe@test.com", "jen@test.com"} {
		w := newRememberWorld(t)
		b := w.open()
		if before != "" {
			b = w.remembered(before)
		}
		series := map[string]bool{}
		w.cells.set(nil, func(call string) {
			if key, ok := strings.CutPrefix(call, "Swap "); ok && strings.HasPrefix(key, "remember:series:") {
				series[key] = true
			}
		})
		cookie := b.Cookie(rememberCookie)
		w.store.failOn("Create")
		b.Post("/login/box", "email", "joe@test.com", "password", password, "remember", "on").Want(t, 503, "")
		w.store.failOn("")
		w.cells.set(nil, nil)
		if got := b.Cookie(rememberCookie); got != cookie {
			t.Errorf("remembered before: %q: the browser has another remember cookie", before)
		}
		if len(series) == 0 {
			t.Error("no series was begun")
		}
		for key := range series {
			if got, err := w.cells.Cells.Load(t.Context(), key); got != nil || err != nil {
				t.Errorf("remembered before: %q: got a series left, or %v, want none", before, err)
			}
		}
		b.SetCookie(sid, "")
		want := http.StatusOK
		if before == "" {
			want = http.StatusUnauthorized
		}
		b.Get("/me").Want(t, want, before)
	}
}

func TestARefusedLogInIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
		first := w.loggedIn("joe@test.com")
		pass(time.Second)
		b := w.open()
		b.Post("/login/box", "email", "joe@test.com", "password", password, "remember", "on").Want(t, 403, "")
		if got := b.Cookie(rememberCookie); got != "" {
			t.Error("got a remember cookie, want none")
		}
		first.Get("/me").Want(t, 200, "joe")
	})
}

func TestAnOutageOfALogInThatIsCountedLeavesTheFormerSession(t *testing.T) {
	w := newDeviceWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
	b := w.loggedIn("jen@test.com")
	w.store.failOn("Create")
	logIn(b, "joe@test.com").Want(t, 503, "")
	if got := w.saw(); strings.Contains(got, "session_created") || strings.Contains(got, "session_expired") {
		t.Errorf("got events %s, want no session created nor ended", got)
	}
	w.store.failOn("")
	b.Get("/me").Want(t, 200, "jen")
}

func TestAnOutageWhileRecallingLeavesTheVisitorsSession(t *testing.T) {
	w := newRememberWorld(t)
	w.record()
	b := w.remembered("joe@test.com")
	b.SetCookie(sid, "")
	b.Get("/put?k=cart&v=apples").Want(t, 200, "")
	w.store.failOn("Create")
	b.Get("/me").Want(t, 503, "")
	w.store.failOn("")
	b.Get("/record").Want(t, 200, `"cart":"apples"`)
	b.Get("/me").Want(t, 200, "joe")
}

func TestMessagesOfAForeignShapeStartAnew(t *testing.T) {
	w := newWorld(t)
	w.record()
	o := guard.LogInOptions{SuccessRedirect: "/home", SuccessMessage: "Hi", Keep: []string{"messages"}}
	w.mux.Handle("POST /in", w.Authenticate("local")(w.LogInWith(o)(nil)))
	b := w.open()
	b.Get("/put?k=messages&v=text").Want(t, 200, "")
	b.Post("/in", "email", "joe@test.com", "password", password).Want(t, 303, "")
	b.Get("/record").Want(t, 200, `"messages":["Hi"]`)
}
