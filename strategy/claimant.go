package strategy

import (
	"errors"
	"net/http"
)

// Claimant is an ability of a Strategy: to tell for which account a request brings credentials, before
// they are checked. Package throttle counts by account. A guard logs refusals only of requests that
// brought credentials, as Claimant, [CallbackRefusal] or Failure.Malformed say.
type Claimant interface {
	// Claims returns the login name that r brings, in the spelling that the strategy looks up; empty for none.
	// The bool is false when r brings no credentials that Authenticate would look at. r can be read afterwards
	// as before. Any error is an outage.
	Claims(r *http.Request) (account string, ok bool, err error)
}

// outage returns err unless it is a refusal.
func outage(err error) error {
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	return err
}
