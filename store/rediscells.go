package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

var (
	// loadScript: KEYS cell. A script, for the reason of readScript, where a plain GET might not be answered
	// by the master.
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
	fresh  bool // as RedisStore.fresh
}

func (c *RedisCells) place(key string) string { return c.prefix + contract.Digest(key) }

// Load returns the value of key, nil if there is none or it has expired. It reads the
// primary. Any error is an outage.
func (c *RedisCells) Load(ctx context.Context, key string) ([]byte, error) {
	if c.fresh {
		return valueOf(c.redis.exec(ctx, mayResend, "", []any{"get", c.place(key)}))
	}
	cmd, err := c.redis.run(ctx, mayResend, loadScript, []string{c.place(key)})
	if err != nil {
		return nil, outage("load cell", err)
	}
	return loaded(cmd)
}

// valueOf returns the value that a GET has found, nil if there is none. err is the error of the GET.
func valueOf(get command, err error) ([]byte, error) {
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, outage("load cell", err)
	}
	text, err := get.Text()
	if err != nil {
		return nil, outage("load cell", errBadReply)
	}
	return []byte(text), nil
}

// loaded returns the value that loadScript has found.
func loaded(cmd *redis.Cmd) ([]byte, error) {
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

// Combines returns c: our strategies ask it for several steps at once, and one step at a time of a type that
// embeds it, whose methods may be others.
func (c *RedisCells) Combines() any { return c }

// LoadAll returns the values of keys, nil for one that has none. It reads the primary, all of
// them in one pipeline. Any error is an outage.
func (c *RedisCells) LoadAll(ctx context.Context, keys []string) ([][]byte, error) {
	if err := ctxError(ctx, "load cell"); err != nil {
		return nil, err
	}
	if c.fresh {
		gets := c.gets(ctx, keys)
		if err := c.redis.execAll(ctx, mayResend, gets); err != nil {
			return nil, outage("load cell", err)
		}
		return valuesOf(gets)
	}
	calls := make([]scriptCall, len(keys))
	for i, key := range keys {
		calls[i].keys = []string{c.place(key)}
	}
	cmds, err := c.redis.runAll(ctx, loadScript, calls)
	if err != nil {
		return nil, outage("load cell", err)
	}
	values := make([][]byte, len(keys))
	for i, cmd := range cmds {
		if values[i], err = loaded(cmd); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// gets returns a GET for each of keys.
func (c *RedisCells) gets(ctx context.Context, keys []string) []command {
	gets := make([]command, len(keys))
	for i, key := range keys {
		gets[i] = redis.NewCmd(ctx, "get", c.place(key))
	}
	return gets
}

func valuesOf(gets []command) (values [][]byte, err error) {
	values = make([][]byte, len(gets))
	for i := 0; i < len(gets) && err == nil; i++ {
		values[i], err = valueOf(gets[i], gets[i].Err())
	}
	return values, err
}

// SwapAndLoad is [RedisCells.Swap] of key and [RedisCells.LoadAll] of others, in one pipeline, or in two
// trips where replicas confirm the swap or where a plain GET might not be answered by the primary.
func (c *RedisCells) SwapAndLoad(ctx context.Context, key string, old, new []byte, ttl time.Duration, others []string) (found []byte, swapped bool, values [][]byte, err error) {
	if !c.fresh || c.redis.replicas > 0 {
		if found, swapped, err = c.Swap(ctx, key, old, new, ttl); err == nil {
			values, err = c.LoadAll(ctx, others)
		}
		return found, swapped, values, err
	}
	if err := contract.CheckSwap(ctx, new, ttl); err != nil {
		return nil, false, nil, fmt.Errorf("store: swap cell: %w", err)
	}
	call := c.swap(key, old, new, ttl)
	swap := redis.NewCmd(ctx, swapScript.command("evalsha", swapScript.hash, call)...)
	gets := c.gets(ctx, others)
	if err = c.redis.execAll(ctx, sendOnce, append([]command{once{swap}}, gets...)); err != nil {
		return nil, false, nil, outage("swap cell", err)
	}
	if values, err = valuesOf(gets); err != nil {
		return nil, false, nil, err
	}
	if err = swap.Err(); err != nil && noScript(err) {
		found, swapped, err = c.Swap(ctx, key, old, new, ttl) // it was not executed
	} else {
		found, swapped, err = swapResult(swap, err)
	}
	return found, swapped, values, err
}

// Swap replaces the value of key by new for ttl, if it is exactly old. A nil old means
// that there is no value, a nil new removes it. Otherwise it returns false and the present
// value. A ttl under a millisecond is an error, any other error is an outage. It is one
// script, sent once: after an error it may have been executed.
func (c *RedisCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) (found []byte, swapped bool, err error) {
	if err := contract.CheckSwap(ctx, new, ttl); err != nil {
		return nil, false, fmt.Errorf("store: swap cell: %w", err)
	}
	call := c.swap(key, old, new, ttl)
	return swapResult(c.redis.run(ctx, sendOnce, swapScript, call.keys, call.args...))
}

func (c *RedisCells) swap(key string, old, new []byte, ttl time.Duration) scriptCall {
	return scriptCall{[]string{c.place(key)}, []any{string(old), string(new), ttl.Milliseconds()}}
}

// swapResult reads the reply of swapScript. err is the error of the command.
func swapResult(cmd *redis.Cmd, err error) (found []byte, swapped bool, _ error) {
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
