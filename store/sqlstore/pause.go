package sqlstore

import (
	"context"
	"math/rand/v2"
	"time"
)

// pause waits for half of d to one and a half of it, or until ctx ends: who met once is not to meet again.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
