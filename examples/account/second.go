package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

const wrongCode = "This code is not right, or was used before. Take the one that is shown now."

func (a *app) secondFailed(w http.ResponseWriter, r *http.Request, err error) error {
	return a.showSecond(w, r, formOf(r).refusedBy(err, "code", wrongCode))
}

// showSecond asks for the second factor of a pending log-in. If there is none, or the first of two clicks has
// completed it, the way leads on: to the log-in, or to where the user wanted to go.
func (a *app) showSecond(w http.ResponseWriter, r *http.Request, f form) error {
	u, err := a.auth.StepUpUser(r)
	if errors.Is(err, strategy.ErrUnauthenticated) || err == nil && a.current(r) != nil {
		return done(w, r, nil, cmp.Or(guard.ReturnTo(r), "/account"), "")
	}
	return a.show(w, r, err, "second", f, u)
}

// changed answers the change of a way to log in. Each way may be removed, since a link by mail remains. The
// owner is told by mail, but not at the second of two clicks, when was is false. Log-ins with what was there
// before end elsewhere, also at the second click: the first one may have failed after its change. The factors
// that were added count in this log-in.
func (a *app) changed(
	w http.ResponseWriter, r *http.Request, was bool, err error, factor, text string, added ...string,
) error {
	u, mail, to := a.current(r), "factor", "/account/security"
	if factor == "provider" {
		mail, to = "unlinked", "/account/linked"
	}
	if was {
		a.send(u.Email, mail, "")
	}
	if errors.Is(err, totp.ErrNotBegun) { // what waited may have been of another window
		text, err = "", nil
	}
	if err == nil {
		_, err = a.auth.EndFactor(r.Context(), u, factor)
	}
	if err == nil && was && added != nil && a.auth.AddFactors(r, u, added...) != nil {
		text = "" // the session has ended; what was added stays, and the next page asks for it
	}
	return done(w, r, err, to, text)
}
