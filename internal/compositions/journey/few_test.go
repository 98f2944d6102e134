//go:build !integration

package journey_test

import "time"

// inCI is how long to search; 0 uses the number of journeys instead. Every each-th race, and journey on
// SQLite, is run.
const (
	inCI time.Duration = 0
	each               = 1
)
