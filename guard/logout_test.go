package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

func TestASVS_7_4_1_LogOutEndsTheSessionAndTheCookie(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	stolen := b.Twin()
	a := b.Post("/logout")
	a.Want(t, 200, "hello stranger")
	if c := a.Cookies(); len(c) != 1 || c[0].Name != sid || c[0].MaxAge >= 0 && c[0].Expires.IsZero() || c[0].Path != "/" || !c[0].Secure || !c[0].HttpOnly {
		t.Errorf("got cookies %v, want %s expired with its attributes", c, sid)
	}
	if got := b.Cookie(sid); got != "" {
		t.Errorf("got cookie %q, want none", got)
	}
	stolen.Get("/me").Want(t, 401, "")
}

func TestAnAnonymousLogOutCreatesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.open().Post("/logout")
	a.Want(t, 200, "hello stranger")
	if got := w.store.asked(); got != "[]" || len(a.Cookies()) != 0 || w.saw() != "[]" {
		t.Errorf("got store calls %s, cookies %v, want none, and no event", got, a.Cookies())
	}
}

func TestALogOutThatFailsSaysSo(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.store.fail(errOutage)
	a := b.Post("/logout")
	a.Want(t, 503, "")
	if len(a.Cookies()) != 0 {
		t.Errorf("got cookies %v, want none touched", a.Cookies())
	}
	w.store.fail(nil)
	b.Get("/me").Want(t, 200, "hello joe")
}

func TestLogOutCostsOneGetAndOneEnd(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	b.Post("/logout").Want(t, 200, "hello stranger")
	if got, want := w.store.asked(), "[Get End]"; got != want {
		t.Errorf("got store calls %s, want %s", got, want)
	}
}

func TestLogOutUser(t *testing.T) {
	w := newWorld(t)
	var outcome error
	out := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if outcome = w.LogOutUser(r); outcome != nil {
			w.Error(rw, r, outcome)
			return
		}
		w.hello().ServeHTTP(rw, r)
	})
	w.mux.Handle("POST /leave", w.RequireAuth(out))
	w.mux.Handle("POST /visitor", w.sessions.Handler(out))
	w.mux.Handle("POST /outside", out)
	b := w.loggedIn("joe@test.com")
	b.Post("/leave").Want(t, 200, "hello stranger")
	b.Get("/me").Want(t, 401, "")
	w.open().Post("/visitor").Want(t, 200, "hello stranger")
	w.open().Post("/outside").Want(t, 500, "")
	if !errors.Is(outcome, session.ErrNoHandler) {
		t.Errorf("outside of a Handler: got %v, want ErrNoHandler", outcome)
	}
	b = w.loggedIn("joe@test.com")
	r := b.Request("POST", "/visitor", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.Do(r).Want(t, 403, "")
	b.Get("/me").Want(t, 200, "hello joe")
}

func TestALoggedOutRequestStaysAnonymous(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /twice", w.RequireAuth(w.LogOut(w.RequireAuth(w.hello()))))
	w.loggedIn("joe@test.com").Post("/twice").Want(t, 401, "")
}

// TestASVS_7_4_5_LogOutEverywhere ends a user's sessions, all or all but one.
func TestASVS_7_4_5_LogOutEverywhere(t *testing.T) {
	w := newWorld(t)
	var ref string
	w.mux.Handle("GET /ref", w.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		ref = s.Ref()
	})))
	joe := []*browser.Browser{w.loggedIn("joe@test.com"), w.loggedIn("joe@test.com"), w.loggedIn("joe@test.com")}
	jen := w.loggedIn("jen@test.com")
	alive := func() (n int) {
		for _, b := range joe {
			if b.Get("/me").StatusCode == 200 {
				n++
			}
		}
		return n
	}

	joe[1].Get("/ref").Want(t, 200, "")
	n, err := w.LogOutEverywhere(t.Context(), &User{ID: 1}, ref)
	if err != nil || n != 2 || alive() != 1 {
		t.Errorf("all but one: got %d, %v and %d alive, want 2 ended and 1 alive", n, err, alive())
	}
	joe[1].Get("/me").Want(t, 200, "hello joe")
	if n, err = w.LogOutEverywhere(t.Context(), &User{ID: 1}); err != nil || n != 1 || alive() != 0 {
		t.Errorf("all: got %d, %v and %d alive, want 1 ended and none alive", n, err, alive())
	}
	jen.Get("/me").Want(t, 200, "hello jen")
	const gone = " session_expired/timeout_or_ended"
	if got, want := w.saw(), "[session_expired/revoked"+strings.Repeat(gone, 2)+" session_expired/revoked"+strings.Repeat(gone, 3)+"]"; got != want {
		t.Errorf("got events %s, want %s: each end, and each browser that comes back", got, want)
	}

	w.store.fail(errOutage)
	logIns := len(joe)
	if n, err = w.LogOutEverywhere(t.Context(), &User{ID: 2}); !errors.Is(err, errOutage) || n != 0 {
		t.Errorf("store down, %d log-ins: got %d, %v, want the outage", logIns, n, err)
	}
	w.store.fail(nil)
	jen.Get("/me").Want(t, 200, "hello jen")
	if _, err = w.LogOutEverywhere(t.Context(), nil); err == nil {
		t.Error("nil user: got no error")
	}
	if got := w.logged(); !strings.Contains(got, "count=2") || !strings.Contains(got, "level=ERROR msg=session_expired") {
		t.Errorf("got log %q, want the count, and the failure", got)
	}
}

func TestLogOutIsFinalForARequestUnderWay(t *testing.T) {
	w := newWorld(t)
	in, out := make(chan struct{}), make(chan struct{})
	w.mux.Handle("POST /slow", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		close(in)
		<-out
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = session.Key[string]("late").Set(s, "x")
		}
		if err != nil {
			t.Error(err)
		}
		fmt.Fprint(rw, "done")
	})))
	b := w.loggedIn("joe@test.com")
	slow := b.Twin()
	answer := make(chan browser.Answer)
	go func() { answer <- slow.Post("/slow") }()
	<-in
	b.Post("/logout").Want(t, 200, "hello stranger")
	close(out)
	(<-answer).Want(t, 409, "")
	slow.Get("/me").Want(t, 401, "")
}
