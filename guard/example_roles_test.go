package guard_test

import (
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
)

// Members only in their own club: the request decides too.
func ExampleGuard_Require() {
	auth := newClub(silent)
	own := auth.Require(func(r *http.Request, m *Member) error {
		if r.PathValue("name") != m.Name {
			return guard.ErrForbidden
		}
		return nil
	})

	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))
	mux.Handle("GET /members/{name}", own(say("the bill")))

	v := visit(mux)
	v.do("POST", "/login", "email=joe", "password=secret")
	v.do("GET", "/members/joe")
	v.do("GET", "/members/jen")
	// Output:
	// POST /login: 200 welcome
	// GET /members/joe: 200 the bill
	// GET /members/jen: 403
}

// Admins only: 401 for visitors, 403 for members.
func ExampleGuard_RequireIf() {
	auth := newClub(silent)
	admins := auth.RequireIf(func(m *Member) bool { return m.Admin })

	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(say("welcome"))))
	mux.Handle("GET /admin", admins(say("the ledger")))

	v := visit(mux)
	v.do("GET", "/admin")
	v.do("POST", "/login", "email=joe", "password=secret")
	v.do("GET", "/admin")
	v.do("POST", "/login", "email=jen", "password=secret")
	v.do("GET", "/admin")
	// Output:
	// GET /admin: 401
	// POST /login: 200 welcome
	// GET /admin: 403
	// POST /login: 200 welcome
	// GET /admin: 200 the ledger
}
