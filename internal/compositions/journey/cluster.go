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
// same commands instead of copying keys; the result is the same.
type cluster struct {
	mu      sync.Mutex
	first   *node              // the primary
	reader  *node              // the replica for reads of the first primary, never behind; nil: the primary
	replica *follower          // may take over; may be nil
	lagging *follower          // records are read from it; may be nil
	cached  bool               // records are read from a cache that is notified of changes
	says    string             // the error with which the primary answers
	wrote   func(ids []string) // is called with records that ended together
}

func (c *cluster) master() *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first.set()
}

// follower is a node that gets what the primary has executed, at once, or later while it is behind. A nil
// follower ignores everything.
type follower struct {
	*node
	behind  bool
	backlog []func(*node)
}

func (l *follower) hand(f func(*node)) {
	switch {
	case l == nil:
	case l.behind:
		l.backlog = append(l.backlog, f)
	default:
		f(l.set())
	}
}

// fallBehind stops the updates, and reports whether it did.
func (l *follower) fallBehind() bool {
	if l == nil || l.behind {
		return false
	}
	l.behind = true
	return true
}

// catchUp executes the missed commands.
func (l *follower) catchUp() {
	if l == nil {
		return
	}
	for _, f := range l.backlog {
		f(l.set())
	}
	l.behind, l.backlog = false, nil
}

// hand passes a command on to the replicas.
func (c *cluster) hand(f func(*node)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reader != nil {
		f(c.reader.set())
	}
	c.replica.hand(f)
	c.lagging.hand(f)
}

// catchUp lets the replica that may take over catch up.
func (c *cluster) catchUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replica.catchUp()
}

// fallBehind stops the updates of the replica that may take over, and reports whether it did.
func (c *cluster) fallBehind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replica.fallBehind()
}

// failOver makes the replica, if there is one, the primary, with the data that it has. The old primary does
// not return. late is whether the replica had fallen behind.
func (c *cluster) failOver() (late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replica == nil {
		return false
	}
	c.first.close()
	if c.reader != nil {
		c.reader.close()
		c.reader = nil
	}
	if c.lagging != nil {
		c.lagging.close()
		c.lagging = nil
	}
	late, c.first, c.replica = c.replica.behind, c.replica.node, nil
	return late
}

// all calls f for each node.
func (c *cluster) all(f func(*node)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes := []*node{c.first, c.reader}
	for _, l := range []*follower{c.replica, c.lagging} {
		if l != nil {
			nodes = append(nodes, l.node)
		}
	}
	for _, n := range nodes {
		if n != nil { // the cluster may have failed to start
			f(n)
		}
	}
}

// refuse makes the primary answer every command with that error, until text is empty.
func (c *cluster) refuse(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.says = text
	c.first.refuse(text)
	if c.reader != nil {
		c.reader.refuse(text)
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

// The sessions.

type clusterSessions struct {
	*cluster
	lags bool // records are read from the replica that may lag
}

var _ fullStore = clusterSessions{}

func (c clusterSessions) Get(ctx context.Context, id string) ([]byte, error) {
	if from := c.lagging; c.lags && from != nil {
		return from.set().sessions.Get(ctx, id)
	}
	return c.master().sessions.Get(ctx, id)
}

// Listen implements [session.Notifier] if the store does.
func (c clusterSessions) Listen(ctx context.Context, tell func(string)) error {
	if n, ok := c.master().sessions.(session.Notifier); ok {
		return n.Listen(ctx, tell)
	}
	return errors.ErrUnsupported
}

// Notify implements [session.ChangeNotifier] if the store does.
func (c clusterSessions) Notify(ctx context.Context, notice string) error {
	if n, ok := c.master().sessions.(session.ChangeNotifier); ok {
		return n.Notify(ctx, notice)
	}
	return errors.ErrUnsupported
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
	err := c.master().sessions.Create(ctx, id, data, ttl)
	if err == nil {
		data, until := slices.Clone(data), time.Now().Add(ttl)
		c.hand(func(n *node) {
			if left := time.Until(until); left >= time.Millisecond {
				_ = n.sessions.Create(context.Background(), id, data, left)
			}
		})
	}
	return err
}

func (c clusterSessions) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	err := c.master().sessions.Update(ctx, id, old, new, ttl)
	if err == nil {
		old, new, until := slices.Clone(old), slices.Clone(new), time.Now().Add(ttl)
		c.hand(func(n *node) {
			if left := time.Until(until); left >= time.Millisecond {
				_ = n.sessions.Update(context.Background(), id, old, new, left)
			} else {
				_ = n.sessions.Delete(context.Background(), id, nil)
			}
		})
	}
	return err
}

func (c clusterSessions) Delete(ctx context.Context, id string, old []byte) error {
	err := c.master().sessions.Delete(ctx, id, old)
	if err == nil {
		c.hand(func(n *node) { _ = n.sessions.Delete(context.Background(), id, nil) })
	}
	return err
}

func (c clusterSessions) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	old = slices.Clone(old)
	successor, err := c.master().sessions.End(ctx, id, old, next, life)
	if answered(err) { // it may leave a note even if there is no record
		c.hand(func(n *node) { _, _ = n.sessions.End(context.Background(), id, old, next, life) })
	}
	return successor, err
}

func (c clusterSessions) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	successors, err := c.master().sessions.EndMany(ctx, ids, life)
	if err == nil {
		c.wrote(ids)
		c.hand(func(n *node) { _, _ = n.sessions.EndMany(context.Background(), ids, life) })
	}
	return successors, err
}

func (c clusterSessions) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	err := c.master().sessions.AddLabel(ctx, label, id, deadline)
	if err == nil {
		c.hand(func(n *node) { _ = n.sessions.AddLabel(context.Background(), label, id, deadline) })
	}
	return err
}

func (c clusterSessions) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	err := c.master().sessions.RemoveLabel(ctx, label, ids...)
	if err == nil {
		c.hand(func(n *node) { _ = n.sessions.RemoveLabel(context.Background(), label, ids...) })
	}
	return err
}

// What strategies keep.

type clusterCells struct{ *cluster }

func (c clusterCells) Load(ctx context.Context, key string) ([]byte, error) {
	return c.master().cells.Load(ctx, key)
}

func (c clusterCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	found, swapped, err := c.master().cells.Swap(ctx, key, old, new, ttl)
	if swapped {
		old, new := slices.Clone(old), slices.Clone(new)
		c.hand(func(n *node) { _, _, _ = n.cells.Swap(context.Background(), key, old, new, ttl) })
	}
	return found, swapped, err
}

type clusterCounter struct{ *cluster }

func (c clusterCounter) Add(ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
	count, reset, err := c.master().counter.Add(ctx, key, n, window)
	if err == nil {
		c.hand(func(m *node) { _, _, _ = m.counter.Add(context.Background(), key, n, window) })
	}
	return count, reset, err
}
