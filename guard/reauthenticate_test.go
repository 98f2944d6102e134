package guard_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
)

// TestOnlyReauthenticationMakesALogInFresh: LogInUser for the session's own user keeps the time of the
// log-in and of its factors (G15).
func TestOnlyReauthenticationMakesALogInFresh(t *testing.T) {
	for _, row := range []struct {
		name  string
		again func(w *world, r *http.Request, u *User) error
		fresh int
		want  string
	}{
		{"LogInUser", func(w *world, r *http.Request, u *User) error { return w.LogInUser(r, u) }, 401, "[session_renewed/log_in_user]"},
		{"LogInUser, twice", func(w *world, r *http.Request, u *User) error {
			if err := w.LogInUser(r, u); err != nil {
				return err
			}
			return w.LogInUser(r, u)
		}, 401, "[session_renewed/log_in_user]"},
		{"LogInUser, then ReauthenticateUser", func(w *world, r *http.Request, u *User) error {
			return errors.Join(w.LogInUser(r, u), w.ReauthenticateUser(r, u))
		}, 200, "[session_renewed/reauthenticated]"},
		{"LogInContext", func(w *world, r *http.Request, u *User) error {
			_, err := w.LogInContext(r.Context(), u, guard.LogInOptions{})
			return err
		}, 401, "[session_renewed/log_in_user]"},
		{"ReauthenticateUser", func(w *world, r *http.Request, u *User) error { return w.ReauthenticateUser(r, u) }, 200, "[session_renewed/reauthenticated]"},
		{"LogInContext, reauthenticated", func(w *world, r *http.Request, u *User) error {
			_, err := w.LogInContext(r.Context(), u, guard.LogInOptions{Reauthenticated: true})
			return err
		}, 200, "[session_renewed/reauthenticated]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.mux.Handle("/fresh", w.RequireFresh(time.Minute)(w.hello()))
			w.mux.Handle("/factor", w.RequireFactor("local", time.Minute)(w.hello()))
			w.mux.Handle("POST /again", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				u, _ := w.User(r.Context())
				if err := row.again(w, r, u); err != nil {
					w.Error(rw, r, err)
				}
			})))
			b := w.loggedIn("joe@test.com")
			pass(2 * time.Minute)
			b.Post("/again").Want(t, 200, "")
			if got := w.saw(); got != row.want {
				t.Errorf("%s: got events %s, want %s", row.name, got, row.want)
			}
			b.Get("/fresh").Want(t, row.fresh, "")
			b.Get("/factor").Want(t, 401, "")
			b.Get("/me").Want(t, 200, "hello joe")
		})
	}
}

// TestLogInUserProlongsNothing: a session ends when it would have without it, also one whose log-in has no
// time, as made by RememberMe and Node.
func TestLogInUserProlongsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		var deadline time.Time
		w.mux.Handle("POST /again", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			u, _ := w.User(r.Context())
			if err := w.LogInUser(r, u); err != nil {
				w.Error(rw, r, err)
			}
		})))
		w.mux.Handle("GET /deadline", w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			deadline = s.Info().Deadline
		})))
		b := w.remembered("joe@test.com")
		for _, name := range []string{"a log-in", "a remembered log-in"} {
			b.Get("/me").Want(t, 200, "hello joe")
			b.Get("/deadline")
			before := deadline
			pass(10 * time.Minute)
			b.Post("/again").Want(t, 200, "")
			if b.Get("/deadline"); !deadline.Equal(before) || deadline.IsZero() {
				t.Errorf("%s: got deadline %v, want %v as before", name, deadline, before)
			}
			b.SetCookie(sid, "")
		}
	})
}
