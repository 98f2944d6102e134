package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

const passwordChanged = "Your password is changed. All other devices are logged out."

// passwordNotChanged answers the second of two clicks, and a form that waited in another tab.
const passwordNotChanged = "Your password was changed by another form before. This one changed nothing."

// setPassword changes the password and the security stamp, so all other devices are logged out at once.
func (a *app) setPassword(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	if f.Get("stamp") != u.Stamp { // changed since the page was shown
		return done(w, r, nil, "/account", passwordNotChanged)
	}
	chosen, err := a.newPassword(r.Context(), f, u.Email, u.Name)
	if err == nil && u.Hash != "" {
		err = a.guesses.Attempt(r, u.Email, func(ctx context.Context) error {
			return a.hasher.Verify(ctx, u.Hash, f.values.Get("current"))
		})
		if errors.Is(err, strategy.ErrUnauthenticated) {
			f, err = f.refusedBy(err, "current", "This is not your present password."), nil
		}
	}
	if err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "password", f, nil)
	}
	hash, err := a.hasher.Hash(r.Context(), chosen)
	if err == nil {
		u, err = a.users.setPassword(r.Context(), u, hash)
	}
	if errors.Is(err, strategy.ErrUnauthenticated) { // another request has changed it
		return done(w, r, nil, "/account", passwordNotChanged)
	}
	if err != nil {
		return err
	}
	a.send(u.Email, "changed", "")
	return done(w, r, a.auth.ReauthenticateUser(r, u), "/account", passwordChanged) // the session stays
}
