package main

import "net/http"

// deleteAccount removes the user, all their rows, and all their sessions.
func (a *app) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	if a.local.Account(f.Get("email")) != u.Email {
		f.refuse("email", "Type the address of this account, to show that you mean it.")
		return a.show(w, r, nil, "delete", f, nil)
	}
	if _, err := a.users.exec(r.Context(), `DELETE FROM users WHERE id = $1`, u.ID); err != nil {
		return err
	}
	a.send(u.Email, "deleted", "")
	_, err := a.auth.LogOutEverywhere(r.Context(), u)
	if err == nil {
		err = a.auth.LogOutUser(r)
	}
	return done(w, r, err, "/?deleted", "")
}
