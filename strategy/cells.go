package strategy

import (
	"context"
	"time"
)

// Cells keeps small values that many may change at once, each by comparing first: what
// packages remember and totp ask of a database. It is safe for concurrent use, also by
// several processes if they share it. Keys reveal no secret. Our strategies give each call
// two seconds at most. The rules are checked one by one by package strategytest.
type Cells interface {
	// Load returns what is kept under key, or nil when there is nothing, or its time has
	// come. It asks the primary, never a replica or a cache. Any error is an outage.
	Load(ctx context.Context, key string) ([]byte, error)

	// Swap keeps new under key for ttl, if what is there is exactly old; an old of nil
	// says that nothing is, a new of nil removes. It does both in one atomic step, and
	// neither keeps nor changes the slices. Values are not empty; ttl is at least a
	// millisecond and of no meaning when new is nil.
	//
	// When something else is there, it changes nothing and returns false and what it
	// found, nil for nothing. Any error is an outage, after which the swap may have
	// happened.
	Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error)
}
