package guard

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// failureOf describes the refusal of r by s.
func failureOf[U any](s strategy.Strategy[U], r *http.Request, err error) Failure {
	f := Failure{Strategy: s.Name(), Err: err}
	claimant, claims := strategy.Ability[strategy.Claimant](s)
	ok, outage := false, error(nil)
	if claims {
		f.account, ok, outage = claimant.Claims(r)
	}
	_, shown := errors.AsType[*strategy.Shown](err)
	_, explained := errors.AsType[*strategy.Failure](err)
	says := f.detail()
	switch known := claims && outage == nil; {
	case shown, says.Status != 0 && !(known && asksForCredentials(says.Status)): // it says more than how to log in
		f.shown = true
	case known: // malformed credentials are none to guess with, and were shown
		f.shown = ok || says.Reason != ""
		f.blank = !f.shown
	default: // "not mine" and "wrong" look alike, but for a challenge alone
		f.blank = explained && says.Reason == ""
	}
	return f
}

// asksForCredentials reports whether a request that brings no credentials may be answered with
// status: 400 for a body without the fields, and 405 where only a POST has a body.
func asksForCredentials(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusBadRequest || status == http.StatusMethodNotAllowed
}
