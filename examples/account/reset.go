package main

import (
	"context"
	"errors"
	"net/http"
)

// reset stores a new password, which logs out all devices, and returns the user and what to tell them. The
// second step stays, unless it is new and the owner asks to remove it because somebody else has set it up.
// Other ways to log in stay too.
func (a *app) reset(ctx context.Context, u *User, hash string, remove bool) (*User, string, error) {
	text := passwordChanged
	if remove && (u.App || u.Passkeys > 0) {
		if u.secondIsNew() {
			if err := a.clear(ctx, u, "factor", "authenticators", "passkeys"); err != nil {
				return nil, "", err
			}
			u.App, u.Passkeys, text = false, 0, text+" The second step is removed."
		} else {
			text += " The second step stays: it was set up more than seven days ago."
		}
	}
	u, err := a.users.setPassword(ctx, u, hash)
	if err == nil {
		a.send(u.Email, "changed", "")
	}
	return u, text, err
}

// clear removes all that u has in tables. If that was something, it sends a mail.
func (a *app) clear(ctx context.Context, u *User, mail string, tables ...string) (err error) {
	removed := int64(0)
	for _, table := range tables {
		n, failed := a.users.exec(ctx, `DELETE FROM `+table+` WHERE owner = $1`, u.ID)
		removed, err = removed+n, errors.Join(err, failed)
	}
	if removed > 0 { // else this is the second of two clicks
		a.send(u.Email, mail, "")
	}
	return err
}

// removeKept removes what stayed when the password was reset.
func (a *app) removeKept(w http.ResponseWriter, r *http.Request) error {
	err := a.clear(r.Context(), a.current(r), "kept", "passkeys", "identities", "api_keys")
	if err == nil { // ends log-ins made with one of them since the reset
		_, err = a.auth.LogOutOthers(r.Context(), a.current(r))
	}
	return done(w, r, err, "/account", "Your passkeys, linked accounts and API keys are removed. "+
		"All other devices are logged out.")
}
