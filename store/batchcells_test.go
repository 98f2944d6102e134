package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// cellsOnMiniredis returns Redis stores with the cells "a" and "b", both "x", whose server knows the script,
// and a hook that has seen nothing yet.
func cellsOnMiniredis(t *testing.T) (*store.RedisStores, *pipelines) {
	t.Helper()
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = c.Close() })
	stores, err := store.Redis(c, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} {
		if _, _, err := stores.Cells.Swap(t.Context(), key, nil, []byte("x"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	hook := new(pipelines)
	c.AddHook(hook)
	return stores, hook
}

func TestBusyRedisCellsKeepTheContract(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	defer c.Close()
	strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
		m.FlushAll()
		stores, err := store.Redis(c, store.RedisConfig{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		store.Busy(stores.Sessions)
		return stores.Cells
	}, m.FastForward)
}

// TestCellsGoWithOtherCalls: the steps that are taken in one trip stay together.
func TestCellsGoWithOtherCalls(t *testing.T) {
	s, hook := cellsOnMiniredis(t)
	ctx := t.Context()
	errs := gathered(
		t, s.Sessions,
		func() error { _, err := s.Cells.Load(ctx, "none"); return err },
		func() error { _, err := s.Sessions.Labelled(ctx, "nobody"); return err },
		func() error { _, err := s.Sessions.GetMany(ctx, []string{"id"}); return err },
		func() error { return s.Sessions.Create(ctx, "id", []byte("x"), time.Hour) },
		func() error {
			found, swapped, values, err := s.Cells.SwapAndLoad(ctx, "a", []byte("x"), []byte("y"), time.Hour, []string{"b", "c"})
			if found != nil || !swapped || string(values[0]) != "x" || values[1] != nil {
				return errors.Join(err, errors.New("another answer"))
			}
			return err
		},
	)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if got, want := hook.take(), "(get zrangebyscore mget set evalsha get get)"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestCellsThatFailAloneAreNotReadAgain: go-redis has done that already.
func TestCellsThatFailAloneAreNotReadAgain(t *testing.T) {
	s, hook := cellsOnMiniredis(t)
	hook.fails = func() error { return errors.New("made up") }
	if _, err := s.Cells.LoadAll(t.Context(), []string{"a", "b"}); err == nil {
		t.Error("got no error, want an outage")
	}
	if got, want := hook.take(), "(get get)"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestABatchThatFailsIsAnOutageForASwap, which may have happened. Cells that are only read are read again,
// alone.
func TestABatchThatFailsIsAnOutageForASwap(t *testing.T) {
	for name, fails := range map[string]func() error{
		"an error of a hook":                 func() error { return errors.New("made up") },
		"a hook that sends nothing":          func() error { return nil },
		"a hook that panics":                 func() error { panic("made up") },
		"a deadline that is not the calls'":  func() error { return context.DeadlineExceeded },
		"a connection that cannot be opened": func() error { return redis.ErrClosed },
	} {
		s, hook := cellsOnMiniredis(t)
		hook.fails = func() error { hook.fails = nil; return fails() }
		ctx := t.Context()
		errs := gathered(
			t, s.Sessions,
			func() error { return s.Sessions.Create(ctx, "id", []byte("x"), time.Hour) },
			func() error {
				_, _, _, err := s.Cells.SwapAndLoad(ctx, "a", []byte("x"), []byte("y"), time.Hour, []string{"b"})
				return err
			},
		)
		if errs[1] == nil {
			t.Errorf("%s: the swap: got no error, want an outage", name)
		}
		if got, want := hook.take(), "(set evalsha get)"; got != want {
			t.Errorf("%s: sent %q, want %q", name, got, want)
		}
		if name == "a hook that panics" {
			continue // also in a call that reads
		}
		hook.fails = func() error { hook.fails = nil; return fails() }
		var values [][]byte
		errs = gathered(t, s.Sessions, func() (err error) { values, err = s.Cells.LoadAll(ctx, []string{"a", "b"}); return err })
		if errs[0] != nil || string(values[0]) != "x" || string(values[1]) != "x" {
			t.Errorf("%s: what is read: got %q and error %v, want x twice", name, values, errs[0])
		}
		if got, want := hook.take(), "(get get) (get get)"; got != want {
			t.Errorf("%s: sent %q, want %q", name, got, want)
		}
	}
}
