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
	says, explained := errors.AsType[*strategy.Failure](err)
	_, shown := errors.AsType[*strategy.Shown](err)
	switch {
	case shown, explained && says.Status != 0: // it says more than how to log in
		f.shown = true
	case claims && outage == nil:
		f.shown, f.blank = ok, !ok
	default: // "not mine" and "wrong" look alike, but for a challenge alone
		f.blank = explained && says.Reason == ""
	}
	return f
}
