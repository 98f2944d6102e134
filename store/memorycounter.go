package store

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// MemoryCounter is a strategy.Counter in the memory of this process. It is safe for
// concurrent use.
type MemoryCounter struct {
	max    int
	mu     sync.Mutex
	counts expiring[int64]
}

// Add counts, as [RedisCounter.Add] does. At the limit it drops a counter with a low
// count.
func (c *MemoryCounter) Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error) {
	if err := contract.CheckTTL(ctx, window); err != nil {
		return 0, 0, fmt.Errorf("store: count: %w", err)
	}
	key = contract.Digest(key)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.sweep(now, sweepLimit)
	if e := c.counts.get(key, now); e != nil {
		e.value = max(0, e.value+n)
		return e.value, time.Unix(0, e.end).Sub(now), nil
	}
	if n <= 0 {
		return 0, 0, nil
	}
	if len(c.counts.queue) >= c.max {
		c.makeRoom(now)
	}
	c.counts.set(key, n, now.Add(window))
	return n, window, nil
}

// makeRoom removes expired counters, or else the lowest of a few counters taken at random: to make a high
// counter disappear, an attacker has to make very many others as high.
func (c *MemoryCounter) makeRoom(now time.Time) {
	const few = 8
	if c.counts.sweep(now, math.MaxInt) > 0 {
		return
	}
	var lowest *entry[int64]
	looked := 0
	for _, e := range c.counts.entries { // in random order
		if lowest == nil || e.value < lowest.value {
			lowest = e
		}
		if looked++; looked == few {
			break
		}
	}
	if lowest != nil {
		c.counts.remove(lowest.key)
	}
}
