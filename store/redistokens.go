package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// RedisTokens keeps values that can be taken once, in Redis: a strategy.Tokens that
// several processes share. It is safe for concurrent use.
type RedisTokens struct {
	redis  *sender
	prefix string
}

// Put keeps v under key for ttl, in place of what was there. A ttl under a millisecond
// is an error, any other error is an outage. It is one SET, sent once: a second copy
// that arrives after Take would bring the token back.
func (t *RedisTokens) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: put token: %w", err)
	}
	place := t.prefix + contract.Digest(key)
	if _, err := t.redis.exec(ctx, sendOnce, place, []any{"set", place, string(v), "px", ttl.Milliseconds()}); err != nil {
		return outage("put token", err)
	}
	return nil
}

// Take returns and removes what was put under key; of several callers one gets it. It
// returns false when there is nothing. An error is an outage: the token may be gone.
// It is one GETDEL, sent once.
func (t *RedisTokens) Take(ctx context.Context, key string) ([]byte, bool, error) {
	place := t.prefix + contract.Digest(key)
	cmd, err := t.redis.exec(ctx, sendOnce, place, []any{"getdel", place})
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, outage("take token", err)
	}
	text, err := cmd.Text()
	if err != nil {
		return nil, false, outage("take token", errBadReply)
	}
	return []byte(text), true, nil
}
