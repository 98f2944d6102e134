//go:build integration

package journey_test

import "time"

// inCI is how long CI searches.
const inCI = 45 * time.Second
