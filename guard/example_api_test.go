package guard_test

import "net/http"

// One route for pages, which have a session, and for programs, which have a token.
// A token needs no protection against other sites; the session has it.
func ExampleGuard_Authenticate() {
	auth := newClub(silent)
	mux := http.NewServeMux()
	mux.Handle("GET /api/orders", auth.Authenticate("session", "bearer")(say("orders")))

	v := visit(mux)
	v.do("GET", "/api/orders")
	v.header.Set("Authorization", "Bearer jens-token")
	v.do("GET", "/api/orders")
	// Output:
	// GET /api/orders: 401
	// GET /api/orders: 200 orders
}
