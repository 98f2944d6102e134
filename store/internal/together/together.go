// Package together answers: which calls of one moment go to the server together?
package together

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	// Most is the most calls that go together.
	Most = 128

	// slow is how long to wait for the answer to a batch before the next batch is sent beside it: one
	// connection that hangs must not delay other calls for longer.
	slow = time.Millisecond
)

// Batches gathers calls into batches. The first call starts a goroutine, which ends when no call waits any
// more, so there is nothing to close. It is safe for concurrent use.
type Batches[A any] struct {
	exec func(ctx context.Context, batch []*Call[A])

	mu      sync.Mutex
	waiting []*Call[A] // not yet in a batch
	sending bool       // the goroutine of send runs and will look at waiting again
}

// New returns batches that exec sends. exec gets at most [Most] calls, and fills in their answers. Its
// context ends at the latest deadline of theirs, and never if one has none. With the earliest, a call with
// little time left would fail the batch, and a slow server would get a request for each of the other calls.
// exec may panic, or end its goroutine: then the answers are what they were.
func New[A any](exec func(ctx context.Context, batch []*Call[A])) *Batches[A] {
	return &Batches[A]{exec: exec}
}

// Call is a call that waits for its batch, once. [NewCall] makes it. Asked is what it asks, with room for the
// answer.
type Call[A any] struct {
	Asked    A
	Panicked any // a panic of exec

	ctx  context.Context
	news chan news // with room for one of each
}

// NewCall returns a call of the context that [Batches.Wait] gets.
func NewCall[A any](ctx context.Context, asked A) *Call[A] {
	return &Call[A]{Asked: asked, ctx: ctx, news: make(chan news, 2)}
}

// news is what a call learns of its batch.
type news uint8

const (
	late news = iota // the answer takes longer than slow, or the context ended before the batch was taken
	over             // the batch has been answered or has failed
)

// ended reports whether the context of c has ended. Its caller is then told, and it is not sent.
func (c *Call[A]) ended() bool {
	if c.ctx.Err() == nil {
		return false
	}
	c.news <- late
	return true
}

// Wait returns when the batch of each of calls has been answered or has failed, or if ctx ends first with its
// error. The caller must then not use calls any more. It asks ctx for its channel only when an answer is
// late: to make one, with its timer, takes as long as the rest of a read.
func (b *Batches[A]) Wait(ctx context.Context, calls ...*Call[A]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	b.waiting = append(b.waiting, calls...)
	start := !b.sending
	b.sending = true
	b.mu.Unlock()
	if start {
		go b.send()
	}
	for _, c := range calls {
		if <-c.news == over {
			continue
		}
		if err := ctx.Err(); err != nil { // without its channel, which some contexts of programs never close
			return err
		}
		select {
		case <-c.news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// send sends one batch after another while calls wait.
func (b *Batches[A]) send() {
	for {
		runtime.Gosched() // let goroutines that are about to call join this batch
		batch := b.take()
		if batch == nil {
			return
		}
		if batch = slices.DeleteFunc(batch, (*Call[A]).ended); len(batch) == 0 {
			continue
		}
		next := time.AfterFunc(slow, func() {
			for _, c := range batch {
				c.news <- late
			}
			b.send()
		})
		b.run(batch)
		if !next.Stop() {
			return // another goroutine has taken over
		}
	}
}

// take returns the calls of the next batch, or nil if none waits.
func (b *Batches[A]) take() []*Call[A] {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), Most)
	if n == 0 {
		b.sending = false
		return nil
	}
	batch := b.waiting[:n]
	b.waiting = append(make([]*Call[A], 0, n), b.waiting[n:]...)
	return batch
}

// run sends batch, and tells its callers.
func (b *Batches[A]) run(batch []*Call[A]) {
	defer func() {
		p := recover()
		for _, c := range batch {
			c.Panicked = p
			c.news <- over
		}
	}()
	ctx, cancel := limit(batch)
	defer cancel()
	b.exec(ctx, batch)
}

// limit returns the context of a batch, which has no values: those of the calls' contexts differ.
func limit[A any](batch []*Call[A]) (context.Context, context.CancelFunc) {
	var until time.Time
	for _, c := range batch {
		deadline, limited := c.ctx.Deadline()
		if !limited {
			return context.Background(), func() {}
		}
		if deadline.After(until) {
			until = deadline
		}
	}
	return context.WithDeadline(context.Background(), until)
}

// Hold is for tests: it holds back what waits until send is called once, which sends it as one batch. waiting
// returns how many calls wait. No call may be running.
func (b *Batches[A]) Hold() (waiting func() int, send func()) {
	for idle := false; !idle; runtime.Gosched() { // the goroutine that sent the last batch may be about to end
		b.mu.Lock()
		idle, b.sending = !b.sending, true
		b.mu.Unlock()
	}
	return func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.waiting)
	}, b.send
}
