package protocol

import (
	"context"
	"math/rand/v2"
	"time"
)

// How a commit meets trouble: an outage is tried again a few times, a conflict until
// the commit's deadline. Waiting is random, so that rivals part.
const (
	outageTries = 3
	outagePause = 8 * time.Millisecond
	rivalPause  = time.Millisecond
	maxPause    = 64 * time.Millisecond
)

// pause waits before try number n (from 1), up to 2^n times unit. It returns ctx's
// error when that ends first.
func pause(ctx context.Context, unit time.Duration, n int) error {
	longest := min(unit<<min(n, 10), maxPause)
	return sleep(ctx, time.Duration(rand.Int64N(int64(longest)))+1) //nolint:gosec // jitter is no secret
}

// sleep waits for d. The error is ctx's.
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

// yield waits after the conflict number n (from 1) of a commit. The first one costs no
// time. The error is ctx's.
func yield(ctx context.Context, n int) error {
	if n < 2 {
		return ctx.Err()
	}
	return pause(ctx, rivalPause, n)
}
