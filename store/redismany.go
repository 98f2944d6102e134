package store

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// GetMany implements [session.Batch]. It is one MGET where one server has all keys, else
// one for each id in one pipeline, which is a trip to each node.
func (r *RedisStore) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	if err := ctxError(ctx, "get many"); err != nil {
		return nil, err
	}
	var groups []scriptCall // one command reads a group; its keys are on one server
	var places []int        // places[i] is the index in ids of record i; invalid ids have none
	single := oneServer(r.main.client)
	for i, id := range ids {
		if !contract.ValidID(id) {
			continue
		}
		places = append(places, i)
		if len(groups) == 0 || !single && !r.tagged {
			groups = append(groups, scriptCall{})
		}
		last := &groups[len(groups)-1]
		last.keys = append(last.keys, r.keysOf(id)...)
	}
	found, err := r.readAll(ctx, groups)
	if err != nil {
		return nil, outage("get many", err)
	}
	width := len(r.keysOf(""))
	if len(found) != len(places)*width {
		return nil, outage("get many", errBadReply)
	}
	records := make([][]byte, len(ids))
	var noted []redis.Cmder
	for n, i := range places {
		data, live, hidden, err := r.recordIn(found[n*width : (n+1)*width])
		switch {
		case err != nil:
			return nil, outage("get many", err)
		case hidden:
			noted = append(noted, redis.NewIntCmd(ctx, "del", r.cfg.Prefix+ids[i]))
		case live:
			records[i] = []byte(data)
		}
	}
	if noted != nil {
		_ = r.main.sendAll(ctx, noted) // best effort: the note hides them anyway
	}
	return records, nil
}

// keysOf returns the key of a record, followed with tombstones by the key of its note.
func (r *RedisStore) keysOf(id string) []string {
	key := r.cfg.Prefix + id
	if r.cfg.Tombstones {
		return []string{key, r.note(key)}
	}
	return []string{key}
}

// readAll reads the keys of each group with one command, all in one pipeline, from the master, and returns
// the values in order.
func (r *RedisStore) readAll(ctx context.Context, groups []scriptCall) (found []any, err error) {
	var cmds []*redis.Cmd
	switch {
	case r.fresh && len(groups) == 1:
		cmd, err := r.main.exec(ctx, mayResend, "", append([]any{"mget"}, anyOf(groups[0].keys)...))
		if err != nil {
			return nil, err
		}
		return cmd.Slice()
	case r.fresh:
		for _, g := range groups {
			cmds = append(cmds, redis.NewCmd(ctx, append([]any{"mget"}, anyOf(g.keys)...)...))
		}
		err = r.main.sendAll(ctx, cmdersOf(cmds))
	default:
		cmds, err = r.main.runAll(ctx, readScript, groups)
	}
	if err != nil {
		return nil, err
	}
	for _, cmd := range cmds {
		list, err := cmd.Slice()
		if err != nil {
			return nil, err
		}
		found = append(found, list...)
	}
	return found, nil
}

// EndMany implements [session.Batch]. It is one script for each id, all in one pipeline,
// which go-redis may send again: that ends what was to be ended.
func (r *RedisStore) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	return r.endMany(ctx, ids, life, nil)
}

// endMany is EndMany that also removes each id from its labels, if there are any: in one script with the
// record's keys.
func (r *RedisStore) endMany(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error) {
	if err := ctxError(ctx, "end many"); err != nil {
		return nil, err
	}
	text, life, _ := contract.Note("", life, r.cfg.Tombstones) // there is no successor to refuse
	var calls []scriptCall
	var places []int
	for i, id := range ids {
		if contract.ValidID(id) {
			places = append(places, i)
			notice, left := "", []string(nil)
			if r.cfg.Notify {
				notice = session.EndManyNotice(id)
			}
			if labels != nil {
				left = labels[i]
			}
			calls = append(calls, r.endCall(id, nil, text, life, notice, left))
		}
	}
	cmds, err := r.main.runAll(ctx, endScript, calls)
	if err != nil && labels != nil && r.joint.refused(err) {
		return nil, errors.ErrUnsupported
	}
	if err != nil {
		return nil, outage("end many", err)
	}
	successors := make([]string, len(ids))
	for n, cmd := range cmds {
		successor, err := verdict("end many", cmd)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return nil, err
		}
		successors[places[n]] = successor
	}
	return successors, nil
}

// scriptCall is one call's keys and arguments for a script.
type scriptCall struct {
	keys []string
	args []any
}

// runAll executes a script once for each of calls, all in one pipeline. A second pipeline repeats the calls
// whose server did not have the script. go-redis may send them again. The error is that of the first call
// that failed; others may have been executed.
func (s *sender) runAll(ctx context.Context, script *script, calls []scriptCall) ([]*redis.Cmd, error) {
	if len(calls) == 1 {
		cmd, err := s.run(ctx, mayResend, script, calls[0].keys, calls[0].args...)
		return []*redis.Cmd{cmd}, err
	}
	cmds := make([]*redis.Cmd, len(calls))
	for i, c := range calls {
		cmds[i] = redis.NewCmd(ctx, script.command("evalsha", script.hash, c)...)
	}
	if err := s.sendCalls(ctx, script, calls, cmds); err != nil {
		return nil, err
	}
	var unknown []scriptCall
	var places []int
	for i, cmd := range cmds {
		switch err := cmd.Err(); {
		case err == nil:
		case noScript(err):
			unknown, places = append(unknown, calls[i]), append(places, i)
		default:
			return nil, err
		}
	}
	if unknown == nil {
		return cmds, nil
	}
	taught := make([]*redis.Cmd, len(unknown))
	for i, c := range unknown {
		taught[i] = redis.NewCmd(ctx, script.command("eval", script.text, c)...)
		cmds[places[i]] = taught[i]
	}
	if err := s.sendCalls(ctx, script, unknown, taught); err != nil {
		return nil, err
	}
	for _, cmd := range taught {
		if err := cmd.Err(); err != nil {
			return nil, err
		}
	}
	return cmds, nil
}

// sendCalls sends cmds, made from calls of a script, as one pipeline.
func (s *sender) sendCalls(ctx context.Context, script *script, calls []scriptCall, cmds []*redis.Cmd) error {
	if s.replicas == 0 || script.reads {
		return s.sendAll(ctx, cmdersOf(cmds))
	}
	keys := make([]string, len(calls))
	for i, c := range calls {
		keys[i] = c.keys[0]
	}
	return s.confirmedAll(ctx, keys, cmdersOf(cmds))
}

func cmdersOf[C redis.Cmder](cmds []C) []redis.Cmder {
	list := make([]redis.Cmder, len(cmds))
	for i, cmd := range cmds {
		list[i] = cmd
	}
	return list
}

func anyOf(keys []string) []any {
	list := make([]any, len(keys))
	for i, k := range keys {
		list[i] = k
	}
	return list
}
