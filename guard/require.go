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
//	owners := auth.Require(func(r *http.Request, u *User) error {
//		if owner, err := orders.Owner(r.Context(), r.PathValue("id")); err != nil || owner == u.ID {
//			return err
//		}
//		return guard.ErrForbidden
//	})
//
// [Guard.RequireIf] is for a check that needs the user alone.
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

// RequireIf is [Guard.Require] for users of whom may is true, such as administrators; all others get
// [ErrForbidden], 403. It panics if may or next is nil.
//
//	admins := auth.RequireIf(func(u *User) bool { return u.Admin })
func (g *Guard[U]) RequireIf(may func(U) bool) func(http.Handler) http.Handler {
	if may == nil {
		panic("guard: RequireIf: the function is nil")
	}
	return g.Require(func(_ *http.Request, user U) error {
		if !may(user) {
			return ErrForbidden
		}
		return nil
	})
}
