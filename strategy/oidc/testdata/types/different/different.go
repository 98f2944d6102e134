// Package different has a strategy for *Account beside a serializer for *User. It does
// not compile.
package different

import (
	"context"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// User is the application's user.
type User struct{ ID int }

// Account is something else.
type Account struct{ Subject string }

// New does not return a guard.
func New(cfg guard.Config, op oidc.Config) (*guard.Guard[*User], error) {
	users := serializer.ByID(func(u *User) int { return u.ID }, func(context.Context, int) (*User, error) { return nil, serializer.ErrUserGone })
	s, err := oidc.New(op, func(context.Context, oidc.Identity) (*Account, error) { return nil, strategy.ErrUnauthenticated })
	if err != nil {
		return nil, err
	}
	return guard.New[*User](cfg, users, s)
}
