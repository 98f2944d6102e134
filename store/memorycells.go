package store

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// MemoryCells is a strategy.Cells in the memory of this process. It is safe for
// concurrent use, has no goroutine and needs no closing.
type MemoryCells struct {
	max    int
	mu     sync.Mutex
	values expiring[string]
}

// Load returns what is kept under key, as [RedisCells.Load] does.
func (c *MemoryCells) Load(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("store: load cell: %w", err)
	}
	key = contract.Digest(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load(key, time.Now()), nil
}

func (c *MemoryCells) load(key string, now time.Time) []byte {
	if e := c.values.get(key, now); e != nil {
		return []byte(e.value)
	}
	return nil
}

// Swap compares and writes, as [RedisCells.Swap] does. It returns ErrFull when MemoryConfig.MaxValues
// are alive and it would add one.
func (c *MemoryCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error) {
	if err := contract.CheckSwap(ctx, new, ttl); err != nil {
		return nil, false, fmt.Errorf("store: swap cell: %w", err)
	}
	key, value := contract.Digest(key), string(new)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values.sweep(now, sweepLimit)
	found = c.load(key, now)
	switch {
	case (found == nil) != (old == nil) || string(found) != string(old):
		return found, false, nil
	case new == nil:
		c.values.remove(key)
		return nil, true, nil
	case found == nil && len(c.values.queue) >= c.max:
		if c.values.sweep(now, math.MaxInt); len(c.values.queue) >= c.max {
			return nil, false, ErrFull
		}
	}
	c.values.set(key, value, now.Add(ttl))
	return nil, true, nil
}

// Combines returns c: our strategies ask it for several steps at once, and one step at a time of a type that
// embeds it, whose methods may be others.
func (c *MemoryCells) Combines() any { return c }

// LoadAll returns what is kept under each of keys.
func (c *MemoryCells) LoadAll(ctx context.Context, keys []string) (values [][]byte, err error) {
	values = make([][]byte, len(keys))
	for i := 0; i < len(keys) && err == nil; i++ {
		values[i], err = c.Load(ctx, keys[i])
	}
	return values, err
}

// SwapAndLoad is Swap of key, and then LoadAll of others.
func (c *MemoryCells) SwapAndLoad(ctx context.Context, key string, old, new []byte, ttl time.Duration, others []string) (found []byte, swapped bool, values [][]byte, err error) {
	if found, swapped, err = c.Swap(ctx, key, old, new, ttl); err == nil {
		values, err = c.LoadAll(ctx, others)
	}
	return found, swapped, values, err
}
