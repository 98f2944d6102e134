package guard

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// failureOf describes the refusal of r by s. Whether the request had credentials for the strategy is known
// from Claims, Failure.Malformed or a CallbackRefusal. For a strategy without Claims, missing and wrong
// credentials look alike: a status counts as wrong ones, a challenge alone does not.
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
