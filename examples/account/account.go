package main

import (
	"net/http"
	"unicode/utf8"
)

func (a *app) account(w http.ResponseWriter, r *http.Request) error {
	return a.showAccount(w, r, filled("name", a.current(r).Name))
}

func (a *app) showAccount(w http.ResponseWriter, r *http.Request, f form) error {
	seen, err := a.users.audited(r.Context(), a.current(r).ID)
	return a.show(w, r, err, "account", f, seen)
}

// setName changes the name. It is the only change that an administrator may make for a user.
func (a *app) setName(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	name := f.Get("name")
	if utf8.RuneCountInString(name) > 80 || !utf8.ValidString(name) {
		f.refuse("name", "Enter at most 80 characters.")
		return a.showAccount(w, r, f)
	}
	_, err := a.users.exec(r.Context(), `UPDATE users SET name = $1 WHERE id = $2`, name, u.ID)
	if admin, acts := a.acting.Actor(r.Context()); acts && err == nil {
		err = a.users.audit(r.Context(), admin, u.ID, "changed the name")
	}
	return done(w, r, err, "/account", "The name is saved.")
}
