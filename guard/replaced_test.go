package guard_test

import "testing"

// TestTheEventsOfALogInThatReplacesAnother name the replaced user; a second log-in of the same user
// replaces nobody.
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
