//go:build integration

package journey_test

import "time"

// inCI is how long CI searches with the race detector, and each of how many races and journeys on SQLite that
// runs one. TestEachMendIsMissed searches longer, and runs them all, without it.
const (
	inCI = 5 * time.Second
	each = 6
)
