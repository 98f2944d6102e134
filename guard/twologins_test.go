package guard_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// outcomes returns the events since the last time, each with its user and outcome.
func (w *world) outcomes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		list = append(list, fmt.Sprintf("%s %s %s", e.Name, e.User, e.Outcome))
	}
	w.events = nil
	return strings.Join(list, ", ")
}

// TestOfTwoLogInsInOneRequestTheLastOneCounts: the first was never stored, so nothing says that
// it was, nothing replaced it, and no browser is remembered for it.
func TestOfTwoLogInsInOneRequestTheLastOneCounts(t *testing.T) {
	for _, row := range []struct{ name, before, want string }{
		{"a visitor", "", "session_created 1 error, session_created 2 success"},
		{"who was a third user", "jim@test.com", "session_created 1 error, session_created 2 success, session_expired 3 success"},
	} {
		w := newRememberWorld(t)
		w.table.set(User{ID: 3, Email: "jim@test.com", Pass: password})
		yes := func(*http.Request) bool { return true }
		w.mux.Handle("POST /both", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, err := w.LogInContext(r.Context(), joe, guard.LogInOptions{RememberMe: yes})
			if err == nil {
				_, err = w.LogInContext(r.Context(), &User{ID: 2, Email: "jen@test.com", Pass: password}, guard.LogInOptions{})
			}
			if err != nil {
				w.Error(rw, r, err)
			}
		})))
		b := w.open()
		if row.before != "" {
			logIn(b, row.before).Want(t, 200, "")
		}
		w.outcomes()
		b.Post("/both").Want(t, 200, "")
		if got := w.outcomes(); got != row.want {
			t.Errorf("%s: got events %q, want %q", row.name, got, row.want)
		}
		b.Get("/me").Want(t, 200, "hello jen")
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 401, "")
	}
}
