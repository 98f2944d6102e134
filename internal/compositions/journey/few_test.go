//go:build !integration

package journey_test

import "time"

// inCI is how long CI searches; 0 where there is nothing but Go. each is of how many races and journeys on
// SQLite one is run.
const (
	inCI time.Duration = 0
	each               = 1
)
