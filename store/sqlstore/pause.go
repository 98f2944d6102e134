package sqlstore

import (
	"context"
	"math/rand/v2"
	"time"
)

// pause waits for a random time between d/2 and 3d/2, or until ctx ends. It is random so that two processes
// that collided do not collide again.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
