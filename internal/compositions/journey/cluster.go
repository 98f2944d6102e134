package journey

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// cluster is a primary that passes executed commands on to a replica, which may take over, and to one from
// which records are read. Each gets them at once, or later while it is behind. The replicas execute the
// same commands instead of copying keys; the result is the same. Real servers copy the keys themselves.
type cluster struct {
	mu      sync.Mutex
	first   *node              // the primary
	old     *node              // the one before it; nil if it is a replica now, or there was none
	itself  bool               // first is the old primary that is back as itself, and old is the new one
	confirm bool               // a write counts only if the replica has it
	moved   chan struct{}      // is closed when another node becomes the primary
	replica *follower          // may take over; may be nil
	lagging *follower          // records are read from it; may be nil
	cached  bool               // records are read from a cache that is notified of changes
	notes   time.Duration      // how long the note of an end lives at most
	says    string             // the error with which the primary answers
	wrote   func(ids []string) // is called with records that ended together
}

func (c *cluster) master() *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first.set()
}

// all calls f for each node.
func (c *cluster) all(f func(*node)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes := []*node{c.first, c.old}
	for _, l := range []*follower{c.replica, c.lagging} {
		if l != nil {
			nodes = append(nodes, l.node)
		}
	}
	for _, n := range nodes {
		if n != nil { // the cluster may have failed to start
			if f(n); n.reader != nil {
				f(n.reader)
			}
		}
	}
}

// refuse makes the primary answer every command with that error, until text is empty.
func (c *cluster) refuse(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.says = text
	c.first.refuse(text)
	if c.first.reader != nil {
		c.first.reader.refuse(text)
	}
}

// ask makes the primary answer the test's own commands until done is called.
func (c *cluster) ask() (done func()) {
	text := c.says
	c.refuse("")
	return func() { c.refuse(text) }
}

// answered reports whether a sessions' store has executed a command that returned err.
func answered(err error) bool {
	var conflict *session.Conflict
	return err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) || errors.As(err, &conflict)
}

// left returns how much of a time to live is left at a replica that executes a command later; at least 0.
func left(until time.Time) time.Duration { return max(time.Until(until), 0) }

// leftOf is left of what a later command may prolong: at least 1 ms, so that it is there for that.
func leftOf(until time.Time) time.Duration { return max(time.Until(until), time.Millisecond) }

// The sessions.

type clusterSessions struct {
	*cluster
	lags bool // records are read from the replica that may lag
	acks bool // with cluster.confirm
}

var _ fullStore = clusterSessions{}

func (c clusterSessions) Get(ctx context.Context, id string) ([]byte, error) {
	if from := c.lagging; c.lags && from != nil {
		return from.set().sessions.Get(ctx, id)
	}
	return c.master().sessions.Get(ctx, id)
}

// primary returns the sessions of the primary.
func (c clusterSessions) primary() fullStore {
	n := c.master()
	if n.plain != nil && !c.acks {
		return n.plain
	}
	return n.sessions
}

// Listen implements [session.Notifier] if the store does. It ends when another node becomes the primary.
func (c clusterSessions) Listen(ctx context.Context, tell func(string)) error {
	n, ok := c.master().sessions.(session.Notifier)
	if !ok {
		return errors.ErrUnsupported
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	moved := c.whenMoved()
	go func() {
		select {
		case <-moved:
			end(errMoved)
		case <-ctx.Done():
		}
	}()
	err := n.Listen(ctx, tell)
	if errors.Is(context.Cause(ctx), errMoved) {
		return errMoved
	}
	return err
}

// Notify implements [session.ChangeNotifier] if the store does.
func (c clusterSessions) Notify(ctx context.Context, notice string) error {
	if n, ok := c.master().sessions.(session.ChangeNotifier); ok {
		return n.Notify(ctx, notice)
	}
	return errors.ErrUnsupported
}

// acked returns the error of a write that the primary has answered with err.
func (c clusterSessions) acked(err error) error {
	if c.acks {
		return c.unacked(err)
	}
	return err
}

func (c clusterSessions) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	return c.master().sessions.GetPrimary(ctx, id)
}

func (c clusterSessions) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	return c.master().sessions.GetMany(ctx, ids)
}

func (c clusterSessions) Labelled(ctx context.Context, label string) ([]string, error) {
	return c.master().sessions.Labelled(ctx, label)
}

func (c clusterSessions) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	err := c.primary().Create(ctx, id, data, ttl)
	if err == nil {
		data, until := slices.Clone(data), time.Now().Add(ttl)
		c.hand(func(n *node) { _ = n.sessions.Create(context.Background(), id, data, leftOf(until)) })
	}
	return c.acked(err)
}

func (c clusterSessions) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	err := c.primary().Update(ctx, id, old, new, ttl)
	if err == nil {
		old, new, until := slices.Clone(old), slices.Clone(new), time.Now().Add(ttl)
		c.hand(func(n *node) { _ = n.sessions.Update(context.Background(), id, old, new, leftOf(until)) })
	}
	return c.acked(err)
}

func (c clusterSessions) Delete(ctx context.Context, id string, old []byte) error {
	err := c.primary().Delete(ctx, id, old)
	if err == nil {
		c.hand(func(n *node) { _ = n.sessions.Delete(context.Background(), id, nil) })
	}
	return c.acked(err)
}

func (c clusterSessions) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	old = slices.Clone(old)
	successor, err := c.primary().End(ctx, id, old, next, life)
	if answered(err) { // it may leave a note even if there is no record
		until := time.Now().Add(min(life, c.notes))
		c.hand(func(n *node) { _, _ = n.sessions.End(context.Background(), id, old, next, left(until)) })
	}
	return successor, c.acked(err)
}

func (c clusterSessions) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	successors, err := c.primary().EndMany(ctx, ids, life)
	if err == nil || unconfirmed(err) {
		c.wrote(ids)
	}
	if err == nil {
		until := time.Now().Add(life)
		c.hand(func(n *node) { _, _ = n.sessions.EndMany(context.Background(), ids, left(until)) })
	}
	return successors, c.acked(err)
}

func (c clusterSessions) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	err := c.primary().AddLabel(ctx, label, id, deadline)
	if err == nil {
		c.hand(func(n *node) { _ = n.sessions.AddLabel(context.Background(), label, id, deadline) })
	}
	return c.acked(err)
}

func (c clusterSessions) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	err := c.primary().RemoveLabel(ctx, label, ids...)
	if err == nil {
		c.hand(func(n *node) { _ = n.sessions.RemoveLabel(context.Background(), label, ids...) })
	}
	return c.acked(err)
}

// What strategies keep.

type clusterCells struct{ *cluster }

func (c clusterCells) Load(ctx context.Context, key string) ([]byte, error) {
	return c.master().cells.Load(ctx, key)
}

func (c clusterCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	found, swapped, err := c.master().cells.Swap(ctx, key, old, new, ttl)
	if swapped {
		new, until := slices.Clone(new), time.Now().Add(ttl)
		c.hand(func(n *node) { // what it replaced may be expired, and not yet be at a replica
			old, _ := n.cells.Load(context.Background(), key)
			_, _, _ = n.cells.Swap(context.Background(), key, old, new, leftOf(until))
		})
	}
	if err = c.unacked(err); err != nil {
		swapped = false
	}
	return found, swapped, err
}

type clusterCounter struct{ *cluster }

func (c clusterCounter) Add(ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
	count, reset, err := c.master().counter.Add(ctx, key, n, window)
	if err == nil {
		until := time.Now().Add(reset)
		c.hand(func(m *node) {
			if left := left(until); left >= time.Millisecond { // else the counter is forgotten
				_, _, _ = m.counter.Add(context.Background(), key, n, left)
			}
		})
	}
	return count, reset, c.unacked(err)
}
