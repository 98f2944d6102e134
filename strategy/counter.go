package strategy

import (
	"context"
	"time"
)

// Counter has counters that expire, by key: what package throttle needs of a database. It
// is safe for concurrent use, also by several processes if they share it.
// throttle.MemoryCounter is one for a single process. Our strategies give each call two
// seconds at most. The rules are checked one by one by package strategytest.
type Counter interface {
	// Add adds n to the counter of key in one atomic step and returns its new value,
	// and the time until it is forgotten.
	//
	// A counter that is not there counts zero. The Add of a positive n that makes it
	// starts its window; later ones do not move it, and when it has passed the counter
	// is not there any more. A counter never falls below zero: what n would take
	// beyond is lost. An n of zero or less makes no counter; when there is none, the
	// value and the time are zero.
	//
	// A key is at most 128 bytes of printable ASCII without braces. window is at least
	// a millisecond. Any error is an outage.
	Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error)
}
