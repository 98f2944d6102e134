package guard_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// TestNoEventOfALogInThatWasDropped: Reload takes it back before the commit.
func TestNoEventOfALogInThatWasDropped(t *testing.T) {
	w := newRememberWorld(t)
	then := func(do func(s *session.Session, r *http.Request) error) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err == nil {
				err = do(s, r)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	user := func(r *http.Request) error { return w.LogInUser(r, joe) }
	w.mux.Handle("/reload", w.Restore(then(func(s *session.Session, r *http.Request) error {
		if err := user(r); err != nil {
			return err
		}
		return s.Reload(r.Context())
	})))
	w.mux.Handle("/out", w.Restore(then(func(_ *session.Session, r *http.Request) error {
		if err := user(r); err != nil {
			return err
		}
		return w.LogOutUser(r)
	})))
	w.mux.Handle("/saved", w.Restore(then(func(s *session.Session, r *http.Request) error {
		if err := user(r); err != nil {
			return err
		}
		if err := s.Save(r.Context()); err != nil {
			return err
		}
		return s.Reload(r.Context())
	})))
	for path, want := range map[string]string{"/reload": "[]", "/out": "[session_expired/logout]", "/saved": "[session_created]"} {
		b := w.open()
		b.Post(path).Want(t, 200, "")
		if got := w.saw(); got != want {
			t.Errorf("%s: got the events %s, want %s", path, got, want)
		}
		if in := b.Cookie(sid) != ""; in != (path == "/saved") {
			t.Errorf("%s: a session's cookie: %t", path, in)
		}
	}
}

// TestTheEventsOfALogInThatReplacesAnother name who is out, and a log-in again of the same
// user replaces nobody.
func TestTheEventsOfALogInThatReplacesAnother(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	logIn(b, "joe@test.com").Want(t, 200, "hello joe")
	if got, want := w.saw(), "[authn_login_success session_created]"; got != want {
		t.Errorf("the same user again: got %s, want %s", got, want)
	}
	logIn(b, "jen@test.com").Want(t, 200, "hello jen")
	w.mu.Lock()
	last := w.heard[len(w.heard)-1]
	w.mu.Unlock()
	if got, want := w.saw(), "[authn_login_success session_created session_expired/replaced]"; got != want {
		t.Errorf("another user: got %s, want %s", got, want)
	}
	if string(last.User) != "1" || last.Session == "" {
		t.Errorf("the event is of user %s and session %q, want user 1's former session", last.User, last.Session)
	}
	w.store.failOn("Create")
	logIn(b, "joe@test.com").Want(t, 503, "")
	if got, want := w.saw(), "[authn_login_success session_created]"; got != want {
		t.Errorf("a log-in that failed: got %s, want %s", got, want)
	}
}
