package strategy

import (
	"errors"
	"net/http"
)

// Claimant is an ability of a Strategy: to tell, before anything is proved, whose credentials a request
// brings. Package throttle counts by it. Where a guard cannot tell by it, [Shown] or a [Failure] whether the
// strategy was shown anything, a log-in that waits for a factor decides the answer.
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
