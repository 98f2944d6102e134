package main

import "net/http"

// reset stores the password that was chosen behind a mailed link. The second step stays, and all devices are
// out.
func (a *app) reset(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	hash, err := a.newHash(r.Context(), f, f.Get("email"))
	if err != nil || hash == "" {
		return a.showOr(w, r, err, "choose", f)
	}
	t, err := redeemShown(r.Context(), a.resets, f)
	if err != nil {
		return a.deadLink(w, r, err)
	}
	u, err := a.users.ofMailed(r.Context(), t)
	if err != nil {
		return a.deadLink(w, r, err)
	}
	if u, err = a.users.setPassword(r.Context(), u, hash); err != nil {
		return err
	}
	a.send(u.Email, "changed", "")
	if err = a.attempts.Unlock(r.Context(), u.Email); err == nil { // the mail is theirs: strangers' guesses are forgotten
		a.attempts.MakeKnown(w, r, u.Email)
		err = a.auth.LogInUser(r, u)
	}
	return a.done(w, r, err, "/account", "Your password is changed. All other devices are logged out.")
}
