package store

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// countScript: KEYS counter; ARGV n window-in-ms. Answers {count, ms left}.
var countScript = newScript(`if redis.call('EXISTS',KEYS[1])==0 and tonumber(ARGV[1])<=0 then return {0,0} end
local c=redis.call('INCRBY',KEYS[1],ARGV[1])
if c<0 then c=redis.call('INCRBY',KEYS[1],-c) end
local left=redis.call('PTTL',KEYS[1])
if left<0 then redis.call('PEXPIRE',KEYS[1],ARGV[2]) left=tonumber(ARGV[2]) end
return {c,left}`)

// RedisCounter counts within windows of time, in Redis: a strategy.Counter that several
// processes share. It is safe for concurrent use.
type RedisCounter struct {
	redis  *sender
	prefix string
}

// Add adds n to the count of key, and returns the sum and the time until it expires.
// The first Add of a positive n begins a window, after which the count is gone; later
// ones do not extend it. n = 0 only reads. A negative n subtracts, down to zero. A
// window under a millisecond is an error, any other error is an outage. It is one
// script, sent once: after an error it may have been counted.
func (c *RedisCounter) Add(ctx context.Context, key string, n int64, window time.Duration) (count int64, reset time.Duration, err error) {
	if err := contract.CheckTTL(ctx, window); err != nil {
		return 0, 0, fmt.Errorf("store: count: %w", err)
	}
	cmd, err := c.redis.run(ctx, sendOnce, countScript, []string{c.prefix + contract.Digest(key)}, n, window.Milliseconds())
	if err != nil {
		return 0, 0, outage("count", err)
	}
	answer, err := cmd.Int64Slice()
	if err != nil || len(answer) != 2 {
		return 0, 0, outage("count", errBadReply)
	}
	return answer[0], time.Duration(max(answer[1], 0)) * time.Millisecond, nil
}
