package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// passkeyAccount returns what authenticators store about a user, whose id is random.
func passkeyAccount(_ context.Context, u *User) (passkey.Account, error) {
	return passkey.Account{Handle: []byte(u.ID), Name: u.Email, DisplayName: u.Name}, nil
}

// security lists the second factors.
func (a *app) security(w http.ResponseWriter, r *http.Request) error {
	list, err := a.passkeyTable.List(r.Context(), a.current(r))
	return a.show(w, r, err, "security", form{}, list)
}

func (a *app) renamePasskey(w http.ResponseWriter, r *http.Request) error {
	f := formOf(r)
	name := fmt.Sprintf("%.80s", f.Get("name")) // at most 80 letters
	_, err := a.passkeyTable.Rename(r.Context(), a.current(r), passkey.ParseID(f.Get("id")), name)
	return done(w, r, err, "/account/security", "The name is saved.")
}

func (a *app) removePasskey(w http.ResponseWriter, r *http.Request) error {
	id := passkey.ParseID(formOf(r).Get("id"))
	was, err := a.passkeyTable.Remove(r.Context(), a.current(r), id, false)
	return a.changed(w, r, was, err, "passkey", "The passkey is removed. Remove it from your device too.")
}
