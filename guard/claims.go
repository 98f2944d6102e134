package guard

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// failureOf describes the refusal of r by s.
func failureOf[U any](s strategy.Strategy[U], r *http.Request, err error) Failure {
	f := Failure{Strategy: s.Name(), Err: err}
	shown, outage := true, error(nil)
	claimant, claims := strategy.Ability[strategy.Claimant](s)
	if claims {
		f.account, shown, outage = claimant.Claims(r)
	}
	says, ok := errors.AsType[*strategy.Failure](err)
	switch {
	case ok && says.Status != 0, outage != nil: // it says more than how to log in, or nobody knows
	case claims:
		f.blank = !shown
	default:
		f.blank = ok && says.Reason == ""
	}
	return f
}
