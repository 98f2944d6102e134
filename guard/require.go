package guard

import (
	"net/http"

	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// Require is [Guard.RequireAuth] for users who may do something: check says who. Nil
// lets the request pass; an error that wraps [ErrForbidden] answers 403, and any other
// is an outage, 503. It is a middleware of Express behind ensureLoggedIn, and Nest's
// RolesGuard. It panics if check or next is nil.
//
//	admins := auth.Require(func(r *http.Request, u *User) error {
//		if !u.Admin {
//			return guard.ErrForbidden
//		}
//		return nil
//	})
func (g *Guard[U]) Require(check func(*http.Request, U) error) func(http.Handler) http.Handler {
	if check == nil {
		panic("guard: Require: the check is nil")
	}
	return func(next http.Handler) http.Handler {
		return g.gate("Require", next, func(r *http.Request, st *reqstate.State) (U, error) {
			user, err := g.currentUser(r, st)
			if err != nil {
				return user, err
			}
			return user, check(r, user)
		})
	}
}
