package main

import (
	"context"
	"errors"
	"html/template"
	"net/http"

	"rsc.io/qr"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// newAuthenticator makes a key for an authenticator app. It is not used until a code has shown that the app
// has it.
func (a *app) newAuthenticator(w http.ResponseWriter, r *http.Request) error {
	return done(w, r, a.apps.Begin(r.Context(), a.current(r).ID), "/account/authenticator", "")
}

// showAuthenticator shows the key until a code has confirmed it.
func (a *app) showAuthenticator(w http.ResponseWriter, r *http.Request, f form) error {
	u := a.current(r)
	address, key, err := a.apps.Begun(r.Context(), u.ID, u.Email)
	if errors.Is(err, totp.ErrNotBegun) { // the first of two clicks has confirmed it
		return done(w, r, nil, "/account/security", "")
	}
	code, err2 := qr.Encode(address, qr.M)
	return a.show(w, r, errors.Join(err, err2), "authenticator", f, map[string]any{
		"URL": template.URL(address), "Key": key, "QR": code, //nolint:gosec // this program has made it
	})
}

// confirmAuthenticator stores the new app if its code is right. The code counts as the second step of this
// log-in.
func (a *app) confirmAuthenticator(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	err := a.guesses.Attempt(r, u.ID, func(ctx context.Context) error {
		return a.apps.Confirm(ctx, u.ID, f.Get("code"))
	})
	if errors.Is(err, strategy.ErrUnauthenticated) {
		return a.showAuthenticator(w, r, f.refusedBy(err, "code", wrongCode))
	}
	return a.changed(w, r, err == nil, err, "totp", "Your app is set up.", "totp")
}

func (a *app) removeAuthenticator(w http.ResponseWriter, r *http.Request) error {
	was, err := a.apps.Remove(r.Context(), a.current(r).ID)
	return a.changed(w, r, was, err, "totp", "The app is removed.")
}
