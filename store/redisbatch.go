package store

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

const (
	// batchMost is how many records one command asks for.
	batchMost = 128

	// batchSlow is how long an answer may take before the reads that came meanwhile are
	// sent by a command of their own: a connection that hangs delays nobody else for longer.
	batchSlow = time.Millisecond
)

// batches reads the records that are asked for at the same moment by one MGET on the store's
// own client. The first read starts a goroutine, which ends when no read waits any more: there
// is nothing to close.
//
// It is not go-redis's automatic pipeline, which is a goroutine for as long as the client lives,
// and which sends a GET for each record: one MGET of 16 keys costs the server a quarter of 16 GETs.
type batches struct {
	store *RedisStore

	mu      sync.Mutex
	waiting []*waitingRead // in no batch yet
	sending bool           // send runs, and has not found waiting empty since
}

// waitingRead is a read that waits for its batch.
type waitingRead struct {
	key      string
	deadline time.Time     // of its context; zero: none
	done     chan struct{} // closed when the batch is over
	found    []any         // what MGET answered for its keys; nil: nothing, the batch failed
}

// get reads the record of id together with others. If that fails, for whatever reason, the record
// is asked for alone, so that an error is always that of the read's own command and context.
func (b *batches) get(ctx context.Context, id string) ([]byte, error) {
	if !contract.ValidID(id) {
		return nil, unknown(ctx, "get")
	}
	if b.store.joint.denied.Load() { // there is a cluster behind a proxy
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
	if main := b.store.main; main.bounded && !r.deadline.IsZero() && time.Until(r.deadline) <= maxWait {
		<-r.done // at the deadline at the latest, as sender.send has it
	} else {
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, ctxError(ctx, "get")
		}
	}
	if r.found == nil {
		return b.store.get(ctx, b.store.main, id)
	}
	return b.store.judge(ctx, r.key, r.found)
}

// send sends one batch after another while reads wait.
func (b *batches) send() {
	for {
		runtime.Gosched() // who is about to read joins this batch
		batch := b.take()
		if batch == nil {
			return
		}
		next := time.AfterFunc(batchSlow, b.send)
		b.read(batch)
		if !next.Stop() {
			return // the next batch was sent meanwhile
		}
	}
}

// take returns the reads of the next batch, nil if none waits.
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

// read asks for the records of batch, until the first of its deadlines.
func (b *batches) read(batch []*waitingRead) {
	defer func() {
		_ = recover() // a hook of the client: it panics again for each read that is repeated alone
		for _, r := range batch {
			close(r.done)
		}
	}()
	args := append(make([]any, 0, 1+2*len(batch)), "mget")
	var until time.Time
	for _, r := range batch {
		args = append(args, r.key)
		if b.store.cfg.Tombstones {
			args = append(args, b.store.note(r.key))
		}
		if !r.deadline.IsZero() && (until.IsZero() || r.deadline.Before(until)) {
			until = r.deadline
		}
	}
	ctx := context.Background() // the values of one read's context are not those of another
	if !until.IsZero() {
		limited, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		ctx = limited
	}
	cmd := redis.NewSliceCmd(ctx, args...)
	if err := b.store.main.client.Process(ctx, cmd); err != nil {
		b.store.joint.refused(err)
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
