package guard_test

import (
	"strings"
	"testing"
)

// TestANilUserWithoutAnErrorEndsNoSession: a look-up that forgets its error must not log
// everybody out for good.
func TestANilUserWithoutAnErrorEndsNoSession(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.table.empty = true
	b.Get("/me").Want(t, 500, "")
	if got := w.saw(); got != "[guard_error]" || !strings.Contains(w.logged(), "return serializer.ErrUserGone") {
		t.Errorf("got the events %s, want an error whose text names the cure: %s", got, w.logged())
	}
	w.table.empty = false
	b.Get("/me").Want(t, 200, "hello joe")
}
