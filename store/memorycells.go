package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// MemoryCellsConfig says how much a MemoryCells holds.
type MemoryCellsConfig struct {
	// MaxCells is how many values are held at most; zero means 1,000,000. When there would
	// be more, Swap returns ErrFull: forgetting one could make a used code good again.
	MaxCells int
}

const defaultMaxCells = 1_000_000

// MemoryCells is a strategy.Cells in the memory of this process. It is safe for
// concurrent use, has no goroutine and needs no closing.
type MemoryCells struct {
	max    int
	mu     sync.Mutex
	values expiring[string]
}

// NewMemoryCells returns empty cells. The error names a MaxCells below zero.
func NewMemoryCells(cfg MemoryCellsConfig) (*MemoryCells, error) {
	if cfg.MaxCells < 0 {
		return nil, fmt.Errorf("store: MemoryCellsConfig.MaxCells is %d: give the most values to hold, or 0 for %d", cfg.MaxCells, defaultMaxCells)
	}
	return &MemoryCells{max: cmp.Or(cfg.MaxCells, defaultMaxCells), values: newExpiring[string]()}, nil
}

// Load returns what is kept under key, as [RedisCells.Load] does.
func (c *MemoryCells) Load(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("store: load cell: %w", err)
	}
	key = digest(key)
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

// Swap compares and writes, as [RedisCells.Swap] does. It returns ErrFull when MaxCells
// are alive and it would add one.
func (c *MemoryCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error) {
	if err := checkSwap(ctx, new, ttl); err != nil {
		return nil, false, err
	}
	key, value := digest(key), string(new)
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

// checkSwap returns what is wrong with the arguments of a Swap.
func checkSwap(ctx context.Context, new []byte, ttl time.Duration) error {
	err := ctx.Err()
	if new != nil {
		err = checkTTL(ctx, ttl)
	}
	if err != nil {
		return fmt.Errorf("store: swap cell: %w", err)
	}
	return nil
}
