package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
	"github.com/seed-6f34412b/passport/store/internal/together"
)

// RedisStore keeps sessions in Redis 6.2 or later, as connect-redis does: connect-redis's
// RedisStore. [Redis] makes it. It is safe for concurrent use.
//
// Every method is one command, and in a cluster one slot, except that a server that does
// not have a script yet gets it as text with a second command, and that
// RedisConfig.Replicas adds WAIT. Under load the commands of one moment go in one
// pipeline: see RedisConfig.NoBatches.
//
// Methods return when their context ends: at once, under load within a few milliseconds, or at
// its deadline where that is at most two seconds away and the client's
// Options.ContextTimeoutEnabled is set. With any other client, and any other context that can
// end, each command costs a goroutine. A command that is left behind keeps its connection until
// the deadline, or without ContextTimeoutEnabled for the client's ReadTimeout.
//
// A key of another type under the prefix is an unknown id to Get. Errors never contain
// a key, an id or a record; those that are not in the contract are outages.
type RedisStore struct {
	main  *sender        // writes, and reads that must not be stale
	reads readers        // Get
	load  *together.Load // the calls in flight
	cfg   RedisConfig

	notes, labels string // prefixes of the keys of notes and of labels
	channel       string // of RedisConfig.Notify

	tagged bool // the prefix has a hash tag, which chooses the slot
	fresh  bool // a plain read by main asks the master, never a cache or a replica
	joint  sameServer
	large  large
}

// readers are the ways in which Get reads a record: alone, or under load together with others, by the
// pipeline or by one MGET. At most one of pipeline and batches is set.
type readers struct {
	alone    *sender
	pipeline *sender  // RedisConfig.Pipeline, or nil
	batches  *batches // those of the store's own client, or nil
}

var (
	_ session.Store          = (*RedisStore)(nil)
	_ session.Ender          = (*RedisStore)(nil)
	_ session.Index          = (*RedisStore)(nil)
	_ session.Iterator       = (*RedisStore)(nil)
	_ session.PrimaryReader  = (*RedisStore)(nil)
	_ session.Batch          = (*RedisStore)(nil)
	_ session.Combiner       = (*RedisStore)(nil)
	_ session.ChangeNotifier = (*RedisStore)(nil)
)

// note returns the key of the note of the record under key, in the same slot: its braces hold the record's
// key, or the hash tag of that (S16).
func (r *RedisStore) note(key string) string {
	if r.tagged {
		return r.notes + key
	}
	return r.notes + "{" + key + "}"
}

// Get implements [session.Store]. It is one GET, or with tombstones one MGET; under load it is part of
// one MGET: see RedisConfig.NoBatches.
func (r *RedisStore) Get(ctx context.Context, id string) (data []byte, err error) {
	via, batches := r.reads.alone, (*batches)(nil)
	if r.reads.pipeline != nil || r.reads.batches != nil {
		n := r.load.InFlight.Add(1)
		defer r.load.InFlight.Add(-1)
		if n >= r.load.From || r.load.Stays.Load() > 0 {
			r.load.Joined(n)
			batches, via = r.reads.batches, cmp.Or(r.reads.pipeline, via)
		}
	}
	if batches != nil {
		data, err = batches.get(ctx, id)
	} else {
		data, err = r.get(ctx, via, id)
	}
	if r.fresh && via == r.main && errors.Is(err, session.ErrNotFound) {
		err = contract.Gone[RedisStore]{Store: r}
	}
	return data, err
}

func (r *RedisStore) get(ctx context.Context, via *sender, id string) ([]byte, error) {
	if r.cfg.Tombstones {
		return r.getNoted(ctx, via, id)
	}
	if !contract.ValidID(id) {
		return nil, unknown(ctx, "get")
	}
	cmd := redis.NewStringCmd(ctx, "get", r.cfg.Prefix+id)
	err := via.send(ctx, cmd)
	switch {
	case err == nil:
		return cmd.Bytes() // the bytes of the reply, not a copy: go-redis does not keep them
	case errors.Is(err, redis.Nil), wrongType(err):
		return nil, session.ErrNotFound
	}
	return nil, outage("get", err)
}

// getNoted is Get with tombstones. If a record has a note, somebody who did not know of the session's end
// has written the record back; it is removed.
func (r *RedisStore) getNoted(ctx context.Context, via *sender, id string) ([]byte, error) {
	if !contract.ValidID(id) {
		return nil, unknown(ctx, "get")
	}
	key := r.cfg.Prefix + id
	cmd := redis.NewSliceCmd(ctx, "mget", key, r.note(key))
	if err := via.send(ctx, cmd); err != nil {
		return nil, outage("get", err)
	}
	return r.judge(ctx, key, cmd.Val())
}

// judge returns the record, or ErrNotFound, from the values of the record and of its note that MGET found.
func (r *RedisStore) judge(ctx context.Context, key string, found []any) ([]byte, error) {
	data, live, hidden, err := r.recordIn(found)
	switch {
	case err != nil:
		return nil, outage("get", err)
	case hidden:
		_ = r.main.send(ctx, redis.NewIntCmd(ctx, "del", key)) // best effort: the note hides it anyway
	}
	if !live {
		return nil, session.ErrNotFound
	}
	return redis.NewStringResult(data, nil).Bytes() // the bytes of the reply, as in Get: a large record is not copied
}

// recordIn reads a record, and perhaps its note, as MGET answers them: whether the record is live, or hidden
// by its note. A proxy that spreads keys over several servers (Envoy) answers for a server that it does not
// reach with an error in place of each value: an outage, not an unknown id.
func (r *RedisStore) recordIn(found []any) (data string, live, hidden bool, err error) {
	if len(found) != 1 && !r.cfg.Tombstones || len(found) != 2 && r.cfg.Tombstones {
		return "", false, false, errBadReply
	}
	var there [2]bool
	for i, v := range found {
		switch v := v.(type) {
		case nil:
		case string:
			there[i] = true
			if i == 0 {
				data = v
			}
		case error:
			if !wrongType(v) {
				return "", false, false, v
			}
		default:
			return "", false, false, errBadReply
		}
	}
	return data, there[0] && !there[1], there[0] && there[1], nil
}

// GetPrimary implements [session.PrimaryReader]. It asks the master, past a client-side
// cache and replicas, in one command: a plain read where the client is known to have
// neither, else a script.
func (r *RedisStore) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	if r.fresh {
		return r.get(ctx, r.main, id)
	}
	if !contract.ValidID(id) {
		return nil, unknown(ctx, "get")
	}
	keys := r.keysOf(id)
	cmd, err := r.main.run(ctx, mayResend, readScript, keys)
	if err != nil {
		return nil, outage("get", err)
	}
	found, err := cmd.Slice()
	if err != nil {
		return nil, outage("get", err)
	}
	return r.judge(ctx, keys[0], found)
}

// Create implements [session.Store]. It is one SET NX that go-redis sends once.
func (r *RedisStore) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	if !contract.ValidID(id) {
		return fmt.Errorf("store: create: %w", contract.ErrBadID)
	}
	key := r.cfg.Prefix + id
	_, err := r.main.exec(ctx, sendOnce, key, []any{"set", key, string(data), "nx", "px", ttl.Milliseconds()})
	if errors.Is(err, redis.Nil) {
		return session.ErrExists
	}
	if err != nil {
		return outage("create", err)
	}
	return nil
}

// Update implements [session.Store]. It is one script that go-redis sends once, for large records behind
// two SETs, whose keys live for a minute at most.
func (r *RedisStore) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: update: %w", err)
	}
	if !contract.ValidID(id) {
		return session.ErrNotFound
	}
	if r.large.fits(old, new) {
		if err := r.updateLarge(ctx, id, old, new, ttl); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	cmd, err := r.main.run(ctx, sendOnce, updateScript, r.keysOf(id), string(old), string(new), ttl.Milliseconds())
	if err != nil {
		return outage("update", err)
	}
	_, err = verdict("update", cmd)
	return err
}

// Delete implements [session.Store]. Without old it is one DEL, or with RedisConfig.Notify one
// script, which go-redis may send again. It leaves no note: see End.
func (r *RedisStore) Delete(ctx context.Context, id string, old []byte) error {
	if old != nil {
		_, err := r.end(ctx, "delete", sendOnce, id, old, contract.Ended, 0)
		return err
	}
	if !contract.ValidID(id) {
		return ctxError(ctx, "delete")
	}
	if r.cfg.Notify {
		_, err := r.end(ctx, "delete", mayResend, id, nil, contract.Ended, 0)
		return err
	}
	if err := r.main.send(ctx, redis.NewIntCmd(ctx, "del", r.cfg.Prefix+id)); err != nil {
		return outage("delete", err)
	}
	return nil
}

// End implements [session.Ender]. It is one script. Without old go-redis may send it
// again: that ends what was to be ended.
func (r *RedisStore) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	text, life, err := contract.Note(next, life, r.cfg.Tombstones)
	if err != nil {
		return "", fmt.Errorf("store: end: %w", err)
	}
	again := sendOnce
	if old == nil {
		again = mayResend
	}
	return r.end(ctx, "end", again, id, old, text, life)
}

// end is End with the text of the note. An end without old also removes id from labels. The error then
// matches errors.ErrUnsupported if the server does not accept all these keys in one script.
func (r *RedisStore) end(ctx context.Context, verb string, again resend, id string, old []byte, text string, life time.Duration, labels ...string) (string, error) {
	if !contract.ValidID(id) {
		if old == nil {
			return "", ctxError(ctx, verb)
		}
		return "", unknown(ctx, verb)
	}
	notice := ""
	if r.cfg.Notify {
		notice = session.EndNotice(id, old, contract.Successor(text))
	}
	call := r.endCall(id, old, text, life, notice, labels)
	cmd, err := r.main.run(ctx, again, endScript, call.keys, call.args...)
	if err != nil && len(labels) > 0 && r.joint.refused(err) {
		return "", errors.ErrUnsupported
	}
	if err != nil {
		return "", outage(verb, err)
	}
	successor, err := verdict(verb, cmd)
	if old == nil && errors.Is(err, session.ErrNotFound) {
		err = nil
	}
	return successor, err
}

// endCall returns the call of endScript that ends one session. It publishes notice if there is one.
func (r *RedisStore) endCall(id string, old []byte, text string, life time.Duration, notice string, labels []string) scriptCall {
	key := r.cfg.Prefix + id
	args := []any{string(old), text, life.Milliseconds()}
	compare, channel := "", ""
	if old != nil && len(old) == 0 {
		compare = "1"
	}
	if notice != "" {
		channel = r.channel
	}
	switch {
	case len(labels) > 0:
		args = append(args, compare, channel, notice, id)
	case notice != "":
		args = append(args, compare, channel, notice)
	case compare != "":
		args = append(args, compare)
	}
	return scriptCall{r.labelKeys([]string{key, r.note(key)}, labels), args}
}

// verdict reads the reply of updateScript and endScript.
func verdict(verb string, cmd *redis.Cmd) (note string, err error) {
	answer, err := cmd.Slice()
	if err != nil || len(answer) == 0 {
		return "", outage(verb, errBadReply)
	}
	text := ""
	if len(answer) > 1 {
		text, _ = answer[1].(string)
	}
	switch answer[0] {
	case int64(answerConflict):
		return "", &session.Conflict{Current: []byte(text)}
	case int64(answerAbsent):
		err = session.ErrNotFound
	case int64(answerDone):
	default:
		return "", outage(verb, errBadReply)
	}
	if text == contract.Ended {
		text = ""
	}
	return text, err
}

var errBadReply = errors.New("the server's answer is not one of ours")

// outage returns the error of a call that failed. If the Redis user lacks a right, it names the commands of
// the call: Redis's own text does not name them if they are in a script or if the key is forbidden.
func outage(verb string, err error) error {
	if commands := commandsOf[verb]; commands != "" && denied(err) {
		return fmt.Errorf("store: %s: the Redis user may not run %s on this key (docs/REDIS.md has the rights): %w", verb, commands, plain(err))
	}
	return fmt.Errorf("store: %s: %w", verb, plain(err))
}

func denied(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "NOPERM") || strings.Contains(text, "The user executing the script")
}

// commandsOf has the commands of each call; commands in brackets are used by its script.
var commandsOf = map[string]string{
	"get":          "GET or MGET",
	"get many":     "MGET or EVALSHA, EVAL (MGET)",
	"create":       "SET, or EVALSHA, EVAL (SET, ZADD, ZREMRANGEBYSCORE, PTTL, PEXPIRE, GET, EXISTS, DEL, ZREM)",
	"update":       "EVALSHA, EVAL (GET, EXISTS, SET)",
	"delete":       "DEL or EVALSHA, EVAL (GET, DEL, SET)",
	"end":          "EVALSHA, EVAL (GET, DEL, SET, ZREM)",
	"end many":     "EVALSHA, EVAL (GET, DEL, SET, ZREM)",
	"add label":    "EVALSHA, EVAL (ZADD, ZREMRANGEBYSCORE, ZRANGE, PEXPIRE)",
	"remove label": "ZREM",
	"labelled":     "ZRANGEBYSCORE or EVALSHA, EVAL (ZRANGEBYSCORE)",
	"count":        "EVALSHA, EVAL (EXISTS, INCRBY, PTTL, PEXPIRE) or, of sessions, SCAN",
	"put token":    "SET",
	"take token":   "GETDEL",
	"load cell":    "GET or EVALSHA, EVAL (GET)",
	"swap cell":    "EVALSHA, EVAL (GET, SET, DEL)",
	"listen":       "SUBSCRIBE",
	"ids":          "SCAN",
	"all":          "SCAN, GET or MGET",
	"clear":        "SCAN, UNLINK or EVALSHA, EVAL (GET, DEL, SET)",
}

// unknown returns the answer for an invalid id, without asking Redis.
func unknown(ctx context.Context, verb string) error {
	if err := ctxError(ctx, verb); err != nil {
		return err
	}
	return session.ErrNotFound
}

func ctxError(ctx context.Context, verb string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: %s: %w", verb, err)
	}
	return nil
}

func wrongType(err error) bool { return strings.Contains(err.Error(), "WRONGTYPE") }
