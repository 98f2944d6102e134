package strategy

import (
	"errors"
	"net/http"
)

// Claimant is an ability of a Strategy: to tell, before anything is proved, whose credentials a request
// brings. Package throttle counts by it. By it, [Shown] and Failure.Status a guard knows whether there were
// any; a log-in that waits for a factor takes precedence over one that it does not know.
type Claimant interface {
	// Claims returns the login name that r brings, in the spelling that the strategy looks up, and empty when
	// its kind of credential has none. The bool is false when r brings no credentials that Authenticate would
	// look at; then there is nothing to guess. r can be read afterwards as before. Any error is an outage.
	Claims(r *http.Request) (account string, ok bool, err error)
}

// outage returns err unless it is a refusal.
func outage(err error) error {
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	return err
}
