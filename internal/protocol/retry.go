package protocol

import (
	"context"
	"math/rand/v2"
	"time"
)

// How a commit retries: after an outage a few times, after a conflict until its deadline. The
// waits are random, so that commits in conflict separate.
const (
	outageTries = 3
	outagePause = 8 * time.Millisecond
	rivalPause  = time.Millisecond
	maxPause    = 64 * time.Millisecond
)

// pause waits before try number n (from 1), at most 2^n times unit. If ctx ends first, it returns
// its error.
func pause(ctx context.Context, unit time.Duration, n int) error {
	longest := min(unit<<min(n, 10), maxPause)
	return sleep(ctx, time.Duration(rand.Int64N(int64(longest)))+1) //nolint:gosec // jitter is no secret
}

// sleep waits for d. If ctx ends first, it returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// yield waits after conflict number n (from 1) of a commit. The first one does not wait. The error
// is ctx's.
func yield(ctx context.Context, n int) error {
	if n < 2 {
		return ctx.Err()
	}
	return pause(ctx, rivalPause, n)
}
