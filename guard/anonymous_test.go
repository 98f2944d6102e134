package guard_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// TestAnAnonymousVisitorGoesOnPastLogIn, as in Passport, where a strategy passes. Nobody is logged in, and
// nothing is stored.
func TestAnAnonymousVisitorGoesOnPastLogIn(t *testing.T) {
	w := newWorld(t)
	ask := w.Authenticate("local", "anonymous")
	w.mux.Handle("POST /in", ask(w.LogIn(w.hello())))
	w.mux.Handle("POST /to", ask(w.LogInWith(guard.LogInOptions{SuccessRedirect: "/home"})(nil)))
	w.mux.Handle("POST /both", ask(w.LogInWith(guard.LogInOptions{SuccessRedirect: "/home"})(w.hello())))
	w.mux.Handle("POST /after", w.Authenticate("local")(ask(w.LogIn(w.hello()))))
	w.mux.Handle("POST /restored", w.Restore(w.LogIn(w.hello())))
	b := w.open()
	for path, want := range map[string]int{"/in": 200, "/to": 303, "/both": 200, "/restored": 500} {
		if a := b.Post(path); a.StatusCode != want {
			t.Errorf("%s: got %d %q, want %d", path, a.StatusCode, a.Text, want)
		}
	}
	b.Post("/in").Want(t, 200, "hello stranger")
	if got := w.store.asked(); got != "[]" || b.Cookie(sid) != "" {
		t.Errorf("got the commands %s and a cookie %q, want none", got, b.Cookie(sid))
	}
	for _, path := range []string{"/in", "/after"} {
		b.Post(path, "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
	}
	b.Get("/me").Want(t, 200, "hello joe")
	b.Post("/in").Want(t, 200, "hello stranger")
	b.Get("/me").Want(t, 200, "hello joe") // the session is unchanged
}
