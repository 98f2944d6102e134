package throttle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// MemoryCounter is a [strategy.Counter] in the memory of this process. The zero value
// can be used; it must not be copied after first use. It starts no goroutine.
type MemoryCounter struct {
	// Max is the largest number of counters; zero means 100,000, some 15 MB. Beyond
	// that, a counter with a low count is dropped.
	Max int

	mu       sync.Mutex
	counters map[string]memoryCount
	swept    time.Time
}

type memoryCount struct {
	count int64
	until time.Time
}

var _ strategy.Counter = (*MemoryCounter)(nil)

// Add implements [strategy.Counter]. It returns an error only if ctx has ended.
func (m *MemoryCounter) Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, fmt.Errorf("throttle: memory counter: %w", err)
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.counters[key]
	if ok && !now.Before(c.until) {
		delete(m.counters, key)
		c, ok = memoryCount{}, false
	}
	if !ok {
		if n <= 0 {
			return 0, 0, nil
		}
		m.makeRoom(now)
		c.until = now.Add(window)
	}
	c.count = max(0, c.count+n)
	m.counters[key] = c
	return c.count, c.until.Sub(now), nil
}

// check returns the mistakes in m's fields. [New] calls it.
func (m *MemoryCounter) check() error {
	if m.Max < 0 {
		return fmt.Errorf("throttle: memory counter: Max is %d: give the most counters to hold, or 0 for 100,000", m.Max)
	}
	return nil
}

// Len returns the number of counters in memory, also of those whose window has
// passed.
func (m *MemoryCounter) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.counters)
}

// makeRoom keeps the map below its limit: at most once a minute by dropping all counters whose window has
// passed, and otherwise by dropping the lowest of a few random ones. To have a high counter dropped, an
// attacker would need very many others that are as high.
func (m *MemoryCounter) makeRoom(now time.Time) {
	limit := m.Max
	if limit <= 0 { // a mistake that New reports
		limit = 100_000
	}
	if m.counters == nil {
		m.counters = make(map[string]memoryCount)
	}
	if len(m.counters) < limit {
		return
	}
	if now.Sub(m.swept) >= time.Minute {
		m.swept = now
		for key, c := range m.counters {
			if !now.Before(c.until) {
				delete(m.counters, key)
			}
		}
	}
	for len(m.counters) >= limit {
		const sample = 16
		var lowest string
		var count int64
		seen := 0
		for key, c := range m.counters {
			if seen == 0 || c.count < count {
				lowest, count = key, c.count
			}
			if seen++; seen == sample {
				break
			}
		}
		delete(m.counters, lowest)
	}
}
