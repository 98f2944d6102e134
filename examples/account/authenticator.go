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
	id := a.current(r).ID
	sealed := a.vault.Seal(id, a.codes.NewKey())
	_, err := a.users.exec(r.Context(), `UPDATE users SET authenticator_new = $1 WHERE id = $2`, sealed, id)
	return onTo(w, r, err, "/account/authenticator")
}

func (a *app) authenticatorPage(w http.ResponseWriter, r *http.Request) error {
	return a.showAuthenticator(w, r, form{})
}

func (a *app) showAuthenticator(w http.ResponseWriter, r *http.Request, f form) error {
	u := a.current(r)
	if u.NewAuthenticator == "" { // the first of two clicks has confirmed it
		return onTo(w, r, nil, "/account/security")
	}
	key, err := a.vault.Open(u.ID, u.NewAuthenticator)
	if err != nil {
		return err
	}
	address := a.codes.URL(u.Email, key)
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return err
	}
	return a.show(w, r, "authenticator", f, map[string]any{
		"URL":   template.URL(address), //nolint:gosec // this program has made it
		"Key":   base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key),
		"QR":    code,
		"Width": code.Size + 8, // with the margin that scanners need
	})
}

// enrolled finds the key of a user whose log-in may still need a code.
func (a *app) enrolled(r *http.Request) (e totp.Enrolled[*User], err error) {
	if e.User, err = a.auth.StepUpUser(r); err != nil {
		return e, err
	}
	e.Account = e.User.ID
	if e.User.Authenticator != "" { // without an app, a recovery code may still be valid
		e.Key, err = a.vault.Open(e.User.ID, e.User.Authenticator)
	}
	return e, err
}

// confirmAuthenticator stores the new app if its code is right, unless a newer one has been made since. The
// code counts as the second step of this log-in. Log-ins with the former app elsewhere end.
func (a *app) confirmAuthenticator(w http.ResponseWriter, r *http.Request) error {
	f, u := formOf(r), a.current(r)
	if u.NewAuthenticator == "" { // the first of two clicks has confirmed it, and may have failed after that
		_, err := a.auth.EndFactor(r.Context(), u, "totp")
		return onTo(w, r, err, "/account/security")
	}
	key, err := a.vault.Open(u.ID, u.NewAuthenticator)
	if err == nil {
		err = a.guesses.Attempt(r, u.ID, func(ctx context.Context) error {
			return a.codes.Verify(ctx, u.ID, key, f.Get("code"))
		})
	}
	if errors.Is(err, strategy.ErrUnauthenticated) {
		return a.showAuthenticator(w, r, f.refusedBy(err, "code", wrongCode))
	}
	if err != nil {
		return err
	}
	n, err := a.users.exec(r.Context(), `UPDATE users SET authenticator = authenticator_new,
		authenticator_new = '', app_since = $3 WHERE id = $1 AND authenticator_new = $2`,
		u.ID, u.NewAuthenticator, now())
	if err != nil || n == 0 {
		text := "You began anew in another window. Use the code that is shown here."
		return done(w, r, err, "/account/authenticator", text)
	}
	a.send(u.Email, "factor", "")
	if _, err = a.auth.EndFactor(r.Context(), u, "totp"); err != nil {
		return err
	}
	text := "Your app is set up."
	if u.RecoveryCodes == 0 {
		text += " Now make recovery codes, for the day when you lose it."
	}
	if err = a.auth.AddFactors(r, u, "totp"); err != nil { // the app is stored: the next page asks for a code
		slog.WarnContext(r.Context(), "an app that was set up does not count yet", "error", err)
		return onTo(w, r, nil, "/account/security")
	}
	return done(w, r, nil, "/account/security", text)
}

func (a *app) removeAuthenticator(w http.ResponseWriter, r *http.Request) error {
	return a.remove(w, r, removal{"totp", "factor", "/account/security", "The app is removed."},
		`UPDATE users SET authenticator = '' WHERE id = $1 AND authenticator <> ''`)
}
