package strategy

import (
	"context"
	"time"
)

// Tokens keeps small secrets that are used once: what package onetime asks of a database.
// It is safe for concurrent use, also by several processes if they share it. Callers pass
// keys from which the secret itself cannot be told, and give each call two seconds at most.
// Package strategytest checks the rules.
type Tokens interface {
	// Put keeps v under key, to be forgotten after ttl, which is at least a
	// millisecond. It replaces what is there. It neither keeps nor changes the slice.
	// Any error is an outage.
	Put(ctx context.Context, key string, v []byte, ttl time.Duration) error

	// Take returns what is kept under key and removes it, in one atomic step: of
	// several calls at once, one gets it. The bool is false when there is nothing, or
	// its time has come. Any error is an outage, after which the token may be gone.
	Take(ctx context.Context, key string) ([]byte, bool, error)
}
