package guard_test

import (
	"fmt"
	"net/http"
)

// A handler that decides by itself: it logs in whom it has just registered, and falls
// back on the guard's answer when that fails.
func ExampleGuard_LogInUser() {
	auth := newClub(silent)
	register := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := &Member{Name: "joe"} // stored in the users table
		if err := auth.LogInUser(r, m); err != nil {
			auth.Error(w, r, err)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	mux := http.NewServeMux()
	mux.Handle("POST /register", auth.Restore(register)) // Restore brings the session along
	mux.Handle("GET /me", auth.RequireAuth(say("it is you")))

	v := visit(mux)
	v.do("POST", "/register")
	v.do("GET", "/me")
	// Output:
	// POST /register: 200 welcome
	// GET /me: 200 it is you
}
