package guard

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// failureOf describes the refusal of r by s. What a strategy was shown it says by Claims, by
// Failure.Malformed or by CallbackRefusal. Of one that has no Claims "not mine" and "wrong" look alike, but a
// status says more than how to log in, and a challenge alone does not.
func failureOf[U any](s strategy.Strategy[U], r *http.Request, err error) Failure {
	f := Failure{Strategy: s.Name(), Err: err}
	claimant, knows := strategy.Ability[strategy.Claimant](s)
	if knows {
		var outage error
		f.account, f.shown, outage = claimant.Claims(r)
		knows = outage == nil
	}
	_, shown := errors.AsType[*strategy.CallbackRefusal](err)
	_, explained := errors.AsType[*strategy.Failure](err)
	says := f.detail()
	f.shown = f.shown || shown || says.Malformed || !knows && says.Status != 0
	f.blank = !f.shown && (knows || explained && says.Reason == "")
	return f
}
