package store

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// clearedLife is how long the tombstones live that Clear leaves: the session layer's
// default AbsoluteTimeout.
const clearedLife = 30 * 24 * time.Hour

// errNodesHidden is returned by walks when the store's client is an automatic
// pipeline of a cluster.
var errNodesHidden = errors.New("the automatic pipeline does not show its cluster's nodes: give Redis the ClusterClient, and the pipeline as RedisConfig.Reads")

// IDs yields the ids of all records: connect-redis's ids. It asks every master (or
// shard) in turn with SCAN, in steps of ScanCount, so its memory is bounded. An id can
// come twice when Redis grows or shrinks its tables. If a cluster moves slots
// meanwhile, the walk starts again; after 8 such walks it ends with an error, as it does
// with any other error.
func (r *RedisStore) IDs(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for keys, err := range r.steps(ctx, "ids") {
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range keys {
				if !yield(key[len(r.cfg.Prefix):], nil) {
					return
				}
			}
		}
	}
}

// Count returns how many records there are: connect-redis's length. It walks over all
// keys; see IDs.
func (r *RedisStore) Count(ctx context.Context) (int, error) {
	n := 0
	for keys, err := range r.steps(ctx, "count") {
		if err != nil {
			return n, err
		}
		if len(keys) == 0 {
			n = 0 // the walk starts again
		}
		n += len(keys)
	}
	return n, nil
}

// All implements [session.Iterator]: connect-redis's all. It is IDs with one more
// round trip for the records of each step.
func (r *RedisStore) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for keys, err := range r.steps(ctx, "all") {
			if err != nil {
				yield(session.Record{}, err)
				return
			}
			records, err := r.fetch(ctx, keys)
			if err != nil {
				yield(session.Record{}, err)
				return
			}
			for _, rec := range records {
				if !yield(rec, nil) {
					return
				}
			}
		}
	}
}

// fetch reads the records of keys in one round trip to each node. It leaves out keys that are gone or of
// another type.
func (r *RedisStore) fetch(ctx context.Context, keys []string) ([]session.Record, error) {
	cmds := make([]redis.Cmder, len(keys))
	for i, key := range keys {
		if r.cfg.Tombstones {
			cmds[i] = redis.NewSliceCmd(ctx, "mget", key, r.note(key))
		} else {
			cmds[i] = redis.NewStringCmd(ctx, "get", key)
		}
	}
	if err := r.main.sendAll(ctx, cmds); err != nil {
		return nil, outage("all", err)
	}
	records := make([]session.Record, 0, len(keys))
	for i, cmd := range cmds {
		if err := cmd.Err(); errors.Is(err, redis.Nil) || err != nil && wrongType(err) {
			continue
		} else if err != nil {
			return nil, outage("all", err)
		}
		rec := session.Record{ID: keys[i][len(r.cfg.Prefix):]}
		switch c := cmd.(type) {
		case *redis.StringCmd:
			rec.Data = []byte(c.Val())
		case *redis.SliceCmd:
			data, live, _, err := r.recordIn(c.Val())
			if err != nil {
				return nil, outage("all", err)
			}
			if !live {
				continue
			}
			rec.Data = []byte(data)
		}
		records = append(records, rec)
	}
	return records, nil
}

// Clear ends all sessions: connect-redis's clear. It walks over all keys as IDs does
// and removes what it finds, so a session made meanwhile may stay. With Tombstones each
// gets one for 30 days. Notes and tombstones of ended sessions stay, since they keep
// them ended. Labels' entries stay too, since a session made meanwhile may need them;
// the others are removed when they are next listed, or at their deadline. It returns
// how many records it removed, also with an error.
func (r *RedisStore) Clear(ctx context.Context) (int, error) {
	if r.cfg.NoPrefix {
		return 0, errors.New("store: clear: without a Prefix every key of the database would go: use FLUSHDB if that is meant")
	}
	n := 0
	for keys, err := range r.steps(ctx, "clear") {
		if err != nil {
			return n, err
		}
		removed, err := r.remove(ctx, keys)
		n += removed
		if err != nil {
			return n, outage("clear", err)
		}
	}
	return n, nil
}

// remove ends the records of keys, each in its own slot.
func (r *RedisStore) remove(ctx context.Context, keys []string) (n int, err error) {
	if r.cfg.Tombstones {
		for _, key := range keys {
			cmd, err := r.main.run(ctx, mayResend, endScript, []string{key, r.note(key)}, "", contract.Ended, clearedLife.Milliseconds())
			if err != nil {
				return n, err
			}
			if _, err := verdict("clear", cmd); err == nil {
				n++
			}
		}
		return n, nil
	}
	cmds := make([]redis.Cmder, len(keys))
	for i, key := range keys {
		cmds[i] = redis.NewIntCmd(ctx, "unlink", key)
	}
	if err := r.main.sendAll(ctx, cmds); err != nil {
		return 0, err
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return n, cmd.Err()
		}
		n += int(cmd.(*redis.IntCmd).Val())
	}
	return n, nil
}

// steps yields the keys of records, those of one SCAN at a time. If a cluster's slots moved meanwhile, it
// starts again from the beginning, which it reports by yielding nil keys.
func (r *RedisStore) steps(ctx context.Context, verb string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for range maxWalks {
			before, moving, err := r.layout(ctx)
			if err != nil {
				yield(nil, outage(verb, err))
				return
			}
			if !r.walk(ctx, verb, yield) {
				return
			}
			after, stillMoving, err := r.layout(ctx)
			if err != nil {
				yield(nil, outage(verb, err))
				return
			}
			if after == before && !moving && !stillMoving || !yield(nil, nil) {
				return
			}
		}
		yield(nil, outage(verb, errSlotsMove))
	}
}

// walk yields the keys of every node in turn, and reports whether it reached the end.
func (r *RedisStore) walk(ctx context.Context, verb string, yield func([]string, error) bool) bool {
	nodes, err := r.nodes(ctx)
	if err != nil {
		yield(nil, outage(verb, err))
		return false
	}
	for _, node := range nodes {
		for cursor := uint64(0); ; {
			cmd := redis.NewScanCmd(ctx, nil, "scan", cursor, "match", escapeGlob(r.cfg.Prefix)+"*", "count", r.cfg.ScanCount)
			if err := node.send(ctx, cmd); err != nil {
				yield(nil, outage(verb, err))
				return false
			}
			var keys []string
			keys, cursor = cmd.Val()
			// SCAN may answer more keys than it was asked for.
			for part := range slices.Chunk(r.own(keys), r.cfg.ScanCount) {
				if !yield(part, nil) {
					return false
				}
			}
			if cursor == 0 {
				break
			}
		}
	}
	return true
}

// own returns those of keys that can be keys of records.
func (r *RedisStore) own(keys []string) []string {
	list := keys[:0]
	for _, key := range keys {
		id, ok := strings.CutPrefix(key, r.cfg.Prefix)
		if ok && contract.ValidID(id) && !(r.cfg.NoPrefix && strings.HasPrefix(key, r.cfg.own(""))) {
			list = append(list, key)
		}
	}
	return list
}

// nodes returns a sender for each server that holds a part of the keys.
func (r *RedisStore) nodes(ctx context.Context) ([]*sender, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var each func(context.Context, func(context.Context, *redis.Client) error) error
	switch c := r.main.client.(type) {
	case *redis.ClusterClient:
		each = c.ForEachMaster
	case *redis.Ring:
		each = c.ForEachShard
	case *redis.AutoPipeliner:
		if err := refuseCluster(ctx, r.main); err != nil {
			return nil, err
		}
		return []*sender{r.main}, nil
	default:
		return []*sender{r.main}, nil
	}
	var list nodeList
	err := within(ctx, func() error { return each(ctx, list.add) })
	return list.senders(), err
}

// nodeList collects the servers of a cluster or ring. go-redis calls it for several servers at the same
// time, perhaps even after its caller has returned.
type nodeList struct {
	mu  sync.Mutex
	all []*redis.Client
}

func (l *nodeList) add(_ context.Context, c *redis.Client) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, c)
	return nil
}

func (l *nodeList) senders() (list []*sender) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all {
		list = append(list, newSender(c))
	}
	return list
}

// refuseCluster asks the server behind an automatic pipeline whether it is a node of a cluster: SCAN would
// then return only a part of the keys.
func refuseCluster(ctx context.Context, s *sender) error {
	cmd := redis.NewStringCmd(ctx, "cluster", "info")
	if err := s.send(ctx, cmd); err != nil {
		if _, answered := errors.AsType[redis.Error](err); answered {
			return nil // no cluster
		}
		return err
	}
	if strings.Contains(cmd.Val(), "cluster_state:") {
		return errNodesHidden
	}
	return nil
}

// escapeGlob returns a SCAN pattern that matches the text s itself.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
