package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// MemoryTokensConfig says how much a MemoryTokens holds.
type MemoryTokensConfig struct {
	// MaxTokens is how many tokens are held at most; zero means 1,000,000, about 250 MB
	// of short ones. When there would be more, Put returns ErrFull: forgetting one
	// would take away somebody's.
	MaxTokens int
}

const defaultMaxTokens = 1_000_000

// MemoryTokens is a strategy.Tokens in the memory of this process. It is safe for
// concurrent use, has no goroutine and needs no closing.
type MemoryTokens struct {
	max    int
	mu     sync.Mutex
	values expiring[string]
}

// NewMemoryTokens returns an empty keeper of tokens. The error names a MaxTokens below
// zero.
func NewMemoryTokens(cfg MemoryTokensConfig) (*MemoryTokens, error) {
	if cfg.MaxTokens < 0 {
		return nil, fmt.Errorf("store: MemoryTokensConfig.MaxTokens is %d: give the most tokens to hold, or 0 for %d", cfg.MaxTokens, defaultMaxTokens)
	}
	return &MemoryTokens{max: cmp.Or(cfg.MaxTokens, defaultMaxTokens), values: newExpiring[string]()}, nil
}

// Put keeps v under key for ttl, as [RedisTokens.Put] does. It returns ErrFull when MaxTokens are alive.
func (t *MemoryTokens) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	if err := checkTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: put token: %w", err)
	}
	key, value := digest(key), string(v)
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
	key = digest(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.values.get(key, time.Now())
	if e == nil {
		return nil, false, nil
	}
	t.values.remove(key)
	return []byte(e.value), true, nil
}
