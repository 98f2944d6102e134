package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// gathered runs calls at once, and sends what they send together as one batch. It returns their errors.
func gathered(t *testing.T, r *store.RedisStore, calls ...func() error) []error {
	t.Helper()
	waiting, send := store.Gather(store.Busy(r))
	errs := make([]error, len(calls))
	var group sync.WaitGroup
	for i, call := range calls {
		group.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			errs[i] = call()
		})
		for waiting() <= i { // so that they are in order
			runtime.Gosched()
		}
	}
	go send()
	group.Wait()
	return errs
}

// pipelines is a hook that records pipelines, each as the names of its commands, and single commands, but
// not what sets up a connection. It fails those pipelines in the manner of fails.
type pipelines struct {
	commands
	fails func() error // nil: not at all
}

func (p *pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	record := p.commands.ProcessHook(next)
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "hello" {
			return next(ctx, cmd)
		}
		return record(ctx, cmd)
	}
}

func (p *pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "client" {
			return next(ctx, cmds)
		}
		var names []string
		for _, cmd := range cmds {
			names = append(names, cmd.Name())
		}
		p.mu.Lock()
		p.sent = append(p.sent, "("+strings.Join(names, " ")+")")
		p.mu.Unlock()
		if p.fails != nil {
			return p.fails()
		}
		return next(ctx, cmds)
	}
}

// onMiniredis returns a store with the records "a" to "d", all "x", whose server knows the scripts, and
// a hook that has seen nothing yet.
func onMiniredis(t *testing.T, cfg store.RedisConfig) (*store.RedisStore, *miniredis.Miniredis, *pipelines) {
	t.Helper()
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = c.Close() })
	r := newRedis(t, c, cfg)
	for _, id := range []string{"a", "b", "c", "d"} {
		create(t, r, id, "x")
	}
	for _, do := range []func() error{
		func() error { return r.Update(t.Context(), "a", []byte("x"), []byte("x"), time.Hour) },
		func() error { _, err := r.End(t.Context(), "nobody", nil, "", 0); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	hook := new(pipelines)
	c.AddHook(hook)
	_, _ = r.Get(t.Context(), "a") // connects
	hook.take()
	return r, m, hook
}

func TestScriptsGoTogetherWhileSixCallsAreInFlight(t *testing.T) {
	for _, none := range []bool{false, true} {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr(), PoolSize: 20})
		defer c.Close()
		r := newRedis(t, c, store.RedisConfig{NoBatches: none})
		create(t, r, "id", "x")
		hold := &held{entered: make(chan struct{}), free: make(chan struct{})}
		c.AddHook(hold)
		seen := new(pipelines)
		c.AddHook(seen)
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() { _, _ = r.Get(t.Context(), "id") })
			<-hold.entered
		}
		seen.take()
		update := func() error { return r.Update(t.Context(), "id", []byte("x"), []byte("x"), time.Hour) }
		if none {
			if err := errors.Join(update(), update()); err != nil {
				t.Error(err)
			}
		} else {
			waiting, send := store.Gather(r)
			for range 2 {
				calls.Go(func() {
					if err := update(); err != nil {
						t.Error(err)
					}
				})
			}
			for waiting() < 2 {
				runtime.Gosched()
			}
			go send()
		}
		for range 5 {
			hold.free <- struct{}{}
		}
		calls.Wait()
		got := seen.take()
		if together := strings.Contains(got, "(evalsha evalsha)"); together == none {
			t.Errorf("NoBatches %t, two updates beside five reads: sent %q", none, got)
		}
	}
}

func TestEveryCallOfABatchGetsItsOwnAnswer(t *testing.T) {
	for name, cfg := range map[string]store.RedisConfig{"plain": {}, "with tombstones": {Tombstones: true}} {
		r, _, hook := onMiniredis(t, cfg)
		ctx := t.Context()
		errs := gathered(
			t, r,
			func() error { return r.Create(ctx, "new", []byte("y"), time.Hour) },
			func() error { return r.Create(ctx, "a", []byte("y"), time.Hour) },
			func() error { return r.Update(ctx, "a", []byte("x"), []byte("y"), time.Hour) },
			func() error { return r.Update(ctx, "b", []byte("other"), []byte("y"), time.Hour) },
			func() error { return r.Update(ctx, "nobody", []byte("x"), []byte("y"), time.Hour) },
			func() error { _, err := r.End(ctx, "c", nil, "", time.Hour); return err },
			func() error { _, err := r.End(ctx, "d", []byte("x"), "next", time.Hour); return err },
		)
		for i, want := range []error{nil, session.ErrExists, nil, session.ErrConflict, session.ErrNotFound, nil, nil} {
			if !errors.Is(errs[i], want) || want == nil && errs[i] != nil {
				t.Errorf("%s, call %d: got error %v, want %v", name, i, errs[i], want)
			}
		}
		if c, ok := errors.AsType[*session.Conflict](errs[3]); !ok || string(c.Current) != "x" {
			t.Errorf("%s: got the conflict %v, want x", name, errs[3])
		}
		if got, want := hook.take(), "(set set evalsha evalsha evalsha evalsha evalsha)"; got != want {
			t.Errorf("%s: sent %q, want %q", name, got, want)
		}
		for id, want := range map[string]string{"a": "y", "b": "x", "new": "y", "c": "", "d": ""} {
			got, err := r.GetPrimary(ctx, id)
			if string(got) != want || (want == "") != errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: then %s is %q, error %v, want %q", name, id, got, err, want)
			}
		}
	}
}

// TestAReadGoesWithScripts in one pipeline, all reads as one command of it.
func TestAReadGoesWithScripts(t *testing.T) {
	r, _, hook := onMiniredis(t, store.RedisConfig{})
	read := func() error { _, err := r.Get(t.Context(), "b"); return err }
	errs := gathered(t, r, read, func() error { return r.Update(t.Context(), "a", []byte("x"), []byte("y"), time.Hour) }, read)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got, want := hook.take(), "(evalsha mget)"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestABatchTeachesItsScripts to a server that does not have them: each call that was not executed is
// executed once.
func TestABatchTeachesItsScripts(t *testing.T) {
	r, m, hook := onMiniredis(t, store.RedisConfig{})
	flush := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer flush.Close()
	if err := flush.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	update := func(id string) func() error {
		return func() error { return r.Update(t.Context(), id, []byte("x"), []byte("y"), time.Hour) }
	}
	if err := errors.Join(gathered(t, r, update("a"), update("b"), update("c"))...); err != nil {
		t.Error(err)
	}
	if got := hook.take(); strings.Count(got, "evalsha") != 3 || strings.Count(got, "eval ")+strings.Count(got, "eval)") == 0 {
		t.Errorf("sent %q, want three evalsha, then eval", got)
	}
}

// TestABatchThatFails has its error for each command that is sent once. What may be sent twice is sent
// again alone.
func TestABatchThatFails(t *testing.T) {
	for name, fails := range map[string]func() error{
		"an error of a hook":                 func() error { return errors.New("made up") },
		"a hook that sends nothing":          func() error { return nil },
		"a hook that panics":                 func() error { panic("made up") },
		"a hook that ends its goroutine":     func() error { runtime.Goexit(); return nil },
		"a deadline that is not the calls'":  func() error { return context.DeadlineExceeded },
		"a connection that cannot be opened": func() error { return redis.ErrClosed },
	} {
		r, _, hook := onMiniredis(t, store.RedisConfig{})
		hook.fails = fails
		ctx := t.Context()
		errs := gathered(
			t, r,
			func() error { return r.Update(ctx, "a", []byte("x"), []byte("y"), time.Hour) },
			func() error { return r.Create(ctx, "new", []byte("y"), time.Hour) },
			func() error { _, err := r.End(ctx, "b", []byte("x"), "", time.Hour); return err },
			func() error { _, err := r.Get(ctx, "c"); return err },
		)
		for i, err := range errs[:3] {
			if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrExists) {
				t.Errorf("%s: call %d: got error %v, want an outage", name, i, err)
			}
		}
		if errs[3] != nil {
			t.Errorf("%s: a read: got error %v, want none", name, errs[3])
		}
		if got, want := hook.take(), "(evalsha set evalsha mget) get"; got != want {
			t.Errorf("%s: sent %q, want %q", name, got, want)
		}
	}
	r, _, hook := onMiniredis(t, store.RedisConfig{})
	hook.fails = func() error { return errors.New("made up") }
	end := func(id string) func() error {
		return func() error { _, err := r.End(t.Context(), id, nil, "", time.Hour); return err }
	}
	if err := errors.Join(gathered(t, r, end("a"), end("b"))...); err != nil {
		t.Errorf("ends of whatever is there: got error %v, want none", err)
	}
	if got, want := hook.take(), "(evalsha evalsha) evalsha evalsha"; got != want {
		t.Errorf("ends of whatever is there: sent %q, want %q", got, want)
	}
}

// TestWhatItsCallerLeftIsNotSent if its context ends before the batch is sent.
func TestWhatItsCallerLeftIsNotSent(t *testing.T) {
	r, _, hook := onMiniredis(t, store.RedisConfig{})
	waiting, send := store.Gather(store.Busy(r))
	ctx, cancel := context.WithCancel(t.Context())
	update := func(ctx context.Context, id string) <-chan error {
		n, done := waiting(), make(chan error, 1)
		go func() { done <- r.Update(ctx, id, []byte("x"), []byte("y"), time.Hour) }()
		for waiting() == n {
			runtime.Gosched()
		}
		return done
	}
	left, stays := update(ctx, "a"), update(t.Context(), "b")
	cancel()
	send()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the call whose context ended: got error %v, want context.Canceled", err)
	}
	if err := <-stays; err != nil {
		t.Errorf("the other call: got error %v, want none", err)
	}
	if got, want := hook.take(), "evalsha"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got, err := r.GetPrimary(t.Context(), "a"); string(got) != "x" || err != nil {
		t.Errorf("the record is %q, error %v, want x", got, err)
	}
}

// withoutDone is a context as programs wrote them before context.WithoutCancel: it hides its parent's
// channel, and forgets to hide its parent's error.
type withoutDone struct{ context.Context }

func (withoutDone) Done() <-chan struct{} { return nil }

// TestAContextWithoutAChannelEndsItsCalls: the batch is not sent, so nothing else would wake the caller.
func TestAContextWithoutAChannelEndsItsCalls(t *testing.T) {
	r, _, _ := onMiniredis(t, store.RedisConfig{})
	waiting, send := store.Gather(store.Busy(r))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := r.Get(withoutDone{ctx}, "a")
		done <- err
	}()
	for waiting() == 0 {
		runtime.Gosched()
	}
	cancel()
	send()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

// TestABatchOfScriptsThatHangsHoldsUpNobodyElse: the next batch goes over another connection, and a caller
// whose context ends does not wait.
func TestABatchOfScriptsThatHangsHoldsUpNobodyElse(t *testing.T) {
	r, _, hook := onMiniredis(t, store.RedisConfig{})
	entered, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hook.fails = func() error {
		once.Do(func() { close(entered); <-free })
		return errors.New("made up")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var hangs sync.WaitGroup
	hangs.Go(func() {
		update := func(id string) func() error {
			return func() error { return r.Update(ctx, id, []byte("x"), []byte("y"), time.Hour) }
		}
		for _, err := range gathered(t, r, update("a"), update("b")) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a call in the batch that hangs: got error %v, want context.Canceled", err)
			}
		}
	})
	<-entered
	for range 3 {
		if err := r.Update(t.Context(), "c", []byte("x"), []byte("x"), time.Hour); err != nil {
			t.Errorf("a call beside it: got error %v, want none", err)
		}
	}
	cancel()
	close(free)
	hangs.Wait()
}

// TestABatchTakesAConnectionOfThePoolForPipelines, as RedisConfig.NoBatches says, unless it is one command.
func TestABatchTakesAConnectionOfThePoolForPipelines(t *testing.T) {
	c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), PoolSize: 1})
	defer c.Close()
	r := newRedis(t, c, store.RedisConfig{})
	create(t, r, "a", "x")
	read := func() error { _, err := r.Get(t.Context(), "a"); return err }
	update := func() error { return r.Update(t.Context(), "a", []byte("x"), []byte("x"), time.Hour) }
	for name, row := range map[string]struct {
		calls []func() error
		hits  uint32
	}{"reads alone": {[]func() error{read, read}, 0}, "reads and a write": {[]func() error{read, update, read}, 1}} {
		before := c.PoolStats().PipelineStats
		if err := errors.Join(gathered(t, r, row.calls...)...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		after := c.PoolStats().PipelineStats
		if got := after.Hits + after.Misses - before.Hits - before.Misses; got != row.hits {
			t.Errorf("%s: took %d connections of that pool, want %d", name, got, row.hits)
		}
	}
	if got := c.PoolStats().TotalConns; got != 1 {
		t.Errorf("the client's other pool has %d connections, want 1", got)
	}
}
