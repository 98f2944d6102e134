//go:build integration

package main_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// serve starts the program on st: see [rig.Serve].
func serve(t testing.TB, st session.Store, edit ...func(*session.Config)) (*rig.App, *scenario.Target) {
	t.Helper()
	return rig.Serve(t, st, edit...)
}

func newRedis(t testing.TB, client store.RedisClient, cfg store.RedisConfig) *store.RedisStore {
	t.Helper()
	cfg.Name = "test"
	r, err := store.Redis(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r.Sessions
}

// newClient returns a client with go-redis's default settings, changed by edit.
func newClient(t testing.TB, addr string, edit ...func(*redis.Options)) *redis.Client {
	t.Helper()
	opt := &redis.Options{Addr: addr}
	for _, e := range edit {
		e(opt)
	}
	c := redis.NewClient(opt)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// stores are the stores to test, each made new.
var stores = []struct {
	name string
	make func(*testing.T) session.Store
}{
	{"MemoryStore", func(t *testing.T) session.Store {
		m, err := store.Memory(store.MemoryConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return m.Sessions
	}},
	{"RedisStore", func(t *testing.T) session.Store {
		return newRedis(t, newClient(t, redistest.Start(t).Addr), store.RedisConfig{})
	}},
}

// loggedIn returns a visitor who is logged in.
func loggedIn(t testing.TB, target *scenario.Target, user int) *scenario.Visitor {
	t.Helper()
	var v *scenario.Visitor
	err := redistest.Poll(func(ctx context.Context) error { // on a busy machine more than one try may be needed
		v = target.Visitor()
		if a := v.LogIn(ctx, user); !a.OK() {
			return errors.Join(fmt.Errorf("answer %d %q", a.Status, a.Text), a.Err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("log-in: %v", err)
	}
	return v
}

// goroutinesBackTo waits until not many more goroutines run than before.
func goroutinesBackTo(t testing.TB, before int) {
	t.Helper()
	err := redistest.Poll(func(context.Context) error {
		if n := runtime.NumGoroutine(); n > before+4 { // the runtime and net/http have some of their own
			return fmt.Errorf("%d goroutines, want about the %d from before", n, before)
		}
		return nil
	})
	if err != nil {
		buf := make([]byte, 1<<16)
		t.Errorf("%v\n%s", err, buf[:runtime.Stack(buf, true)])
	}
}

// recovered calls f until it returns true, and returns how long that took.
func recovered(t testing.TB, f func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	err := redistest.Poll(func(context.Context) error {
		if f() {
			return nil
		}
		return context.DeadlineExceeded
	})
	if err != nil {
		t.Errorf("not recovered: %v", err)
	}
	return time.Since(start)
}
