package strategy

import (
	"errors"
	"net/http"
)

// Claimant is an ability of a Strategy: to tell, before anything is proved, whose credentials a request
// brings. Package throttle counts by it. A guard logs refusals of what it, [Shown] or Failure.Malformed
// says was shown.
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
