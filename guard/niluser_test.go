package guard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// TestANilUserWithoutAnErrorEndsNoSession: a look-up that forgets its error must not log everybody out for
// good.
func TestANilUserWithoutAnErrorEndsNoSession(t *testing.T) {
	w := newWorld(t)
	b := w.loggedIn("joe@test.com")
	w.table.empty = true
	b.Get("/me").Want(t, 500, "")
	if got := w.saw(); got != "[guard_error]" || !strings.Contains(w.logged(), "return serializer.ErrUserGone") {
		t.Errorf("got the events %s, want an error whose text says what to do: %s", got, w.logged())
	}
	w.table.empty = false
	b.Get("/me").Want(t, 200, "hello joe")
}

// TestAnErrorNamesTheFunctionThatWasCalled.
func TestAnErrorNamesTheFunctionThatWasCalled(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		name string
		call func(r *http.Request) error
	}{
		{"LogInUser", func(r *http.Request) error { return w.LogInUser(r, nil) }},
		{"ReauthenticateUser", func(r *http.Request) error { return w.ReauthenticateUser(r, nil) }},
		{"LogInContext", func(r *http.Request) error {
			_, err := w.LogInContext(r.Context(), nil, guard.LogInOptions{})
			return err
		}},
	} {
		var inside error
		w.mux.Handle("/"+row.name, w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inside = row.call(r) })))
		b := w.open()
		b.Get("/"+row.name).Want(t, 200, "")
		if want := "guard: " + row.name + ": the user is nil"; inside == nil || inside.Error() != want {
			t.Errorf("got %v, want %q", inside, want)
		}
		outside := row.call(b.Request(http.MethodGet, "/", ""))
		if outside == nil || !strings.HasPrefix(outside.Error(), "guard: "+row.name+": session: ") {
			t.Errorf("without a Handler: got %v, want an error that names %s", outside, row.name)
		}
	}
}
