package store_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// dropping is a hook that sends those commands of a pipeline that keep accepts, and no single command that
// it does not accept.
type dropping struct {
	keep func(i int, cmd redis.Cmder) bool
}

func (*dropping) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *dropping) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "hello" || d.keep(0, cmd) {
			return next(ctx, cmd)
		}
		return nil
	}
}

func (d *dropping) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var kept []redis.Cmder
		for i, cmd := range cmds {
			if cmd.Name() == "client" || d.keep(i, cmd) {
				kept = append(kept, cmd)
			}
		}
		return next(ctx, kept)
	}
}

// TestWhatAHookDropsIsAnOutage, also beside a command of the same pipeline that is answered: that answer is
// not the others'.
func TestWhatAHookDropsIsAnOutage(t *testing.T) {
	for name, keep := range map[string]func(int, redis.Cmder) bool{
		"all but the first": func(i int, _ redis.Cmder) bool { return i == 0 },
		"every SET alone":   func(_ int, cmd redis.Cmder) bool { return cmd.Name() != "set" },
	} {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr()})
		defer c.Close()
		s, err := store.Redis(c, store.RedisConfig{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		create(t, s.Sessions, "there", "x")
		if err := s.Tokens.Put(t.Context(), "k", []byte("v"), time.Hour); err != nil {
			t.Fatal(err)
		}
		c.AddHook(&dropping{keep: keep})
		isOutage := func(what string, err error) {
			if err == nil || errors.Is(err, session.ErrExists) {
				t.Errorf("dropped: %s: %s: got error %v, want an outage", name, what, err)
			}
		}
		if keep(0, redis.NewCmd(t.Context(), "set")) {
			errs := gathered(
				t, s.Sessions,
				func() error { return s.Sessions.Create(t.Context(), "there", []byte("y"), time.Hour) },
				func() error { _, _, err := s.Tokens.Take(t.Context(), "k"); return err },
				func() error { return s.Sessions.Create(t.Context(), "new", []byte("y"), time.Hour) },
			)
			if !errors.Is(errs[0], session.ErrExists) {
				t.Errorf("dropped: %s: the first call: got error %v, want ErrExists", name, errs[0])
			}
			isOutage("a token", errs[1])
			isOutage("a record", errs[2])
			continue
		}
		isOutage("a record", s.Sessions.Create(t.Context(), "new", []byte("y"), time.Hour))
		isOutage("a token", s.Tokens.Put(t.Context(), "new", []byte("v"), time.Hour))
	}
}

// TestAHookThatEndsItsGoroutineIsAnOutage for all of its batch, and later batches are sent.
func TestAHookThatEndsItsGoroutineIsAnOutage(t *testing.T) {
	r, _, hook := onMiniredis(t, store.RedisConfig{})
	hook.fails = func() error { runtime.Goexit(); return nil }
	call := func() error { return r.Create(t.Context(), "new", []byte("y"), time.Hour) }
	for _, err := range append(gathered(t, r, call, call), r.Create(t.Context(), "b", []byte("y"), time.Hour)) {
		if err == nil {
			t.Error("a call that was not sent: got no error, want an outage")
		}
	}
}

// TestALargeRecordThatCannotBeComparedLeavesNothing: one of the two SETs is refused, as by a full server.
func TestALargeRecordThatCannotBeComparedLeavesNothing(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	r := store.Large(newRedis(t, c, store.RedisConfig{}))
	create(t, r, "id", "x")
	c.AddHook(&dropping{keep: func(i int, _ redis.Cmder) bool { return i != 1 }})
	if err := r.Update(t.Context(), "id", []byte("x"), []byte("y"), time.Hour); err != nil {
		t.Errorf("got error %v, want none: it is one script then", err)
	}
	if keys := m.Keys(); len(keys) != 1 {
		t.Errorf("the server has the keys %q, want the record alone", keys)
	}
}

// TestAHooksPanicIsItsCallers, whether or not the command has a goroutine of its own.
func TestAHooksPanicIsItsCallers(t *testing.T) {
	for name, row := range map[string]struct {
		honours bool
		large   bool
	}{"a client that ignores contexts": {false, false}, "one that honours them": {true, false}, "a large record": {true, true}} {
		c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), ContextTimeoutEnabled: row.honours})
		defer c.Close()
		r := newRedis(t, c, store.RedisConfig{})
		if row.large {
			store.Large(r)
		}
		create(t, r, "id", "x")
		c.AddHook(&dropping{keep: func(int, redis.Cmder) bool { panic("of a hook") }})
		func() {
			defer func() {
				if p := recover(); p != "of a hook" {
					t.Errorf("%s: the caller has the panic %v, want the hook's", name, p)
				}
			}()
			err := r.Update(soon(t), "id", []byte("x"), []byte("y"), time.Hour)
			t.Errorf("%s: got error %v, want a panic", name, err)
		}()
	}
}
