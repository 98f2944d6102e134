package main

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// newRecoveryCodes makes codes that the page shows. They replace the former ones only when the user says that
// they are saved.
func (a *app) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	return done(w, r, a.apps.BeginRecoveryCodes(r.Context(), a.current(r).ID), "/account/recovery", "")
}

func (a *app) recoveryPage(w http.ResponseWriter, r *http.Request) error {
	codes, err := a.apps.BegunRecoveryCodes(r.Context(), a.current(r).ID)
	return a.show(w, r, err, "recovery", form{}, codes)
}

func (a *app) saveRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	err := a.apps.ConfirmRecoveryCodes(r.Context(), a.current(r).ID, formOf(r).Get("first"))
	if errors.Is(err, strategy.ErrUnauthenticated) {
		text := "Those codes are not valid: an hour has passed, or you made others in another window."
		return done(w, r, nil, "/account/recovery", text)
	}
	return a.changed(w, r, err == nil, err, totp.FactorRecovery, "Your recovery codes are saved.")
}
