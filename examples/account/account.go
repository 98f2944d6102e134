package main

import "net/http"

func (a *app) account(w http.ResponseWriter, r *http.Request) error {
	return a.showAccount(w, r, filled("name", a.current(r).Name))
}

func (a *app) showAccount(w http.ResponseWriter, r *http.Request, f form) error {
	log, err := a.users.auditLog(r.Context(), a.current(r).ID)
	return a.show(w, r, err, "account", f, log)
}

// setName changes the name. It is the only change that an administrator may make for a user.
func (a *app) setName(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	if f.Get("user") != u.ID { // the form is of another tab: somebody began or stopped to act there
		return done(w, r, nil, "/account", "You are somebody else now. Nothing was changed.")
	}
	if len([]rune(f.Get("name"))) > 80 {
		f.refuse("name", "Enter at most 80 characters.")
		return a.showAccount(w, r, f)
	}
	_, err := a.users.exec(r.Context(), `UPDATE users SET name = $1 WHERE id = $2`, f.Get("name"), u.ID)
	if admin, acts := a.acting.Actor(r.Context()); acts && err == nil {
		err = a.users.audit(r.Context(), admin, u, "changed the name")
	}
	return done(w, r, err, "/account", "The name is saved.")
}
