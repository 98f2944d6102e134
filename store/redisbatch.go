package store

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

const (
	// batchMost is the most records that one command asks for.
	batchMost = 128

	// batchSlow is how long to wait for the answer to a batch before the next batch is sent beside it:
	// one connection that hangs must not delay other reads for longer.
	batchSlow = time.Millisecond
)

// batches reads the records that are asked for at the same moment with one MGET on the store's own client.
// The first read starts a goroutine, which ends when no read waits any more, so there is nothing to close.
//
// It is not go-redis's automatic pipeline: that needs a goroutine for as long as the client lives, and
// sends one GET for each record. One MGET of 16 keys costs the server a quarter of 16 GETs.
type batches struct {
	store   *RedisStore
	refused atomic.Bool // the server does not run MGET at all

	mu      sync.Mutex
	waiting []*waitingRead // not yet in a batch
	sending bool           // the goroutine of send runs and will look at waiting again
}

// waitingRead is a read that waits for its batch.
type waitingRead struct {
	key      string
	deadline time.Time     // of its context; zero if it has none
	done     chan struct{} // closed when the batch has been answered or has failed
	found    []any         // MGET's values for its keys; nil if the batch failed
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
	if err := ctxError(ctx, "get"); err != nil {
		return nil, err
	}
	r := &waitingRead{key: b.store.cfg.Prefix + id, done: make(chan struct{})}
	r.deadline, _ = ctx.Deadline()
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	start := !b.sending
	b.sending = true
	b.mu.Unlock()
	if start {
		go b.send()
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, ctxError(ctx, "get")
	}
	if r.found == nil {
		return b.store.get(ctx, b.store.main, id)
	}
	return b.store.judge(ctx, r.key, r.found)
}

// send sends one batch after another while reads wait.
func (b *batches) send() {
	for {
		runtime.Gosched() // let goroutines that are about to read join this batch
		batch := b.take()
		if batch == nil {
			return
		}
		next := time.AfterFunc(batchSlow, b.send)
		b.read(batch)
		if !next.Stop() {
			return // another goroutine has taken over
		}
	}
}

// take returns the reads of the next batch, or nil if none waits.
func (b *batches) take() []*waitingRead {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), batchMost)
	if n == 0 {
		b.sending = false
		return nil
	}
	batch := b.waiting[:n]
	b.waiting = append(make([]*waitingRead, 0, n), b.waiting[n:]...)
	return batch
}

// read reads the records of batch. Its time limit is the latest deadline among them: with the earliest, one
// read with little time left would fail the batch, and a slow server would get a command for each of the others.
func (b *batches) read(batch []*waitingRead) {
	defer func() {
		_ = recover() // from a hook of the client; it panics again in the reads, which are repeated alone
		for _, r := range batch {
			close(r.done)
		}
	}()
	args := append(make([]any, 0, 1+2*len(batch)), "mget")
	var until time.Time
	limited := true
	for _, r := range batch {
		args = append(args, r.key)
		if b.store.cfg.Tombstones {
			args = append(args, b.store.note(r.key))
		}
		if limited = limited && !r.deadline.IsZero(); r.deadline.After(until) {
			until = r.deadline
		}
	}
	ctx := context.Background() // no values: the reads' contexts have different ones
	if limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	cmd := redis.NewSliceCmd(ctx, args...)
	if err := b.store.main.client.Process(ctx, cmd); err != nil {
		if !b.store.joint.refused(err) && (denied(err) || strings.HasPrefix(err.Error(), "ERR unknown command")) {
			b.refused.Store(true)
		}
		return
	}
	found, width := cmd.Val(), (len(args)-1)/len(batch)
	if len(found) != len(args)-1 {
		return
	}
	for i, r := range batch {
		r.found = found[i*width : (i+1)*width]
	}
}
