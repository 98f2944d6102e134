package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// secondPage asks for the second factor of a pending log-in.
func (a *app) secondPage(w http.ResponseWriter, r *http.Request) error {
	u, err := a.auth.StepUpUser(r)
	if errors.Is(err, strategy.ErrUnauthenticated) || err == nil && a.current(r) != nil {
		to := cmp.Or(page{Request: r}.ReturnTo(), "/login")
		return done(w, r, nil, to, "") // there is no pending log-in, or it is complete
	}
	return a.show(w, r, err, "second", form{}, u)
}

const wrongCode = "This code is not right, or was used before. Take the one that is shown now."

func (a *app) secondFailed(w http.ResponseWriter, r *http.Request, err error) error {
	u, missing := a.auth.StepUpUser(r)
	if missing != nil {
		return missing
	}
	if a.current(r) != nil { // the first of two clicks has sent the code
		return done(w, r, nil, cmp.Or(page{Request: r}.ReturnTo(), "/account"), "")
	}
	return a.show(w, r, nil, "second", formOf(r).refusedBy(err, "code", wrongCode), u)
}

// removal describes how the removal of a way to log in is answered.
type removal struct{ factor, mail, to, text string }

// removed answers a removal. Each way to log in may go, since a link by mail remains. The owner is told by
// mail, but not at the second of two clicks, when was is false. Log-ins with what was removed end elsewhere.
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
