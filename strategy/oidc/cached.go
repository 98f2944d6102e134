package oidc

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// cached is a value that is loaded when it is needed and kept while it is fresh.
// However many callers need it, one load is under way at a time; it has its own
// time limit and does not end with the caller that started it. When a load fails, a
// value that is there already goes on being used.
type cached[T any] struct {
	load    func(context.Context) (T, error)
	timeout time.Duration
	maxAge  time.Duration // how long a value is fresh
	gap     time.Duration // between a failed load and the next, while there is no value

	mu     sync.Mutex
	value  T
	have   bool
	loaded time.Time // when value was
	tried  time.Time // when the last load ended
	err    error     // how it ended
	flight chan struct{}
}

// staleGap is the time between a failed load and the next while an older value serves:
// long, since a request waits for each.
const staleGap = time.Minute

// get returns the value, fresh if it can be had. The error is that of the last load.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	now, gap := time.Now(), c.gap
	if c.have {
		gap = staleGap
	}
	if c.have && now.Sub(c.loaded) < c.maxAge || c.err != nil && now.Sub(c.tried) < gap {
		defer c.mu.Unlock()
		return c.last()
	}
	if err := c.join(ctx); err != nil {
		var none T
		return none, err
	}
	defer c.mu.Unlock()
	return c.last()
}

// refresh loads the value anew, unless a load ended less than gap ago. Unlike get, it
// returns the error of a failed load though there is an older value.
func (c *cached[T]) refresh(ctx context.Context, gap time.Duration) (T, error) {
	c.mu.Lock()
	if c.tried.IsZero() || time.Since(c.tried) >= gap {
		if err := c.join(ctx); err != nil {
			var none T
			return none, err
		}
	}
	defer c.mu.Unlock()
	return c.value, c.err
}

// last returns the value as it is, or the error for which there is none.
func (c *cached[T]) last() (T, error) {
	if c.have {
		return c.value, nil
	}
	return c.value, c.err
}

// join waits for the load under way, or starts one. It is called with the lock held
// and, unless it returns an error, returns with it held.
func (c *cached[T]) join(ctx context.Context) error {
	if c.flight == nil {
		c.flight = make(chan struct{})
		go c.fly(context.WithoutCancel(ctx))
	}
	flight := c.flight
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return fmt.Errorf("the provider does not answer: %w", ctx.Err())
	case <-flight:
		c.mu.Lock()
		return nil
	}
}

func (c *cached[T]) fly(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	value, err := c.load(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried, c.err = time.Now(), err
	if err == nil {
		c.value, c.have, c.loaded = value, true, c.tried
	}
	close(c.flight)
	c.flight = nil
}
