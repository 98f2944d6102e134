package guard_test

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/session"
)

// WRONG: LogIn without Authenticate. LogIn remembers whom Authenticate found by
// credentials; alone it answers 500 and logs which call is missing. RIGHT:
//
//	auth.Authenticate("local")(auth.LogIn(handler))
func ExampleGuard_LogIn_incorrect() {
	auth := newClub(silent)
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.LogIn(say("welcome"))) // wrong

	visit(mux).do("POST", "/login", "email=joe", "password=secret")
	// Output:
	// POST /login: 500
}

// WRONG: a session used on a route that has none. A guard's middleware brings the
// session along; a route without one needs session.Manager.Handler around it. RIGHT:
//
//	mux.Handle("GET /cart", sessions.Handler(cart))
func Example_outsideHandler_incorrect() {
	cart := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := session.FromContext(r.Context())
		fmt.Fprint(w, errors.Is(err, session.ErrNoHandler))
	})
	mux := http.NewServeMux()
	mux.Handle("GET /cart", cart) // wrong

	visit(mux).do("GET", "/cart")
	// Output:
	// GET /cart: 200 true
}
