package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func TestWhichClientsSendTogether(t *testing.T) {
	m := miniredis.RunT(t)
	options := &redis.Options{Addr: m.Addr()}
	client := redis.NewClient(options)
	cache := redis.NewClient(&redis.Options{Addr: m.Addr(), Protocol: 3, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}})
	failover := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{m.Addr()}})
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{m.Addr()}})
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": m.Addr()}})
	pipeline := pipelined(t, client.AsyncAutoPipeline)
	for name, row := range map[string]struct {
		client store.RedisClient
		cfg    store.RedisConfig
		reads  bool
		writes bool
	}{
		"a client":                          {client, store.RedisConfig{}, true, true},
		"a client of Sentinel":              {failover, store.RedisConfig{}, true, true},
		"a client that is told not to":      {client, store.RedisConfig{NoBatches: true}, false, false},
		"a client with a pipeline":          {client, store.RedisConfig{Pipeline: pipeline}, false, true},
		"a client beside one for reads":     {client, store.RedisConfig{Reads: cache}, false, true},
		"a client with a client-side cache": {cache, store.RedisConfig{}, false, true},
		"a pipeline":                        {pipeline, store.RedisConfig{}, false, false},
		"a cluster":                         {cluster, store.RedisConfig{}, false, false},
		"a ring":                            {ring, store.RedisConfig{}, false, false},
	} {
		r := newRedis(t, row.client, row.cfg)
		if reads, writes := store.ReadsTogether(r), store.SendsTogether(r); reads != row.reads || writes != row.writes {
			t.Errorf("%s: reads go together: %t, scripts: %t; want %t and %t", name, reads, writes, row.reads, row.writes)
		}
	}
	for _, c := range []interface{ Close() error }{client, cache, failover, cluster, ring} {
		_ = c.Close()
	}
}

func TestReadsTogetherKeepTheContract(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	defer c.Close()
	for name, cfg := range configs {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, func(t *testing.T) session.Store {
				m.FlushAll()
				return store.Busy(newRedis(t, c, cfg))
			}, m.FastForward)
		})
	}
}

// TestNothingRunsWhenNothingIsRead: if a goroutine were left, the synctest bubble would fail.
func TestNothingRunsWhenNothingIsRead(t *testing.T) {
	sessiontest.RunInBubble(t, func(t *testing.T) session.Store {
		return store.Busy(newRedis(t, inBubble(t), store.RedisConfig{}))
	})
}

// answers is a hook that answers MGET in place of the server, and records the reads.
type answers struct {
	commands
	mget func() error // nil: the server's answer
}

// ProcessPipelineHook does not record what a new connection sends.
func (*answers) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (a *answers) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return a.commands.ProcessHook(func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "mget" && a.mget != nil {
			if err := a.mget(); err != nil {
				cmd.SetErr(err)
				return err
			}
		}
		return next(ctx, cmd)
	})
}

// batching returns a store whose reads go together, with the record "x" under "id".
func batching(t *testing.T, hook *answers, options ...func(*redis.Options)) (*store.RedisStore, *redis.Client) {
	t.Helper()
	o := &redis.Options{Addr: miniredis.RunT(t).Addr(), ContextTimeoutEnabled: true, PoolSize: 20}
	for _, change := range options {
		change(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	r := store.Busy(newRedis(t, c, store.RedisConfig{}))
	create(t, r, "id", "x")
	c.AddHook(hook)
	return r, c
}

// soon returns a context with a near deadline, as a request has it: the furthest one that a client is left to
// keep by itself.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestReadsGoTogetherWhileSixAreInFlight(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), PoolSize: 20})
	defer c.Close()
	hold := &held{entered: make(chan struct{}), free: make(chan struct{})}
	c.AddHook(hold)
	var seen answers
	c.AddHook(&seen)
	r := newRedis(t, c, store.RedisConfig{})
	create(t, r, "id", "x")
	read := func() {
		if got, err := r.Get(soon(t), "id"); string(got) != "x" || err != nil {
			t.Errorf("Get: got %q and error %v, want x", got, err)
		}
	}
	var reads sync.WaitGroup
	for range 5 {
		reads.Go(read)
		<-hold.entered
	}
	seen.take()
	read()
	if got := seen.take(); got != "mget" {
		t.Errorf("the sixth read sent %q, want mget", got)
	}
	for range 5 {
		hold.free <- struct{}{}
	}
	reads.Wait()
	seen.take()
	for range 64 {
		read()
	}
	if got := seen.take(); got != strings.TrimSpace(strings.Repeat("mget ", 64)) {
		t.Errorf("the 64 reads after that sent %q, want mget", got)
	}
	reads.Go(read)
	<-hold.entered
	hold.free <- struct{}{}
	reads.Wait()
}

// TestEveryReadOfABatchGetsItsOwnRecord, or ErrNotFound if there is none.
func TestEveryReadOfABatchGetsItsOwnRecord(t *testing.T) {
	for _, tombstones := range []bool{false, true} {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
		defer c.Close()
		var seen answers
		c.AddHook(&seen)
		r := store.Busy(newRedis(t, c, store.RedisConfig{Tombstones: tombstones}))
		const n = 1000
		for i := range n {
			if i%3 != 0 {
				create(t, r, fmt.Sprint("id", i), fmt.Sprint("record ", i))
			}
			if i%3 == 2 {
				if _, err := r.End(t.Context(), fmt.Sprint("id", i), nil, "", time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen.take()
		var reads sync.WaitGroup
		for i := range n {
			reads.Go(func() {
				got, err := r.Get(soon(t), fmt.Sprint("id", i))
				if i%3 == 1 && (err != nil || string(got) != fmt.Sprint("record ", i)) {
					t.Errorf("Get(id%d): got %q and error %v", i, got, err)
				}
				if i%3 != 1 && !errors.Is(err, session.ErrNotFound) {
					t.Errorf("Get(id%d): got %q and error %v, want ErrNotFound", i, got, err)
				}
			})
		}
		reads.Wait()
		if sent := strings.Fields(seen.take()); len(sent) > n/2 || slices.Contains(sent, "get") {
			t.Errorf("tombstones: %t: %d reads at once sent %d commands, want a few MGET", tombstones, n, len(sent))
		}
	}
}

func TestABatchThatFailsIsReadAlone(t *testing.T) {
	for name, mget := range map[string]func() error{
		"an error":            func() error { return errors.New("ERR no MGET today") },
		"a broken connection": func() error { return net.ErrClosed },
		"a hook's panic":      func() error { panic("of a hook") },
	} {
		hook := &answers{mget: mget}
		r, _ := batching(t, hook)
		for range 2 {
			if got, err := r.Get(soon(t), "id"); string(got) != "x" || err != nil {
				t.Errorf("%s: got %q and error %v, want x", name, got, err)
			}
			if _, err := r.Get(soon(t), "nobody"); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: got error %v, want ErrNotFound", name, err)
			}
		}
		if got := hook.take(); got != "mget get mget get mget get mget get" {
			t.Errorf("%s: sent %q, want each read again alone", name, got)
		}
	}
}

// TestAServerThatRefusesMGETIsReadAlone: after the first refused batch, every record is read alone.
func TestAServerThatRefusesMGETIsReadAlone(t *testing.T) {
	for _, refusal := range []string{
		"CROSSSLOT Keys in request don't hash to the same slot", // a cluster behind a proxy
		"NOPERM this user has no permissions to run the 'mget' command",
		"ERR unknown command 'MGET', with args beginning with: 'sess:id' ",
	} {
		hook := &answers{mget: func() error { return errors.New(refusal) }}
		r, _ := batching(t, hook)
		for range 3 {
			if got, err := r.Get(soon(t), "id"); string(got) != "x" || err != nil {
				t.Errorf("%s: got %q and error %v, want x", refusal, got, err)
			}
		}
		if got := hook.take(); got != "mget get get get" {
			t.Errorf("%s: sent %q, want one MGET", refusal, got)
		}
	}
}

// TestABatchThatHangsHoldsUpNobodyElse: the next batch goes over another connection.
func TestABatchThatHangsHoldsUpNobodyElse(t *testing.T) {
	entered, free := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	hook := &answers{mget: func() error {
		if !later.Swap(true) {
			close(entered)
			<-free
		}
		return nil
	}}
	r, _ := batching(t, hook)
	var hangs sync.WaitGroup
	hangs.Go(func() {
		if got, err := r.Get(t.Context(), "id"); string(got) != "x" || err != nil {
			t.Errorf("the read that hung: got %q and error %v, want x", got, err)
		}
	})
	<-entered
	for range 3 {
		if got, err := r.Get(soon(t), "id"); string(got) != "x" || err != nil {
			t.Errorf("a read beside one that hangs: got %q and error %v, want x", got, err)
		}
	}
	close(free)
	hangs.Wait()
}

// TestAReadOfABatchEndsWithItsContext, even if the client ignores contexts.
func TestAReadOfABatchEndsWithItsContext(t *testing.T) {
	for _, honours := range []bool{true, false} {
		entered, free := make(chan struct{}, 1), make(chan struct{})
		hook := &answers{mget: func() error { entered <- struct{}{}; <-free; return nil }}
		r, _ := batching(t, hook, func(o *redis.Options) { o.ContextTimeoutEnabled = honours })
		ctx, cancel := context.WithCancel(t.Context())
		var reads sync.WaitGroup
		reads.Go(func() {
			if _, err := r.Get(ctx, "id"); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want context.Canceled", err)
			}
		})
		<-entered
		cancel()
		reads.Wait()
		if _, err := r.Get(ctx, "id"); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: got error %v, want context.Canceled", err)
		}
		close(free)
	}
}

// askedForDone is a context that counts how often it is asked for its channel.
type askedForDone struct {
	context.Context
	n atomic.Int32
}

func (c *askedForDone) Done() <-chan struct{} {
	c.n.Add(1)
	return c.Context.Done()
}

// TestACallOfABatchAsksForNoChannel unless the answer takes a millisecond: the session layer's context makes
// its channel, and a timer, when it is asked for it.
func TestACallOfABatchAsksForNoChannel(t *testing.T) {
	for takes, want := range map[time.Duration]int32{time.Millisecond / 2: 0, 2 * time.Millisecond: 1} {
		synctest.Test(t, func(t *testing.T) {
			c := inBubble(t)
			r := store.Busy(newRedis(t, c, store.RedisConfig{}))
			create(t, r, "id", "x")
			c.AddHook(&slowly{takes: []time.Duration{takes}})
			ctx := &askedForDone{Context: t.Context()}
			if got, err := r.Get(ctx, "id"); string(got) != "x" || err != nil {
				t.Errorf("Get: got %q and error %v, want x", got, err)
			}
			if got := ctx.n.Load(); got != want {
				t.Errorf("an answer after %v: the context was asked for its channel %d times, want %d", takes, got, want)
			}
		})
	}
}

// TestADeadlineInABatchEndsNobodyElse: a read with little time left must not make the others of its
// batch be repeated one by one, over new connections to a server that is slow already.
func TestADeadlineInABatchEndsNobodyElse(t *testing.T) {
	for _, other := range []time.Duration{time.Hour, 0} { // 0: none
		synctest.Test(t, func(t *testing.T) {
			c := inBubble(t)
			r := store.Busy(newRedis(t, c, store.RedisConfig{}))
			create(t, r, "id", "x")
			slow := &slowly{takes: []time.Duration{time.Millisecond / 2, time.Second}}
			c.AddHook(slow)
			var reads sync.WaitGroup
			read := func(limit time.Duration, want error) {
				reads.Go(func() {
					ctx, began := t.Context(), time.Now()
					if limit > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, limit)
						defer cancel()
					}
					got, err := r.Get(ctx, "id")
					if !errors.Is(err, want) || want == nil && string(got) != "x" || want != nil && time.Since(began) != limit {
						t.Errorf("a read with %v of time: got %q and error %v after %v, want error %v", limit, got, err, time.Since(began), want)
					}
				})
			}
			read(other, nil)
			synctest.Wait() // the next two have one batch after this one
			read(10*time.Millisecond, context.DeadlineExceeded)
			read(other, nil)
			reads.Wait()
			if got := slow.take(); got != "mget mget" {
				t.Errorf("sent %q, want two mget", got)
			}
		})
	}
}

// slowly is answers by a server that takes so long for each command in turn, if the caller has the time.
type slowly struct {
	answers
	takes []time.Duration
}

func (s *slowly) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return s.answers.ProcessHook(func(ctx context.Context, cmd redis.Cmder) error {
		takes := time.Duration(0)
		if s.mu.Lock(); len(s.takes) > 0 {
			takes, s.takes = s.takes[0], s.takes[1:]
		}
		s.mu.Unlock()
		select {
		case <-time.After(takes):
			return next(ctx, cmd)
		case <-ctx.Done():
			cmd.SetErr(ctx.Err())
			return ctx.Err()
		}
	})
}

// TestAClosedClientIsAnOutage with an error that says so, for both stores that use the client.
func TestAClosedClientIsAnOutage(t *testing.T) {
	var hook answers
	r, c := batching(t, &hook)
	other := store.Busy(newRedis(t, c, store.RedisConfig{Prefix: "other:"}))
	create(t, other, "id", "y")
	for s, want := range map[*store.RedisStore]string{r: "x", other: "y"} {
		if got, err := s.Get(soon(t), "id"); string(got) != want || err != nil {
			t.Errorf("got %q and error %v, want %s", got, err, want)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*store.RedisStore{r, other} {
		_, err := s.Get(soon(t), "id")
		if !errors.Is(err, redis.ErrClosed) || errors.Is(err, session.ErrNotFound) {
			t.Errorf("got error %v, want redis.ErrClosed", err)
		}
	}
}

// TestReadsTogetherKeepThePoolsLimit, and do not block a client with one connection.
func TestReadsTogetherKeepThePoolsLimit(t *testing.T) {
	var hook answers
	r, c := batching(t, &hook, func(o *redis.Options) { o.PoolSize = 1 })
	var reads sync.WaitGroup
	for range 100 {
		reads.Go(func() {
			if got, err := r.Get(t.Context(), "id"); string(got) != "x" || err != nil {
				t.Errorf("got %q and error %v, want x", got, err)
			}
		})
	}
	reads.Wait()
	if got := c.PoolStats().TotalConns; got != 1 {
		t.Errorf("the client has %d connections, want 1", got)
	}
}
