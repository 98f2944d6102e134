//go:build integration

package journey_test

import "time"

// inCI is how long CI searches with the race detector. Every each-th race, and journey on SQLite, is run.
// TestEachMendIsMissed searches longer and runs them all, without the race detector.
const (
	inCI = 5 * time.Second
	each = 6
)
