package store

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis 7 hashes every byte of every string that enters a script, with updateScript three records' worth. The
// bytes of large records therefore stay outside: two SETs bring them, and what compares and stores them
// answers with numbers. For 64 KB that takes 43 us of Redis in place of 225, for 8 KB 17 in place of 34.
// The price is that replicas and the append-only file get the former record too, so small ones do without.

// largeFrom is the size of both records together from which they go this way.
const largeFrom = 16 << 10

// largeLife is how long a record waits for the script that comes right behind it.
const largeLife = time.Minute

// largeScript is updateScript for two records that are there already. Its last step is the only one that
// changes the record: after an error reply it is as it was.
//
// KEYS record old new [note]; ARGV ms. Answers as updateScript does, or 3 if old or new is not there.
var largeScript = newScript(`local r,o,n=KEYS[1],KEYS[2],KEYS[3]
if redis.call('EXISTS',o,n)<2 then return {3} end
local found=redis.call('EXISTS',r)==1 and not (KEYS[4] and redis.call('EXISTS',KEYS[4])==1)
local same=found and redis.call('STRLEN',r)==redis.call('STRLEN',o)
if same then redis.call('BITOP','XOR',o,o,r) same=redis.call('BITPOS',o,1)==-1 end
redis.call('DEL',o)
if same then redis.call('PEXPIRE',n,ARGV[1]) redis.call('RENAME',n,r) return {0} end
redis.call('DEL',n)
if not found then return {2} end
return {1,redis.call('GET',r)}`)

const answerApart = 3

// large says whether largeScript may be used. If not, updateScript does the same.
type large struct {
	likely  bool        // judging by the client; false if replicas must confirm each step
	from    int         // largeFrom; 0 in some tests
	refused atomic.Bool // the user lacks a right, the server a command, or a proxy spreads the keys
}

func (l *large) fits(old, new []byte) bool {
	return l.likely && len(old)+len(new) >= l.from && !l.refused.Load()
}

// updateLarge is Update for large records. The error matches errors.ErrUnsupported if the server has refused
// a command; the record is then as it was.
func (r *RedisStore) updateLarge(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	keys := r.keysOf(id)
	place := r.cfg.own("write:") + strings.TrimPrefix(r.note(keys[0]), r.notes) + ":" + rand.Text() // in the record's slot
	keys = append([]string{keys[0], place + ":old", place + ":new"}, keys[1:]...)
	life := largeLife.Milliseconds()
	value := func(b []byte) any { return string(b) }
	if r.main.returnsLast(ctx) {
		value = func(b []byte) any { return b } // which is not copied
	}
	setOld := redis.NewCmd(ctx, "set", keys[1], value(old), "px", life)
	setNew := redis.NewCmd(ctx, "set", keys[2], value(new), "px", life)
	list := largeScript.command("evalsha", largeScript.hash, scriptCall{keys, []any{ttl.Milliseconds()}})
	cmd := redis.NewCmd(ctx, list...)
	err := r.main.pipeWithin(ctx, once{setOld}, once{setNew}, once{cmd})
	if !contextEnded(err) { // otherwise another goroutine may still be running cmd
		err = answered(cmd, err)
	}
	if err != nil && noScript(err) {
		list[0], list[1] = "eval", largeScript.text
		cmd, err = r.main.exec(ctx, sendOnce, keys[0], list)
	}
	if err != nil && !isOutage(err) {
		if denied(err) || strings.Contains(strings.ToLower(err.Error()), "unknown") { // such as a command that was renamed
			r.large.refused.Store(true)
		}
		return r.discard(ctx, keys[1:3])
	}
	if err != nil {
		return outage("update", err)
	}
	if answer, err := cmd.Slice(); err == nil && len(answer) == 1 && answer[0] == int64(answerApart) {
		if setOld.Err() == nil && setNew.Err() == nil {
			r.large.refused.Store(true)
		}
		return r.discard(ctx, keys[1:3])
	}
	_, err = verdict("update", cmd)
	return err
}

// discard removes both forms of a record that could not be compared, and returns errors.ErrUnsupported. In a
// Redis that is full they would otherwise take the place of other records until they expire.
func (r *RedisStore) discard(ctx context.Context, keys []string) error {
	_ = r.main.send(ctx, redis.NewIntCmd(ctx, append([]any{"del"}, anyOf(keys)...)...)) // best effort
	return errors.ErrUnsupported
}
