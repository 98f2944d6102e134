package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestASVS_8_3_1_GuardsFailClosed: whatever fails, the handler is not called.
func TestASVS_8_3_1_GuardsFailClosed(t *testing.T) {
	for _, row := range []struct {
		name   string
		broken func(*world, *browser.Browser)
		status int
		cookie bool // the browser keeps its cookie
	}{
		{"no cookie", func(_ *world, b *browser.Browser) { b.SetCookie(sid, "") }, 401, false},
		{"a cookie with a bad signature", func(_ *world, b *browser.Browser) { b.SetCookie(sid, b.Cookie(sid)+"x") }, 401, true},
		{"the store is down", func(w *world, _ *browser.Browser) { w.store.fail(errOutage) }, 503, true},
		{"the users table is down", func(w *world, _ *browser.Browser) { w.table.fail(errOutage) }, 503, true},
		{"the users table says busy", func(w *world, _ *browser.Browser) { w.table.fail(strategy.ErrBusy) }, 503, true},
		{"the id has another type", func(w *world, _ *browser.Browser) { w.table.fail(serializer.ErrIDType) }, 500, true},
		{"the users table refuses in the strategies' words", func(w *world, _ *browser.Browser) { w.table.fail(strategy.ErrUnauthenticated) }, 401, true},
		{"the users table finds a nil user", func(w *world, _ *browser.Browser) { w.table.empty = true }, 500, true},
		{"the user is gone", func(w *world, _ *browser.Browser) { w.table.remove(1) }, 401, true},
		{"the stamp changed", func(w *world, _ *browser.Browser) {
			w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "N3w!"})
		}, 401, true},
	} {
		w := newWorld(t)
		reached := false
		w.mux.Handle("/inner", w.RequireAuth(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })))
		b := w.loggedIn("joe@test.com")
		row.broken(w, b)
		cookie := b.Cookie(sid)
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "PROPFIND"} {
			a := b.Do(b.Request(method, "/inner", ""))
			if a.StatusCode != row.status || reached {
				t.Errorf("%s: %s: got %d, handler reached %v, want %d and not", row.name, method, a.StatusCode, reached, row.status)
			}
			if got := a.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s: %s: got Cache-Control %q, want no-store", row.name, method, got)
			}
		}
		if row.cookie && b.Cookie(sid) != cookie {
			t.Errorf("%s: got cookie %q, want it untouched", row.name, b.Cookie(sid))
		}
	}
}

func TestAnOutageIsNeverALogOut(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.store.fail(errOutage)
	b.Get("/me").Want(t, 503, "Service Unavailable")
	b.Get("/any").Want(t, 503, "Service Unavailable")
	b.Get("/public").Want(t, 200, "public")
	w.store.fail(nil)
	w.table.fail(errOutage)
	b.Get("/me").Want(t, 503, "")
	w.table.fail(nil)
	b.Get("/me").Want(t, 200, "hello joe")
	if got, want := w.saw(), "[guard_error guard_error guard_error]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
}

// TestASVS_7_4_2_AUserWhoIsGoneIsLoggedOut, and the record is ended; the cookie is not changed (S11).
func TestASVS_7_4_2_AUserWhoIsGoneIsLoggedOut(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.table.remove(1)
	a := b.Get("/me")
	a.Want(t, 401, "")
	if got := w.store.asked(); !strings.Contains(got, "End") || len(a.Cookies()) != 0 {
		t.Errorf("got store calls %s and cookies %v, want the record ended and no cookie", got, a.Cookies())
	}
	if got, want := w.saw(), "[session_expired/user_gone]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
	w.table.set(User{ID: 1, Email: "mallory@test.com", Pass: password})
	b.Get("/me").Want(t, 401, "") // a user who gets the same id later is not logged in
}

func TestS11_AFailureToDeleteNeverAdmits(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "N3w!"})
	w.store.failOn("End")
	b.Get("/me").Want(t, 401, "")
	b.Get("/me").Want(t, 401, "")
	if got, want := w.store.asked(), "[Get End Get End]"; got != want {
		t.Errorf("got store calls %s, want %s", got, want)
	}
}

func TestTheReadPathAsksTheStoreOnce(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/deep", w.Restore(w.RequireAuth(w.Require(func(*http.Request, *User) error { return nil })(w.hello()))))
	b := w.loggedIn("joe@test.com")
	for _, path := range []string{"/me", "/any", "/deep"} {
		w.table.found = 0
		a := b.Get(path)
		a.Want(t, 200, "hello joe")
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: got Cache-Control %q, want no-store", path, got)
		}
		if got := w.store.asked(); got != "[Get]" || w.table.found != 1 {
			t.Errorf("%s: got store calls %s and %d look-ups, want one each", path, got, w.table.found)
		}
	}
	w.open().Get("/me").Want(t, 401, "")
	if got := w.store.asked(); got != "[]" {
		t.Errorf("a visitor without a cookie: got store calls %s, want none", got)
	}
}

func TestRestoreLetsEveryonePass(t *testing.T) {
	w := newWorld(t)
	w.open().Get("/any").Want(t, 200, "hello stranger")
	b := w.loggedIn("joe@test.com")
	a := b.Get("/any")
	a.Want(t, 200, "hello joe")
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page with a user: got Cache-Control %q, want no-store", got)
	}
	w.table.remove(1)
	b.Get("/any").Want(t, 200, "hello stranger")
}

func TestRequireAsksTheCheck(t *testing.T) {
	w := newWorld(t)
	var verdict error
	w.mux.Handle("/admin", w.Require(func(_ *http.Request, u *User) error {
		if verdict == nil && !u.Admin {
			return fmt.Errorf("%s: %w", u.Email, guard.ErrForbidden)
		}
		return verdict
	})(w.hello()))
	joe, jen := w.loggedIn("joe@test.com"), w.loggedIn("jen@test.com")
	w.open().Get("/admin").Want(t, 401, "")
	jen.Get("/admin").Want(t, 200, "hello jen")
	a := joe.Get("/admin")
	a.Want(t, 403, "Forbidden")
	if strings.Contains(a.Text, "joe") || a.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %q, challenge %q, want a generic text and no challenge", a.Text, a.Header.Get("WWW-Authenticate"))
	}
	if got, want := w.saw(), "[authz_fail/forbidden]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
	verdict = errOutage
	jen.Get("/admin").Want(t, 503, "")
	verdict = session.ErrSessionChanged
	jen.Get("/admin").Want(t, 409, "")
	verdict = &strategy.Failure{Status: 402}
	jen.Get("/admin").Want(t, 402, "")
}

func TestCheckDecidesWithoutWriting(t *testing.T) {
	w := newWorld(t)
	var user *User
	var err error
	look := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { user, err = w.Check(r) })
	w.mux.Handle("/check", w.sessions.Handler(look))
	w.mux.Handle("/outside", look)
	w.open().Get("/check").Want(t, 200, "")
	if user != nil || !errors.Is(err, strategy.ErrUnauthenticated) || guard.Status(err) != 401 {
		t.Errorf("nobody: got %v, %v, want ErrUnauthenticated", user, err)
	}
	b := w.loggedIn("joe@test.com")
	b.Get("/check").Want(t, 200, "")
	if err != nil || user.Email != "joe@test.com" {
		t.Errorf("logged in: got %v, %v, want Joe", user, err)
	}
	b.Get("/outside").Want(t, 200, "")
	if !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("outside of a Handler: got %v, want ErrNoHandler", err)
	}
	w.store.fail(errOutage)
	b.Get("/check").Want(t, 200, "")
	if !errors.Is(err, errOutage) || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("store down: got %v, want the outage", err)
	}
}

func TestUserOfChecksALongLivedConnectionAgain(t *testing.T) {
	w := newWorld(t)
	ask, answer := make(chan struct{}), make(chan error)
	w.mux.Handle("GET /socket", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusOK)
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Error(err)
		}
		live, err := w.sessions.Open(r.Context(), s.ID())
		if err != nil {
			t.Error(err)
			return
		}
		for range ask {
			u, err := w.UserOf(r.Context(), live)
			if err == nil && u.Email != "joe@test.com" {
				err = errors.New("somebody else")
			}
			answer <- err
		}
	})))
	b := w.loggedIn("joe@test.com")
	done := make(chan browser.Answer)
	go func() { done <- b.Get("/socket") }()
	check := func() error { ask <- struct{}{}; return <-answer }
	if err := check(); err != nil {
		t.Errorf("logged in: got %v", err)
	}
	w.table.fail(errOutage)
	if err := check(); !errors.Is(err, errOutage) {
		t.Errorf("table down: got %v, want the outage", err)
	}
	w.table.fail(nil)
	w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "N3w!"})
	if err := check(); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("stamp changed: got %v, want ErrUnauthenticated", err)
	}
	w.table.remove(1)
	if err := check(); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("user gone: got %v, want ErrUnauthenticated", err)
	}
	close(ask)
	(<-done).Want(t, 200, "")
}

func TestUserOfASessionWithoutALogIn(t *testing.T) {
	w := newWorld(t)
	var err error
	w.mux.Handle("GET /of", w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err2 := session.FromContext(r.Context())
		if err2 != nil {
			t.Fatal(err2)
		}
		_, err = w.UserOf(r.Context(), s)
	})))
	w.open().Get("/of").Want(t, 200, "")
	if !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("got %v, want ErrUnauthenticated", err)
	}
}

func TestSessionAmongOtherStrategies(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("/api", w.Authenticate("session", "token")(w.hello()))
	b := w.loggedIn("joe@test.com")
	b.Get("/api").Want(t, 200, "hello joe")
	a := w.open().Get("/api")
	a.Want(t, 401, "")
	if got := a.Header.Get("WWW-Authenticate"); got != `Bearer realm="api"` {
		t.Errorf("got challenge %q, want the token's", got)
	}
	w.token.user, w.token.err = &User{ID: 2, Email: "jen@test.com"}, nil
	w.open().Get("/api").Want(t, 200, "hello jen")
	w.store.fail(errOutage)
	b.Get("/api").Want(t, 503, "") // after an outage the next strategy is not tried
}

func TestAUserFoundByCredentialsPassesWithoutASession(t *testing.T) {
	w := newWorld(t)
	w.token.user, w.token.err = &User{ID: 2, Email: "jen@test.com"}, nil
	w.mux.Handle("/api", w.Authenticate("token")(w.RequireAuth(w.RequireUncached(w.hello()))))
	w.open().Get("/api").Want(t, 200, "hello jen")
	if got := w.store.asked(); got != "[]" {
		t.Errorf("got store calls %s, want none", got)
	}
}

func TestALogInEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.loggedIn("joe@test.com")
		pass(23 * time.Hour)
		b.Get("/me").Want(t, 200, "hello joe")
		pass(25 * time.Hour)
		b.Get("/me").Want(t, 401, "")
	})
}

func TestUserIsNobodyOutsideOfItsGuard(t *testing.T) {
	w := newWorld(t)
	admins := w.guard("admin")
	var ok bool
	w.mux.Handle("/other", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, ok = admins.User(r.Context()) })))
	w.loggedIn("joe@test.com").Get("/other").Want(t, 200, "")
	if ok {
		t.Error("another guard finds this guard's user")
	}
	if u, ok := w.User(t.Context()); ok || u != nil {
		t.Errorf("outside of a request: got %v, %v, want nobody", u, ok)
	}
}
