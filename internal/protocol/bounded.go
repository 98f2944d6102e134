package protocol

import (
	"context"
	"sync"
	"time"
)

// bounded is a context with a deadline, as context.WithDeadline makes it, but it allocates nothing
// until Done is called: it is a field of the Visit, and the timer, the channel and the
// registration with its parent are made by the first Done. A store that only compares the
// deadline, or gives it to a connection, never calls Done. Without this, each load would take
// 1.1 us and 5 allocations more. Parent and deadline are set before use, and end is called
// once, after the wait.
type bounded struct {
	parent   context.Context
	deadline time.Time // the parent's may be earlier

	mu   sync.Mutex
	over bool
	made *cancelable // by Done
}

type cancelable struct {
	context.Context
	stop context.CancelFunc
}

// end releases what Done made, and cancels the context.
func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.made != nil {
		b.made.stop()
	}
}

// Deadline implements [context.Context].
func (b *bounded) Deadline() (time.Time, bool) {
	if earlier, ok := b.parent.Deadline(); ok && earlier.Before(b.deadline) {
		return earlier, true
	}
	return b.deadline, true
}

// Done implements [context.Context].
func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil {
		ctx, stop := context.WithDeadline(b.parent, b.deadline)
		b.made = &cancelable{ctx, stop}
		if b.over {
			stop()
		}
	}
	return b.made.Done()
}

// Err implements [context.Context].
func (b *bounded) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.made != nil:
		return b.made.Err()
	case b.parent.Err() != nil:
		return b.parent.Err()
	case !time.Now().Before(b.deadline):
		return context.DeadlineExceeded
	case b.over:
		return context.Canceled
	}
	return nil
}

// Value implements [context.Context]. If Done made a context, that answers, so that contexts
// derived from b are cancelled with it without a goroutine.
func (b *bounded) Value(key any) any {
	b.mu.Lock()
	made := b.made
	b.mu.Unlock()
	if made != nil {
		return withoutSession(made.Value(key))
	}
	return withoutSession(b.parent.Value(key))
}

// forStore is a context for the store: it has all values of its parent except those that lead to the
// session. The session is locked while it waits for the store. A store, or its log's Handler, that
// used the session would wait for ever.
type forStore struct{ context.Context }

// Value implements [context.Context].
func (c forStore) Value(key any) any { return withoutSession(c.Context.Value(key)) }

// withoutSession returns v, a value of a context, or nil if it leads to the session.
func withoutSession(v any) any {
	if _, leads := v.(interface{ LeadsToSession() }); leads {
		return nil
	}
	return v
}
