package store

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

var (
	// loadScript: KEYS cell. A script, for the reason of readScript.
	loadScript = newReadScript(`return {redis.call('GET',KEYS[1])}`)

	// swapScript: KEYS cell; ARGV old|'' new|'' ms. Answers {0} done, {1,bytes} other
	// bytes are there, {2} nothing is. Values are never empty.
	swapScript = newScript(`local v=redis.call('GET',KEYS[1])
if (v or '')~=ARGV[1] then if v then return {1,v} end return {2} end
if ARGV[2]=='' then redis.call('DEL',KEYS[1]) else redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end
return {0}`)
)

// RedisCells keeps small values that are changed by compare-and-swap, in Redis: a
// strategy.Cells that several processes share. It is safe for concurrent use.
type RedisCells struct {
	redis  *sender
	prefix string
}

// Load returns the value of key, nil if there is none or it has expired. It reads the
// primary. Any error is an outage.
func (c *RedisCells) Load(ctx context.Context, key string) ([]byte, error) {
	cmd, err := c.redis.run(ctx, mayResend, loadScript, []string{c.prefix + contract.Digest(key)})
	if err != nil {
		return nil, outage("load cell", err)
	}
	answer, err := cmd.Slice()
	if err != nil {
		return nil, outage("load cell", err)
	}
	if len(answer) == 0 { // a script's list that begins with false can arrive empty
		return nil, nil
	}
	text, ok := answer[0].(string)
	if !ok {
		return nil, nil
	}
	return []byte(text), nil
}

// Swap replaces the value of key by new for ttl, if it is exactly old. A nil old means
// that there is no value, a nil new removes it. Otherwise it returns false and the present
// value. A ttl under a millisecond is an error, any other error is an outage. It is one
// script, sent once: after an error it may have been executed.
func (c *RedisCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error) {
	if err := contract.CheckSwap(ctx, new, ttl); err != nil {
		return nil, false, fmt.Errorf("store: swap cell: %w", err)
	}
	cmd, err := c.redis.run(ctx, sendOnce, swapScript, []string{c.prefix + contract.Digest(key)}, string(old), string(new), ttl.Milliseconds())
	if err != nil {
		return nil, false, outage("swap cell", err)
	}
	answer, err := cmd.Slice()
	if err != nil || len(answer) == 0 {
		return nil, false, outage("swap cell", errBadReply)
	}
	switch answer[0] {
	case int64(answerDone):
		return nil, true, nil
	case int64(answerAbsent):
		return nil, false, nil
	case int64(answerConflict):
		if text, ok := answer[len(answer)-1].(string); ok {
			return []byte(text), false, nil
		}
	}
	return nil, false, outage("swap cell", errBadReply)
}
