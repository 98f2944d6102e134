package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// grain is how late a wait for a connection may end, after its deadline.
const grain = 10 * time.Millisecond

// deadlines makes contexts whose channel closes when their deadline has come. All
// whose deadline lies in the same grain share one channel and one timer, where
// context.WithDeadline makes both for each, and go-redis asks for the channel at every
// command, to wait for a connection.
type deadlines struct {
	mu   sync.Mutex
	last atomic.Pointer[moment]
}

// moment is a grain of time at whose end done closes.
type moment struct {
	end  time.Time
	done chan struct{}
}

// at returns the channel that closes at deadline, or up to a grain later.
func (d *deadlines) at(deadline time.Time) <-chan struct{} {
	if m := d.last.Load(); m.covers(deadline) {
		return m.done
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.last.Load(); m.covers(deadline) {
		return m.done
	}
	m := &moment{end: deadline.Add(grain), done: make(chan struct{})}
	time.AfterFunc(time.Until(m.end), func() { close(m.done) })
	d.last.Store(m)
	return m.done
}

// covers reports whether m ends at deadline or up to a grain later.
func (m *moment) covers(deadline time.Time) bool {
	if m == nil {
		return false
	}
	late := m.end.Sub(deadline)
	return late >= 0 && late <= grain
}

// timed is a context with a deadline for one command on a client that honours
// deadlines by itself. Its channel tells of the deadline only: what cancels the
// context under it is seen before the command is sent, and by Err.
type timed struct {
	context.Context
	done <-chan struct{}
}

// Done implements [context.Context].
func (t *timed) Done() <-chan struct{} { return t.done }

// Err implements [context.Context]. It is never nil when the channel is closed.
func (t *timed) Err() error {
	if err := t.Context.Err(); err != nil {
		return err
	}
	select {
	case <-t.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
