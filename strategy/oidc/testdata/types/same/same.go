// Package same has a strategy for *User beside a serializer for *User. It compiles.
package same

import (
	"context"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// User is the application's user.
type User struct{ ID int }

// New returns a guard with a local and an OpenID strategy.
func New(cfg guard.Config, op oidc.Config, check func(context.Context, string, string) (*User, error)) (*guard.Guard[*User], error) {
	users := serializer.ByID(func(u *User) int { return u.ID }, func(context.Context, int) (*User, error) { return nil, serializer.ErrUserGone })
	s, err := oidc.New(op, func(context.Context, oidc.Identity) (*User, error) { return nil, strategy.ErrUnauthenticated })
	if err != nil {
		return nil, err
	}
	return guard.New(cfg, users, strategy.NewLocal(check), s)
}
