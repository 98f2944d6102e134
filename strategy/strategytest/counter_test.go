package strategytest_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

func TestAGoodCounterPasses(t *testing.T) {
	strategytest.RunCounterInBubble(t, func(*testing.T) strategy.Counter { return &throttle.MemoryCounter{} })
}

// faulty is a MemoryCounter with a fault.
type faulty struct {
	throttle.MemoryCounter
	add func(m *throttle.MemoryCounter, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error)
}

func (f *faulty) Add(ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
	return f.add(&f.MemoryCounter, ctx, key, n, window)
}

func TestEachFaultBreaksItsRule(t *testing.T) {
	const hour = time.Hour
	type memory = *throttle.MemoryCounter
	for _, row := range []struct {
		fault, rule string
		add         func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error)
	}{
		{"it returns the value before", "adds n to the counter of key and returns its new value", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			count, reset, err := m.Add(ctx, key, n, window)
			return count - n, reset, err
		}},
		{"it reads and then writes", "in one atomic step", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			count, _, _ := m.Add(ctx, key, 0, window)
			time.Sleep(time.Nanosecond) // in the bubble this waits until every other call has read too
			_, reset, err := m.Add(ctx, key, n, window)
			return count + n, reset, err
		}},
		{"every Add starts the window", "the Add of a positive n that makes it starts its window; later ones do not move it", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			count, _, _ := m.Add(ctx, key, 0, window)
			_, _, _ = m.Add(ctx, key+"'", count+1, window)
			count, _, err := m.Add(ctx, key, n, window)
			return count, window, err
		}},
		{"the window never ends", "when it has passed the counter is not there any more", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			count, reset, err := m.Add(ctx, key, n, window+24*hour)
			return count, max(0, reset-24*hour), err
		}},
		{"it counts below zero", "a counter never falls below zero: what n would take beyond is lost", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			count, reset, err := m.Add(ctx, key, n+100, window)
			return count - 100, reset, err
		}},
		{"reading makes a counter", "an n of zero or less makes no counter", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			_, _, _ = m.Add(ctx, key, 1, window)
			return m.Add(ctx, key, n-1, window)
		}},
		{"long keys are cut", "a key is at most 128 bytes of printable ASCII without braces", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			return m.Add(ctx, key[:min(len(key), 127)], n, window)
		}},
		{"windows are whole seconds", "window is at least a millisecond", func(m memory, ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			return m.Add(ctx, key, n, max(time.Second, window))
		}},
		{"it does not look at the context", "an error when the context has ended", func(m memory, _ context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
			return m.Add(context.Background(), key, n, window)
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			broken := strategytest.BrokenCounterRules(func() strategy.Counter { return &faulty{add: row.add} })
			if !slices.Contains(broken, row.rule) {
				t.Errorf("%s: the rules %q fail, want %q among them", row.fault, broken, row.rule)
			}
		})
	}
}
