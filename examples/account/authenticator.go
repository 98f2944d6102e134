package main

import (
	"context"
	"encoding/base32"
	"errors"
	"html/template"
	"log/slog"
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

func (a *app) authenticatorPage(w http.ResponseWriter, r *http.Request) error {
	return a.showAuthenticator(w, r, form{})
}

func (a *app) showAuthenticator(w http.ResponseWriter, r *http.Request, f form) error {
	u := a.current(r)
	key, err := a.apps.Begun(r.Context(), u.ID)
	if errors.Is(err, totp.ErrNotBegun) { // the first of two clicks has confirmed it
		return done(w, r, nil, "/account/security", "")
	}
	if err != nil {
		return err
	}
	address := a.codes.URL(u.Email, key)
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return err
	}
	return a.show(w, r, nil, "authenticator", f, map[string]any{
		"URL":   template.URL(address), //nolint:gosec // this program has made it
		"Key":   base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key),
		"QR":    code,
		"Width": code.Size + 8, // with the margin that scanners need
	})
}

// confirmAuthenticator stores the new app if its code is right. The code counts as the second step of this
// log-in. Log-ins with the former app elsewhere end.
func (a *app) confirmAuthenticator(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	err := a.guesses.Attempt(r, u.ID, func(ctx context.Context) error {
		return a.apps.Confirm(ctx, u.ID, f.Get("code"))
	})
	if errors.Is(err, strategy.ErrUnauthenticated) {
		return a.showAuthenticator(w, r, f.refusedBy(err, "code", wrongCode))
	}
	again := errors.Is(err, totp.ErrNotBegun) // the first of two clicks may have failed after Confirm
	if err != nil && !again {
		return err
	}
	if !again {
		a.send(u.Email, "factor", "")
	}
	if _, err = a.auth.EndFactor(r.Context(), u, "totp"); err != nil || again {
		return done(w, r, err, "/account/security", "")
	}
	text := "Your app is set up."
	if u.RecoveryCodes == 0 {
		text += " Now make recovery codes, for the day when you lose it."
	}
	if err = a.auth.AddFactors(r, u, "totp"); err != nil { // the app is stored: the next page asks for a code
		slog.WarnContext(r.Context(), "an app that was set up does not count yet", "error", err)
		return done(w, r, nil, "/account/security", "")
	}
	return done(w, r, nil, "/account/security", text)
}

func (a *app) removeAuthenticator(w http.ResponseWriter, r *http.Request) error {
	was, err := a.apps.Remove(r.Context(), a.current(r).ID)
	return a.removed(w, r, was, err, removal{"totp", "factor", "/account/security", "The app is removed."})
}
