// Package combined answers: can these Cells take several steps in one trip?
package combined

import (
	"context"
	"time"
)

// Cells is an ability of strategy.Cells, for a strategy that needs more than one cell. Those of package store
// have it. The rules are checked by package strategytest.
type Cells interface {
	// Combines returns the Cells themselves, a pointer. A type that embeds them has their Combines, and is
	// asked one step at a time: the methods that it replaces are called. One that replaces all methods here is
	// asked for several steps again.
	Combines() any

	// LoadAll is Load of each of keys, in their order.
	LoadAll(ctx context.Context, keys []string) (values [][]byte, err error)

	// SwapAndLoad is Swap of key, and Load of each of others, in their order and whether or not Swap finds
	// old. It need not be one atomic step: each value is one that was there during the call. After an error
	// the swap may have happened.
	SwapAndLoad(ctx context.Context, key string, old, new []byte, ttl time.Duration, others []string) (
		found []byte, swapped bool, values [][]byte, err error)
}

// Of returns the ability of c, a strategy.Cells, and nil if it has none.
func Of(c any) Cells {
	if joint, ok := c.(Cells); ok && joint.Combines() == c { // not if it only embeds one
		return joint
	}
	return nil
}
