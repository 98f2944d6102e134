package store

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// MemoryTokens is a strategy.Tokens in the memory of this process. It is safe for
// concurrent use, has no goroutine and needs no closing.
type MemoryTokens struct {
	max    int
	mu     sync.Mutex
	values expiring[string]
}

// Put keeps v under key for ttl, as [RedisTokens.Put] does. It returns ErrFull when MemoryConfig.MaxValues
// are alive.
func (t *MemoryTokens) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: put token: %w", err)
	}
	key, value := contract.Digest(key), string(v)
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.values.sweep(now, sweepLimit)
	if len(t.values.queue) >= t.max {
		t.values.sweep(now, math.MaxInt)
	}
	if len(t.values.queue) >= t.max && t.values.get(key, now) == nil {
		return ErrFull
	}
	t.values.set(key, value, now.Add(ttl))
	return nil
}

// Take returns and removes what was put under key, as [RedisTokens.Take] does.
func (t *MemoryTokens) Take(ctx context.Context, key string) ([]byte, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("store: take token: %w", err)
	}
	key = contract.Digest(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.values.get(key, time.Now())
	if e == nil {
		return nil, false, nil
	}
	t.values.remove(key)
	return []byte(e.value), true, nil
}
