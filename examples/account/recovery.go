package main

import (
	"net/http"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// shownCodes are the recovery codes that the page shows. They replace the former ones only when the user says
// that they are saved; then they are removed from the session.
const shownCodes session.Key[[]string] = "recoveryCodes"

func (a *app) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	codes, _ := totp.NewRecoveryCodes(10)
	return done(w, r, shownCodes.SetContext(r.Context(), codes), "/account/recovery", "")
}

func (a *app) recoveryPage(w http.ResponseWriter, r *http.Request) error {
	codes, _, err := shownCodes.GetContext(r.Context())
	return a.show(w, r, err, "recovery", form{}, codes)
}

func (a *app) saveRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	u, text := a.current(r), "Your recovery codes are saved."
	codes, shown, err := shownCodes.GetContext(r.Context())
	if err != nil || !shown { // the first of two clicks has saved them
		return done(w, r, err, "/account/security", text)
	}
	if formOf(r).Get("first") != codes[0] {
		text = "You made new codes in another window. Save those that are shown here."
		return done(w, r, nil, "/account/recovery", text)
	}
	err = a.apps.ReplaceRecoveryCodes(r.Context(), u.ID, codes)
	if err == nil { // whoever has logged in with a former code
		_, err = a.auth.EndFactor(r.Context(), u, totp.FactorRecovery)
	}
	if err == nil { // not before: after an outage the user can try again
		_, _, err = shownCodes.PopContext(r.Context())
	}
	if err == nil {
		a.send(u.Email, "factor", "")
	}
	return done(w, r, err, "/account/security", text)
}
