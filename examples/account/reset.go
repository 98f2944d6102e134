package main

import (
	"context"
	"net/http"
)

// reset stores the password chosen on the page behind a mailed link, and logs out all devices. The second
// step stays, unless it is new and the owner asks to remove it because somebody else has set it up. Other
// ways to log in stay too. An attacker may have added them, so the next page offers to remove them.
func (a *app) reset(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	chosen, err := a.newPassword(r.Context(), f, f.Get("email"))
	if err != nil || len(f.Errors) > 0 {
		return a.show(w, r, err, "choose", f, nil)
	}
	var u *User
	had, asked, removes := false, f.Get("remove") != "", false // a second step, its removal
	err = use(r, a.resets, f, func(ctx context.Context, t ticket) (err error) {
		if u, err = a.users.ofMailed(ctx, t); err != nil {
			return err
		}
		hash, err := a.hasher.Hash(ctx, chosen) // not before: a stranger could have the site hash
		if err != nil {
			return err
		}
		had, removes = u.App || u.Passkeys > 0, asked && u.secondIsNew()
		u, err = a.users.setPassword(ctx, u, hash, removes)
		return err
	})
	if err != nil {
		return a.deadLink(w, r, err)
	}
	text := passwordChanged
	a.send(u.Email, "changed", "")
	switch {
	case had && removes:
		a.send(u.Email, "factor", "")
		text += " The second step is removed."
	case had && asked:
		text += " The second step stays: it was set up more than seven days ago."
	}
	if err = a.attempts.Unlock(r.Context(), u.Email); err == nil { // resets the count of failed attempts
		a.attempts.MakeKnown(w, r, u.Email)
		err = a.auth.LogInUser(r, u)
	}
	to := "/account"
	if u.Passkeys+u.Linked+u.Keys > 0 {
		to = "/account/kept"
	}
	return done(w, r, err, to, text)
}

// removeKept removes what stayed when the password was reset.
func (a *app) removeKept(w http.ResponseWriter, r *http.Request) error {
	u := a.current(r)
	removed := int64(0)
	err := a.users.inTx(r.Context(), func(exec execer) error {
		for _, table := range []string{"passkeys", "identities", "api_keys"} {
			n, err := exec(`DELETE FROM `+table+` WHERE owner = $1`, u.ID)
			if removed += n; err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && removed > 0 { // else this is the second of two clicks
		a.send(u.Email, "kept", "")
	}
	if err == nil { // ends log-ins made with one of them since the reset
		_, err = a.auth.LogOutOthers(r.Context(), u)
	}
	return done(w, r, err, "/account", "Your passkeys, linked accounts and API keys are removed. "+
		"All other devices are logged out.")
}
