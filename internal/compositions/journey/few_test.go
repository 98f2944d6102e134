//go:build !integration

package journey_test

import "time"

// inCI is how long CI searches; 0 where there is nothing but Go.
const inCI time.Duration = 0
