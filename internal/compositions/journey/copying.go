package journey

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
)

// Pair is two redis-servers of which one copies the other. Make one with NewPair.
type Pair struct {
	servers [2]*redistest.Server
	clients [2]*redis.Client
	died    [2]bool
	work    chan func() error // is executed outside of the journey's synthetic time
	done    chan error
	err     error // the first one
}

// NewPair starts the servers. They run until the end of the test.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	p := &Pair{work: make(chan func() error), done: make(chan error)}
	for i := range p.servers {
		p.servers[i] = redistest.Start(t, "--repl-diskless-sync-delay", "0")
		p.clients[i] = p.servers[i].Client(t)
	}
	go func() {
		for f := range p.work {
			p.done <- f()
		}
	}()
	t.Cleanup(func() { close(p.work) })
	return p
}

// confirming is session.Config.StoreTimeout where a replica has to confirm writes: so long a write waits if
// there is none.
const confirming = 100 * time.Millisecond

// RunFailOver is Run with a primary and its replica, which copies by itself. Steps in which time passes are
// left out: the servers have real time.
func RunFailOver(t *testing.T, j Journey, p *Pair) *Failure {
	j.Switches.Store, j.Switches.Lag, j.Switches.Outage = 1, 0, max(j.Switches.Outage, 2)
	j.Steps = withoutClock(j.Steps)
	first, second := &copying{pair: p}, &copying{pair: p, number: 1}
	p.do(func() error {
		for _, c := range []*copying{first, second} {
			if err := errors.Join(c.start(), c.call("replicaof", "no", "one"), c.call("flushall")); err != nil {
				return err
			}
		}
		return nil
	})
	second.follow(first)
	next := []*copying{first, second}
	f := j.run(t, servers{timeout: confirming, redis: func() *server {
		c := next[0]
		next = next[1:]
		s := serverAt(p.servers[c.number].Addr, 0)
		s.copies = c
		return s
	}})
	if p.err != nil {
		t.Fatalf("the servers: %v", p.err)
	}
	return f
}

// do executes f where time is real.
func (p *Pair) do(f func() error) {
	p.work <- f
	if err := <-p.done; p.err == nil {
		p.err = err
	}
}

// copying is a real server that copies what another one executes, or that is copied. A nil one does nothing.
type copying struct {
	pair   *Pair
	number int
	of     *copying // the one that it copies
}

// follow makes the server a copy of another one, and waits until it is.
func (c *copying) follow(of *copying) {
	if c == nil {
		return
	}
	c.of = of
	host, port, _ := net.SplitHostPort(c.pair.servers[of.number].Addr)
	c.pair.do(func() error {
		return errors.Join(c.start(), c.call("replicaof", host, port), c.inStep())
	})
}

// stop ends the copying, after all that was executed until now.
func (c *copying) stop() {
	if c != nil && c.of != nil {
		c.pair.do(func() error { return errors.Join(c.inStep(), c.call("replicaof", "no", "one")) })
		c.of = nil
	}
}

// die ends the server. It keeps its data for when it is back. next copies no more.
func (c *copying) die(next *copying) {
	if c == nil {
		return
	}
	next.stop()
	c.pair.do(func() error {
		err := redistest.Poll(func(context.Context) error { return c.call("save") }) // not beside one for a replica
		c.pair.servers[c.number].Kill()
		c.pair.died[c.number] = true
		return err
	})
}

// revive starts the server again, with the data that it had.
func (c *copying) revive() {
	if c != nil {
		c.pair.do(c.start)
	}
}

func (c *copying) start() error {
	if !c.pair.died[c.number] {
		return nil
	}
	c.pair.died[c.number] = false
	return c.pair.servers[c.number].Restart()
}

func (c *copying) client() *redis.Client { return c.pair.clients[c.number] }

func (c *copying) call(args ...any) error { return c.client().Do(context.Background(), args...).Err() }

var (
	linkUp = regexp.MustCompile(`master_link_status:up`)
	offset = regexp.MustCompile(`(?:master|slave)_repl_offset:(\d+)`)
)

// inStep waits until the server has all that the one has which it copies.
func (c *copying) inStep() error {
	return redistest.Poll(func(ctx context.Context) error {
		theirs, err := c.of.client().Info(ctx, "replication").Result()
		if err != nil {
			return err
		}
		own, err := c.client().Info(ctx, "replication").Result()
		if err != nil {
			return err
		}
		a, b := offset.FindStringSubmatch(theirs), offset.FindStringSubmatch(own)
		if a == nil || b == nil || a[1] != b[1] || !linkUp.MatchString(own) {
			return fmt.Errorf("the replica is not in step: %v, want %v", b, a)
		}
		return nil
	})
}
