package store_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// cutting is a proxy in front of the server at target. It closes one connection when requests or answers
// bytes have passed in that direction; below zero it counts none.
type cutting struct {
	net.Listener
	target            string
	requests, answers atomic.Int64
	links             sync.WaitGroup
}

func newCutting(t *testing.T, target string) *cutting {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutting{Listener: l, target: target}
	c.requests.Store(-1)
	c.answers.Store(-1)
	c.links.Go(c.serve)
	return c
}

func (c *cutting) serve() {
	for {
		client, err := c.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.target)
		if err != nil {
			_ = client.Close()
			return
		}
		c.links.Go(func() { forward(server, client, &c.requests) })
		c.links.Go(func() { forward(client, server, &c.answers) })
	}
}

// forward copies from one connection to the other until one is closed or left bytes have passed.
func forward(to, from net.Conn, left *atomic.Int64) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		most := left.Load()
		cut := most >= 0 && int64(n) > most
		switch {
		case cut:
			n = int(most)
			left.Store(-1)
		case most >= 0:
			left.Add(-int64(n))
		}
		if _, broken := to.Write(buffer[:n]); err != nil || broken != nil || cut {
			return
		}
	}
}

// TestABatchThatIsCutAnywhere, after each byte of its answers and after every few of its commands: a call
// that is answered has its own answer and has been executed, the rest is an outage, and nothing is executed
// twice.
func TestABatchThatIsCutAnywhere(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	direct, err := store.Redis(c, store.RedisConfig{Name: "test", NoBatches: true})
	if err != nil {
		t.Fatal(err)
	}
	proxy := newCutting(t, m.Addr())
	defer proxy.links.Wait()
	defer proxy.Close()
	through := redis.NewClient(&redis.Options{Addr: proxy.Addr().String(), ContextTimeoutEnabled: true})
	defer through.Close()
	batched, err := store.Redis(through, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	connects := func() error { // in go-redis's own pool for pipelines
		_, err := through.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.Ping(t.Context()).Err() })
		return err
	}
	batchIsCut(t, direct, batched, "nowhere", connects, func() bool { return false }) // loads the scripts
	var counters []string
	for name, way := range map[string]struct {
		left  *atomic.Int64
		steps int
	}{"commands": {&proxy.requests, 13}, "answers": {&proxy.answers, 1}} {
		for bytes, missed := 0, false; !missed; bytes += way.steps {
			where := fmt.Sprintf("after %d bytes of the %s", bytes, name)
			counters = append(counters, where)
			connect := func() error {
				err := connects()
				way.left.Store(int64(bytes))
				return err
			}
			batchIsCut(t, direct, batched, where, connect, func() bool {
				missed = way.left.Swap(-1) >= 0
				return !missed
			})
		}
	}
	for _, where := range counters { // what was late has been executed, too
		if n, _, err := direct.Counter.Add(t.Context(), where, 0, time.Hour); n < 100 || n > 101 || err != nil {
			t.Errorf("cut %s: the count is %d, error %v, want 100 or 101", where, n, err)
		}
	}
}

// batchIsCut sends one batch, which is cut where connect has arranged it. cut reports afterwards whether it
// was. The keys of the batch are its own: what is late must not meet the next batch.
func batchIsCut(t *testing.T, direct, batched *store.RedisStores, where string, connect func() error,
	cut func() bool,
) {
	t.Helper()
	ctx, sessions, other := t.Context(), batched.Sessions, direct.Sessions
	own := "own " + where // what only this batch's answers have
	for _, id := range []string{"update", "conflict", "end", "read"} {
		create(t, other, id+where, own)
	}
	if err := direct.Tokens.Put(ctx, where, []byte(own), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, _, err := direct.Counter.Add(ctx, where, 100, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := connect(); err != nil {
		t.Fatal(err)
	}
	var count int64
	var token, read []byte
	var taken bool
	errs := gathered(
		t, sessions,
		func() (err error) { count, _, err = batched.Counter.Add(ctx, where, 1, time.Hour); return err },
		func() error { return sessions.Create(ctx, "new"+where, []byte(own), time.Hour) },
		func() error { return sessions.Update(ctx, "update"+where, []byte(own), []byte("done"), time.Hour) },
		func() error { return sessions.Update(ctx, "conflict"+where, []byte("x"), []byte("y"), time.Hour) },
		func() (err error) { token, taken, err = batched.Tokens.Take(ctx, where); return err },
		func() error { _, err := sessions.End(ctx, "end"+where, []byte(own), "next", time.Hour); return err },
		func() (err error) { read, err = sessions.Get(ctx, "read"+where); return err },
	)
	broken := cut()
	for i, err := range errs {
		conflict, _ := errors.AsType[*session.Conflict](err)
		known := errors.Is(err, session.ErrExists) || errors.Is(err, session.ErrNotFound) || conflict != nil && i != 3
		if known || err != nil && !broken && i != 3 {
			t.Errorf("cut %s, call %d: got error %v, want an outage where it was cut", where, i, err)
		}
	}
	if errs[0] == nil && count != 101 {
		t.Errorf("cut %s: the count is %d, want 101", where, count)
	}
	for i, want := range map[int][2]string{1: {"new", own}, 2: {"update", "done"}, 5: {"end", ""}} {
		if got, err := other.Get(ctx, want[0]+where); errs[i] == nil && string(got) != want[1] {
			t.Errorf("cut %s: call %d was answered, and the record is %q, error %v; want %q", where, i, got, err, want[1])
		}
	}
	if c, ok := errors.AsType[*session.Conflict](errs[3]); errs[3] == nil || ok && string(c.Current) != own {
		t.Errorf("cut %s: a conflict has the answer %v with %v, want %q", where, errs[3], c, own)
	}
	if errs[4] == nil && (!taken || string(token) != own) {
		t.Errorf("cut %s: took %q, %t, want %q", where, token, taken, own)
	}
	if errs[6] != nil || string(read) != own { // it is read again alone
		t.Errorf("cut %s: read %q, error %v, want %q", where, read, errs[6], own)
	}
}
