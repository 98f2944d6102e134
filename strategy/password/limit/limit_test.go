package limit_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
)

// hold occupies one place of l until the returned function is called.
func hold(l *limit.Limit) (release func()) {
	gate := make(chan struct{})
	go func() { _ = l.Do(context.Background(), func() uint64 { <-gate; return 1 }) }()
	synctest.Wait()
	return sync.OnceFunc(func() { close(gate); synctest.Wait() })
}

func TestLimitServesInTheOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limit.Limit{Workers: 1}
		release := hold(l)
		var order []int
		for i := range 5 {
			go func() { _ = l.Do(t.Context(), func() uint64 { order = append(order, i); return 10 }) }()
			synctest.Wait()
		}
		if got, want := l.Stats(), (limit.Stats{Running: 1, Waiting: 5}); got != want {
			t.Errorf("before: %+v, want %+v", got, want)
		}
		release()
		if want := []int{0, 1, 2, 3, 4}; !slices.Equal(order, want) {
			t.Errorf("served in the order %v, want %v", order, want)
		}
		if got, want := l.Stats(), (limit.Stats{Done: 6, Work: 51}); got != want {
			t.Errorf("afterwards: %+v, want %+v", got, want)
		}
	})
}

func TestLimitRefusesWhenTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			name  string
			queue int
			want  int // how many should wait
		}{
			{"a queue of two", 2, 2},
			{"no queue", -1, 0},
			{"the default for two workers", 0, 128},
		} {
			l := &limit.Limit{Workers: 2, Queue: row.queue}
			first, second := hold(l), hold(l)
			for range row.want {
				go func() { _ = l.Do(t.Context(), func() uint64 { return 1 }) }()
			}
			synctest.Wait()
			if err := l.Do(t.Context(), func() uint64 { return 1 }); !errors.Is(err, strategy.ErrBusy) || errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("%s: got %v, want ErrBusy", row.name, err)
			}
			if got, want := l.Stats(), (limit.Stats{Running: 2, Waiting: row.want, Refused: 1}); got != want {
				t.Errorf("%s: %+v, want %+v", row.name, got, want)
			}
			first()
			second()
			if err := l.Do(t.Context(), func() uint64 { return 1 }); err != nil {
				t.Errorf("%s: afterwards: %v", row.name, err)
			}
		}
	})
}

func TestLimitLetsAWaiterLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limit.Limit{Workers: 1}
		release := hold(l)
		ctx, cancel := context.WithCancel(t.Context())
		left, served := make(chan error, 1), make(chan error, 1)
		go func() { left <- l.Do(ctx, func() uint64 { t.Error("work of a caller who left was done"); return 1 }) }()
		synctest.Wait()
		go func() { served <- l.Do(t.Context(), func() uint64 { return 1 }) }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left got %v, want context.Canceled", err)
		}
		release()
		if err := <-served; err != nil {
			t.Errorf("the next in the queue got %v", err)
		}
		if err := l.Do(ctx, func() uint64 { return 1 }); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller whose context has ended got %v", err)
		}
		if got, want := l.Stats(), (limit.Stats{Done: 2, Work: 2}); got != want {
			t.Errorf("afterwards: %+v, want %+v", got, want)
		}
	})
}

func TestLimitNeverLosesAPlace(t *testing.T) {
	l := &limit.Limit{Workers: 2, Queue: 1000}
	var wg sync.WaitGroup
	for i := range 400 {
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			defer cancel()
			_ = l.Do(ctx, func() uint64 {
				if running := l.Stats().Running; running > 2 {
					t.Errorf("%d run at once, want at most 2", running)
				}
				runtime.Gosched()
				return 1
			})
		})
		if i%2 == 0 {
			wg.Go(cancel) // at the moment of its turn, or before, or after
		}
	}
	wg.Wait()
	if got := l.Stats(); got.Running != 0 || got.Waiting != 0 || got.Done < 200 {
		t.Errorf("afterwards: %+v, want nothing running or waiting and at least 200 done", got)
	}
}

func TestLimitFreesThePlaceOfAPanic(t *testing.T) {
	l := &limit.Limit{Workers: 1, Queue: -1}
	if !panics(func() { _ = l.Do(t.Context(), func() uint64 { panic("x") }) }) {
		t.Error("the panic is swallowed")
	}
	if err := l.Do(t.Context(), func() uint64 { return 1 }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestLimitLeavesACoreToOtherRequests(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	synctest.Test(t, func(t *testing.T) {
		var l limit.Limit
		release := hold(&l)
		next := hold(&l)
		if got, want := l.Stats(), (limit.Stats{Running: 1, Waiting: 1}); got != want {
			t.Errorf("with GOMAXPROCS 2: %+v, want %+v", got, want)
		}
		release()
		next()
	})
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

// TestLowPriorityDoesNotKeepTheOthersWaiting: while both wait it gets one turn in four, and it may use a
// quarter of the queue, so that neither registrations nor log-ins starve the others.
func TestLowPriorityDoesNotKeepTheOthersWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limit.Limit{Workers: 1, Queue: 16}
		release := hold(l)
		var order []byte
		refused := 0
		for range 120 {
			go func() {
				if err := l.DoLowPriority(t.Context(), func() uint64 { order = append(order, 'r'); return 1 }); errors.Is(err, strategy.ErrBusy) {
					refused++
				}
			}()
			synctest.Wait()
		}
		for range 8 {
			go func() {
				if err := l.Do(t.Context(), func() uint64 { order = append(order, 'l'); return 1 }); err != nil {
					t.Errorf("a log-in: got %v, want it to wait", err)
				}
			}()
			synctest.Wait()
		}
		release()
		if got, want := string(order), "lllrlllrllrr"; got != want || refused != 116 {
			t.Errorf("served in the order %s with %d refused, want %s and 116", got, refused, want)
		}
	})
}
