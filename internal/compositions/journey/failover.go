package journey

import (
	"context"
	"errors"
	"net"
	"strings"
)

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
		l.execute(f)
	}
}

// execute executes a command of a primary, and records it for replicas that come later.
func (n *node) execute(f func(*node)) {
	f(n.set())
	n.records(f)
}

// records records a command that the node has executed, and passes it on to the node's own replica for reads.
func (n *node) records(f func(*node)) {
	if n.history = append(n.history, f); n.reader != nil {
		f(n.reader.set())
	}
}

// fallBehind stops the updates, and reports whether it did.
func (l *follower) fallBehind() bool {
	if l == nil || l.behind {
		return false
	}
	l.behind = true
	l.copies.stop()
	return true
}

// catchUp executes the missed commands.
func (l *follower) catchUp() {
	if l == nil {
		return
	}
	for _, f := range l.backlog {
		l.execute(f)
	}
	l.behind, l.backlog = false, nil
}

// empty deletes everything.
func (n *node) empty() error {
	n.history = nil
	if n.reader != nil {
		return errors.Join(n.flush(), n.reader.flush())
	}
	return n.flush()
}

// hand passes a command on to the replicas.
func (c *cluster) hand(f func(*node)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first.copies != nil {
		return // the servers do it
	}
	c.first.records(f)
	c.replica.hand(f)
	c.lagging.hand(f)
}

// empty deletes everything at the primary and its replicas, which do not lag any more.
func (c *cluster) empty() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.first.empty()
	c.announce() // subscriptions are lost too
	for _, l := range []*follower{c.replica, c.lagging} {
		switch {
		case l == nil:
		case l.copies == nil:
			l.behind, l.backlog = false, nil
			err = errors.Join(err, l.empty())
		case l.behind:
			l.behind = false
			l.copies.follow(c.first.copies)
		}
	}
	return err
}

// fallBehind stops the updates of the replica that may take over, and reports whether it did.
func (c *cluster) fallBehind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replica.fallBehind()
}

// failOver makes the replica, if there is one, the primary, with the data that it has. late is whether it had
// fallen behind.
func (c *cluster) failOver() (done, late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replica == nil {
		return false, false
	}
	if c.lagging != nil {
		c.lagging.close()
		c.lagging = nil
	}
	late = c.replica.behind
	c.first.copies.die(c.replica.copies)
	c.old, c.first, c.replica = c.first, c.replica.node, nil
	c.announce()
	return true, late
}

// swap makes requests reach the old primary as it was, and reports whether they did not before.
func (c *cluster) swap() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.old == nil || c.itself {
		return false
	}
	c.old.copies.revive()
	c.itself, c.old, c.first = true, c.first, c.old
	c.announce()
	return true
}

// rejoin makes the old primary a replica of the new one, and reports whether there was one, and whether
// requests reached it until then.
func (c *cluster) rejoin() (done, itself bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.old == nil {
		return false, false
	}
	if itself = c.itself; itself {
		c.itself, c.old, c.first = false, c.first, c.old
		c.announce()
	}
	back := c.old
	c.old, c.replica = nil, &follower{node: back}
	if back.copies != nil {
		back.copies.follow(c.first.copies)
		return true, itself
	}
	_ = back.empty()
	for _, f := range c.first.history {
		back.execute(f)
	}
	return true, itself
}

// errMoved ends a subscription when another node becomes the primary, or has lost everything.
var errMoved = errors.New("another node is the primary")

// whenMoved returns a channel that is closed then.
func (c *cluster) whenMoved() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moved == nil {
		c.moved = make(chan struct{})
	}
	return c.moved
}

// announce ends the subscriptions. The caller holds mu.
func (c *cluster) announce() {
	if c.moved != nil {
		close(c.moved)
	}
	c.moved = nil
}

// Writes that a replica has to confirm (store.RedisConfig.Replicas). Real servers are asked by WAIT.

const tooFew = "too few replicas confirmed the write"

// unconfirmed reports whether a write was, or may have been, executed, but counts as an outage.
func unconfirmed(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return err != nil && strings.Contains(err.Error(), tooFew) || ok && timeout.Timeout()
}

// cutOff reports whether no replica has what the primary executes now.
func (c *cluster) cutOff() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replica == nil || c.replica.behind
}

// unacked returns the error of a write that the primary has answered with err.
func (c *cluster) unacked(err error) error {
	if c.confirm && c.first.copies == nil && answered(err) && c.cutOff() {
		return errors.New(tooFew)
	}
	return err
}

// failovers are the steps of whoever runs the servers.
var failovers = []action{
	{"the replica falls behind", 3, func(w *world, _ context.Context, _ Step) *request {
		if w.stores.fallBehind() {
			w.model.Keep()
		}
		return nil
	}, nil},
	{"the replica takes over", 2, func(w *world, _ context.Context, _ Step) *request {
		w.back()
		if done, late := w.stores.failOver(); done {
			w.model.FailOver(late)
		}
		return nil
	}, nil},
	{"the old primary is back", 3, func(w *world, _ context.Context, _ Step) *request {
		w.back()
		if done, itself := w.stores.rejoin(); done {
			w.model.Rejoin(itself)
		}
		return nil
	}, nil},
	{"the old primary is back as itself", 2, func(w *world, _ context.Context, _ Step) *request {
		w.back()
		if w.stores.swap() {
			w.model.Itself()
		}
		return nil
	}, nil},
}
