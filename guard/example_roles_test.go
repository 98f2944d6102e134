package guard_test

import (
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
)

// Admins only: 401 for visitors, 403 for members.
func ExampleGuard_Require() {
	auth := newClub(silent)
	admins := auth.Require(func(_ *http.Request, m *Member) error {
		if !m.Admin {
			return guard.ErrForbidden
		}
		return nil
	})

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
