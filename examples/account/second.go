package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// secondPage asks for the second factor of a log-in that waits for it.
func (a *app) secondPage(w http.ResponseWriter, r *http.Request) error {
	u, err := a.auth.StepUpUser(r)
	if errors.Is(err, strategy.ErrUnauthenticated) || err == nil && a.current(r) != nil {
		return onTo(w, r, nil, "/login") // nobody waits, or nothing is missing
	}
	return a.showOr(w, r, err, "second", form{}, u)
}

const wrongCode = "This code is not right, or was used before. Take the one that is shown now."

func (a *app) secondFailed(w http.ResponseWriter, r *http.Request, err error) error {
	u, missing := a.auth.StepUpUser(r)
	if missing != nil {
		return missing
	}
	if a.current(r) != nil { // the first of two clicks was right
		return onTo(w, r, nil, cmp.Or(page{Request: r}.ReturnTo(), "/account"))
	}
	return a.show(w, r, "second", formOf(r).refusedBy(err, "code", wrongCode), u)
}

// removal is a way to log in that its owner gives up.
type removal struct{ factor, mail, to, text string }

// removed answers the removal of a factor. was says that it was there: it is not at the second of two clicks.
// The owner gets a mail, and whoever used the factor elsewhere is logged out.
func (a *app) removed(w http.ResponseWriter, r *http.Request, was bool, err error, x removal) error {
	u := a.current(r)
	if was {
		a.send(u.Email, x.mail, "")
	}
	if err == nil {
		_, err = a.auth.EndFactor(r.Context(), u, x.factor)
	}
	return done(w, r, err, x.to, x.text)
}
