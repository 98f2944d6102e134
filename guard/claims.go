package guard

import (
	"errors"
	"net/http"

	"github.com/seed-6f34412b/passport/strategy"
)

// failureOf describes the refusal of r by s.
func failureOf[U any](s strategy.Strategy[U], r *http.Request, err error) Failure {
	f := Failure{Strategy: s.Name(), Err: err}
	account, shown, outage := strategy.ClaimsOf(s, r)
	f.account = account
	says, ok := errors.AsType[*strategy.Failure](err)
	switch {
	case ok && says.Status != 0, outage != nil: // it says more than how to log in, or nobody knows
	case isClaimant(s):
		f.blank = !shown
	default:
		f.blank = ok && says.Reason == ""
	}
	return f
}

// isClaimant reports whether s, or what it decorates, can tell what a request claims.
func isClaimant[U any](s strategy.Strategy[U]) bool {
	for s != nil {
		if _, ok := s.(strategy.Claimant); ok {
			return true
		}
		inner, ok := s.(interface{ Unwrap() strategy.Strategy[U] })
		if !ok {
			return false
		}
		s = inner.Unwrap()
	}
	return false
}
