package guard_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestARevokedLogInIsNotReplacedToo: its end was reported when it was found. Another guard's log-in keeps
// the record in the store, and with it the revoked log-in.
func TestARevokedLogInIsNotReplacedToo(t *testing.T) {
	jen, jim := &User{ID: 2, Email: "jen@test.com", Pass: password}, &User{ID: 3, Email: "jim@test.com", Pass: password}
	for _, row := range []struct {
		name string
		in   []*User
		want string
	}{
		{"a log-in", []*User{jen}, "session_expired 1 success, session_created 2 success"},
		{"two log-ins", []*User{jen, jen}, "session_expired 1 success, session_created 2 success"},
		{"of two users", []*User{jen, jim}, "session_expired 1 success, session_created 2 error, session_created 3 success"},
		{"of three", []*User{jen, jim, jen}, "session_expired 1 success, session_created 2 error, session_created 3 error, session_created 2 success"},
	} {
		w := newWorld(t)
		w.table.set(*jim)
		admin := w.guard("admin")
		w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
		w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			for _, u := range row.in {
				if err := w.LogInUser(r, u); err != nil {
					w.Error(rw, r, err)
					return
				}
			}
		})))
		b := w.loggedIn("joe@test.com")
		b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
		w.table.remove(1)
		w.outcomes()
		b.Post("/in").Want(t, 200, "")
		if got := w.outcomes(); got != row.want {
			t.Errorf("%s: got events %q, want %q", row.name, got, row.want)
		}
	}
}

// TestALogInThatFailsBringsNoRevokedOneBack: for the rest of the request nobody is logged in, and the end
// is reported once.
func TestALogInThatFailsBringsNoRevokedOneBack(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, true })
	admin := w.guard("admin")
	w.mux.Handle("POST /admin/login", admin.Authenticate("local")(admin.LogIn(w.hello())))
	w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password}); !errors.Is(err, guard.ErrTooManySessions) {
			t.Errorf("got %v, want ErrTooManySessions", err)
		}
		if u, err := w.Check(r); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("got %v and %v, want nobody", u, err)
		}
	})))
	w.loggedIn("jen@test.com")
	b := w.loggedIn("joe@test.com")
	b.Post("/admin/login", "email", "jen@test.com", "password", password).Want(t, 200, "")
	w.table.remove(1)
	w.outcomes()
	b.Post("/in").Want(t, 200, "")
	if got, want := w.outcomes(), "session_expired 1 success"; !strings.HasPrefix(got, want) || strings.Count(got, "session_expired") != 1 {
		t.Errorf("got events %q, want %q once", got, want)
	}
}
