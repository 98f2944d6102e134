package store

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

const (
	// batchMost is the most calls that go together.
	batchMost = 128

	// batchSlow is how long to wait for the answer to a batch before the next batch is sent beside it:
	// one connection that hangs must not delay other calls for longer.
	batchSlow = time.Millisecond
)

// batches sends the calls of one moment together, on the store's own client, as one pipeline: the reads of
// records as one MGET, and each other command, a script or SET, as it is. The first call starts a goroutine,
// which ends when no call waits any more, so there is nothing to close.
//
// It is not go-redis's automatic pipeline: that needs a goroutine for as long as the client lives, and
// sends one GET for each record. One MGET of 16 keys costs the server a quarter of 16 GETs.
type batches struct {
	store   *RedisStore
	refused atomic.Bool // the server does not run MGET at all

	mu      sync.Mutex
	waiting []*waiting // not yet in a batch
	sending bool       // the goroutine of send runs and will look at waiting again
}

// waiting is a call that waits for its batch: a command, or a read.
type waiting struct {
	ctx context.Context
	cmd command // nil for a read
	key string  // of the record, for a read

	news chan news // made by wait, with room for one of each

	found    []any // for a read: MGET's values for its keys; nil if the batch failed
	err      error // for a command: why it failed
	panicked any   // a panic of a hook of the client
}

// news is what a call learns of its batch.
type news uint8

const (
	late news = iota // the answer takes longer than batchSlow, or the context ended before the batch was taken
	over             // the batch has been answered or has failed
)

// ended reports whether the context of w has ended. Its caller is then told, and it is not sent.
func (w *waiting) ended() bool {
	if w.ctx.Err() == nil {
		return false
	}
	w.news <- late
	return true
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
	w := &waiting{ctx: ctx, key: b.store.cfg.Prefix + id}
	if err := b.wait(ctx, w); err != nil {
		return nil, fmt.Errorf("store: get: %w", err)
	}
	if w.found == nil {
		return b.store.get(ctx, b.store.main, id)
	}
	return b.store.judge(ctx, w.key, w.found)
}

// run sends cmd together with others. As with sender.send, the caller must not use cmd any more if ctx has
// ended first. If that was before the batch was taken, cmd is not sent.
//
// Unlike a read, a command is never repeated here: it may have been executed. If the connection breaks,
// go-redis gives its error to every command of the pipeline, also to those that were answered before: to
// their callers too the outcome is unknown. A panic of a hook continues in the caller, as without the batch.
func (b *batches) run(ctx context.Context, cmd command) error {
	w := &waiting{ctx: ctx, cmd: cmd}
	if err := b.wait(ctx, w); err != nil {
		return err
	}
	if w.panicked != nil {
		panic(w.panicked)
	}
	if w.err != nil {
		return contextError(ctx, w.err)
	}
	return nil
}

// runAll is run for several commands, which go together in this order. Each has its own error.
func (b *batches) runAll(ctx context.Context, cmds []command) error {
	all := make([]*waiting, len(cmds))
	for i, cmd := range cmds {
		all[i] = &waiting{ctx: ctx, cmd: cmd}
	}
	if err := b.wait(ctx, all...); err != nil {
		return err
	}
	for _, w := range all {
		if w.panicked != nil {
			panic(w.panicked)
		}
		if w.err != nil && w.cmd.Err() == nil {
			w.cmd.SetErr(w.err)
		}
	}
	return nil
}

// wait returns when the batch of each of calls has been answered or has failed, or if ctx ends first with
// its error. It asks ctx for its channel only when an answer is late: to make one, with its timer, takes as
// long as the rest of a read.
func (b *batches) wait(ctx context.Context, calls ...*waiting) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, w := range calls {
		w.news = make(chan news, 2)
	}
	b.mu.Lock()
	b.waiting = append(b.waiting, calls...)
	start := !b.sending
	b.sending = true
	b.mu.Unlock()
	if start {
		go b.send()
	}
	for _, w := range calls {
		if <-w.news == over {
			continue
		}
		if err := ctx.Err(); err != nil { // without its channel, which some contexts of programs never close
			return err
		}
		select {
		case <-w.news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// send sends one batch after another while calls wait.
func (b *batches) send() {
	for {
		runtime.Gosched() // let goroutines that are about to call join this batch
		batch := b.take()
		if batch == nil {
			return
		}
		if batch = slices.DeleteFunc(batch, (*waiting).ended); len(batch) == 0 {
			continue
		}
		next := time.AfterFunc(batchSlow, func() {
			for _, w := range batch {
				w.news <- late
			}
			b.send()
		})
		b.exec(batch)
		if !next.Stop() {
			return // another goroutine has taken over
		}
	}
}

// take returns the calls of the next batch, or nil if none waits.
func (b *batches) take() []*waiting {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), batchMost)
	if n == 0 {
		b.sending = false
		return nil
	}
	batch := b.waiting[:n]
	b.waiting = append(make([]*waiting, 0, n), b.waiting[n:]...)
	return batch
}

// exec sends batch and fills in the results.
func (b *batches) exec(batch []*waiting) {
	defer func() {
		p := recover() // from a hook of the client
		for _, w := range batch {
			w.panicked = p
			w.news <- over
		}
	}()
	ctx, cancel := limit(batch)
	defer cancel()
	cmds := make([]redis.Cmder, 0, len(batch))
	var reads []*waiting
	for _, w := range batch {
		if w.cmd == nil {
			reads = append(reads, w)
		} else {
			cmds = append(cmds, w.cmd)
			w.err = errBadReply // stands if a hook ends this goroutine
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
		if w.cmd != nil {
			w.err = answered(w.cmd, err)
		}
	}
}

// limit returns the context of a batch, which ends at the latest deadline: with the earliest, a call with
// little time left would fail the batch, and a slow server would get a command for each of the other reads.
func limit(batch []*waiting) (context.Context, context.CancelFunc) {
	ctx := context.Background() // no values: the calls' contexts have different ones
	var until time.Time
	for _, w := range batch {
		deadline, limited := w.ctx.Deadline()
		if !limited {
			return ctx, func() {}
		}
		if deadline.After(until) {
			until = deadline
		}
	}
	return context.WithDeadline(ctx, until)
}

// mget returns the command that gets the records of reads, with tombstones each with its note.
func (b *batches) mget(ctx context.Context, reads []*waiting) *redis.SliceCmd {
	args := append(make([]any, 0, 1+2*len(reads)), "mget")
	for _, r := range reads {
		args = append(args, r.key)
		if b.store.cfg.Tombstones {
			args = append(args, b.store.note(r.key))
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
		r.found = found[i*width : (i+1)*width]
	}
}
