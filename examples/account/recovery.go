package main

import (
	"net/http"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// shownCodes are recovery codes that are on the screen. They take the place of the former ones when their
// owner has saved them, not before, and are forgotten here then.
const shownCodes session.Key[[]string] = "recoveryCodes"

func (a *app) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	codes, _ := totp.NewRecoveryCodes(10)
	return onTo(w, r, keep(a, r, shownCodes, codes), "/account/recovery")
}

func (a *app) recoveryPage(w http.ResponseWriter, r *http.Request) error {
	codes, _, err := kept(r.Context(), a, shownCodes)
	if err != nil {
		return err
	}
	return a.show(w, r, "recovery", form{}, codes)
}

func (a *app) saveRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	codes, shown, err := kept(r.Context(), a, shownCodes)
	if shown && formOf(r).Get("first") != codes[0] {
		return a.done(w, r, nil, "/account/recovery", "You made new codes in another window. Save those that are shown here.")
	}
	if err == nil && shown { // otherwise they were saved by the first of two clicks
		err = a.users.inTx(r.Context(), func(exec func(string, ...any) (int64, error)) error {
			_, err := exec(`DELETE FROM recovery_codes WHERE user_id = $1`, a.current(r).ID)
			for _, code := range codes {
				if hash, ok := totp.HashRecoveryCode(code); ok && err == nil {
					_, err = exec(`INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING`, a.current(r).ID, hash)
				}
			}
			return err
		})
		if err == nil { // not before: who tries again after an outage still has them
			_, _, err = take(r.Context(), a, shownCodes)
		}
		if err == nil {
			a.send(a.current(r).Email, "factor", "")
		}
	}
	return a.done(w, r, err, "/account/security", "Your recovery codes are saved.")
}
