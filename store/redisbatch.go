package store

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
	"github.com/seed-6f34412b/passport/store/internal/together"
)

// batches sends the calls of one moment together, on the store's own client, as one pipeline: the reads of
// records as one MGET, and each other command, a script or SET, as it is.
//
// It is not go-redis's automatic pipeline: that needs a goroutine for as long as the client lives, and
// sends one GET for each record. One MGET of 16 keys costs the server a quarter of 16 GETs.
type batches struct {
	store   *RedisStore
	refused atomic.Bool // the server does not run MGET at all
	calls   *together.Batches[asked]
}

func newBatches(r *RedisStore) *batches {
	b := &batches{store: r}
	b.calls = together.New(b.exec)
	return b
}

// waiting is a call that waits for its batch.
type waiting = together.Call[asked]

// asked is what a call asks: a command, or a read.
type asked struct {
	cmd command // nil for a read
	key string  // of the record, for a read

	found []any // for a read: MGET's values for its keys; nil if the batch failed
	err   error // for a command: why it failed
}

// get reads the record of id together with others. If the batch fails, for whatever reason, get reads the
// record alone, so that an error is always that of this read's own command and context.
func (b *batches) get(ctx context.Context, id string) ([]byte, error) {
	if !contract.ValidID(id) {
		return nil, unknown(ctx, "get")
	}
	if b.refused.Load() || b.store.joint.denied.Load() { // the latter: a cluster behind a proxy
		return b.store.get(ctx, b.store.main, id)
	}
	w := together.NewCall(ctx, asked{key: b.store.cfg.Prefix + id})
	if err := b.calls.Wait(ctx, w); err != nil {
		return nil, fmt.Errorf("store: get: %w", err)
	}
	if w.Asked.found == nil {
		return b.store.get(ctx, b.store.main, id)
	}
	return b.store.judge(ctx, w.Asked.key, w.Asked.found)
}

// run sends cmd together with others. As with sender.send, the caller must not use cmd any more if ctx has
// ended first. If that was before the batch was taken, cmd is not sent.
//
// Unlike a read, a command is never repeated here: it may have been executed. If the connection breaks,
// go-redis gives its error to every command of the pipeline, also to those that were answered before: to
// their callers too the outcome is unknown. A panic of a hook continues in the caller, as without the batch.
func (b *batches) run(ctx context.Context, cmd command) error {
	w := together.NewCall(ctx, asked{cmd: cmd})
	if err := b.calls.Wait(ctx, w); err != nil {
		return err
	}
	if w.Panicked != nil {
		panic(w.Panicked)
	}
	if w.Asked.err != nil {
		return contextError(ctx, w.Asked.err)
	}
	return nil
}

// runAll is run for several commands, which go together in this order. Each has its own error.
func (b *batches) runAll(ctx context.Context, cmds []command) error {
	all := make([]*waiting, len(cmds))
	for i, cmd := range cmds {
		all[i] = together.NewCall(ctx, asked{cmd: cmd})
	}
	if err := b.calls.Wait(ctx, all...); err != nil {
		return err
	}
	for _, w := range all {
		if w.Panicked != nil {
			panic(w.Panicked)
		}
		if w.Asked.err != nil && w.Asked.cmd.Err() == nil {
			w.Asked.cmd.SetErr(w.Asked.err)
		}
	}
	return nil
}

// exec sends batch and fills in the results.
func (b *batches) exec(ctx context.Context, batch []*waiting) {
	cmds := make([]redis.Cmder, 0, len(batch))
	var reads []*waiting
	for _, w := range batch {
		if w.Asked.cmd == nil {
			reads = append(reads, w)
		} else {
			cmds = append(cmds, w.Asked.cmd)
			w.Asked.err = errBadReply // stands if a hook ends this goroutine
		}
	}
	var mget *redis.SliceCmd
	if reads != nil {
		mget = b.mget(ctx, reads)
		cmds = append(cmds, mget)
	}
	var err error
	if len(cmds) == 1 {
		err = b.store.main.client.Process(ctx, cmds[0])
	} else {
		err = b.store.main.pipe(ctx, cmds...)
	}
	if mget != nil {
		b.answer(reads, mget)
	}
	for _, w := range batch {
		if w.Asked.cmd != nil {
			w.Asked.err = answered(w.Asked.cmd, err)
		}
	}
}

// mget returns the command that gets the records of reads, with tombstones each with its note.
func (b *batches) mget(ctx context.Context, reads []*waiting) *redis.SliceCmd {
	args := append(make([]any, 0, 1+2*len(reads)), "mget")
	for _, r := range reads {
		args = append(args, r.Asked.key)
		if b.store.cfg.Tombstones {
			args = append(args, b.store.note(r.Asked.key))
		}
	}
	return redis.NewSliceCmd(ctx, args...)
}

// answer gives each read its part of the answer to MGET, unless that failed.
func (b *batches) answer(reads []*waiting, mget *redis.SliceCmd) {
	if err := mget.Err(); err != nil {
		if !b.store.joint.refused(err) && (denied(err) || strings.HasPrefix(err.Error(), "ERR unknown command")) {
			b.refused.Store(true)
		}
		return
	}
	found := mget.Val()
	if len(found) != len(mget.Args())-1 {
		return
	}
	width := len(found) / len(reads)
	for i, r := range reads {
		r.Asked.found = found[i*width : (i+1)*width]
	}
}
