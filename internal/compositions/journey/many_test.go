//go:build integration

package journey_test

import "time"

// inCI is how long CI searches with the race detector. TestEachMendIsMissed searches longer without it.
const inCI = 10 * time.Second
