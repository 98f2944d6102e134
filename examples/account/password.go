package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

const passwordChanged = "Your password is changed. All other devices are logged out."

// changedHere is the stamp of the password that this session has set.
const changedHere session.Key[string] = "changedHere"

// setPassword changes the password and the security stamp, so all other devices are logged out at once.
func (a *app) setPassword(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	chosen, err := a.newPassword(r.Context(), f, u.Email, u.Name)
	if err != nil {
		return err
	}
	here, _, err := changedHere.GetContext(r.Context())
	if err != nil {
		return err
	}
	changed := false // the first of two clicks has changed it
	if u.Hash != "" {
		err = a.guesses.Attempt(r, u.Email, func(ctx context.Context) error {
			err := a.hasher.Verify(ctx, u.Hash, f.values.Get("current"))
			twice := err != nil && here == u.Stamp
			if twice && a.hasher.Verify(ctx, u.Hash, chosen) == nil {
				changed, err = true, nil
			}
			return err
		})
		if errors.Is(err, strategy.ErrUnauthenticated) {
			f, err = f.refusedBy(err, "current", "This is not your present password."), nil
		}
	}
	if err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "password", f, nil)
	}
	if changed {
		return done(w, r, nil, "/account", passwordChanged)
	}
	hash, err := a.hasher.Hash(r.Context(), chosen)
	if err != nil {
		return err
	}
	u, err = a.users.setPassword(r.Context(), u, hash, false)
	if errors.Is(err, strategy.ErrUnauthenticated) { // another request has changed it
		return done(w, r, nil, "/account", "")
	}
	if err != nil {
		return err
	}
	a.send(u.Email, "changed", "")
	if err = a.auth.ReauthenticateUser(r, u); err == nil { // this session goes on, with the new stamp
		err = changedHere.SetContext(r.Context(), u.Stamp)
	}
	return done(w, r, err, "/account", passwordChanged)
}
