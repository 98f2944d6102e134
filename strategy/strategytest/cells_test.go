package strategytest_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/combined"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func newCells(t testing.TB) strategy.Cells {
	t.Helper()
	c, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Cells
}

func TestGoodCellsPass(t *testing.T) {
	strategytest.RunCellsInBubble(t, func(t *testing.T) strategy.Cells { return newCells(t) })
}

// faultyCells are Cells with a fault.
type faultyCells struct {
	strategy.Cells
	load func(c strategy.Cells, ctx context.Context, key string) ([]byte, error)
	swap func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error)
}

func (f *faultyCells) Load(ctx context.Context, key string) ([]byte, error) {
	if f.load == nil {
		return f.Cells.Load(ctx, key)
	}
	return f.load(f.Cells, ctx, key)
}

func (f *faultyCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	if f.swap == nil {
		return f.Cells.Swap(ctx, key, old, new, ttl)
	}
	return f.swap(f.Cells, ctx, key, old, new, ttl)
}

// faultyCombiner are Cells with the ability, and a fault in it.
type faultyCombiner struct {
	faultyCells
	joint combined.Cells
	order func(keys []string) []string                    // of the keys that are asked for
	after func(values [][]byte, swapped bool) [][]byte    // changes what is loaded
	again func(found []byte, swapped bool) ([]byte, bool) // changes what the swap returns
	ctx   func(ctx context.Context) context.Context
}

func (f *faultyCombiner) Combines() any { return f }

func (f *faultyCombiner) LoadAll(ctx context.Context, keys []string) ([][]byte, error) {
	return f.joint.LoadAll(f.ctx(ctx), f.order(keys))
}

func (f *faultyCombiner) SwapAndLoad(ctx context.Context, key string, old, new []byte, ttl time.Duration, others []string) ([]byte, bool, [][]byte, error) {
	found, swapped, values, err := f.joint.SwapAndLoad(f.ctx(ctx), key, old, new, ttl, others)
	found, swapped = f.again(found, swapped)
	return found, swapped, f.after(values, swapped), err
}

func TestEachFaultOfACellsCombinerBreaksItsRule(t *testing.T) {
	const (
		all  = "LoadAll is Load of each of keys, in their order"
		swap = "SwapAndLoad is Swap of key, and Load of each of others, in their order and whether or not Swap finds old"
	)
	for _, row := range []struct {
		fault, rule string
		change      func(f *faultyCombiner)
	}{
		{"none", "", func(*faultyCombiner) {}},
		{"the keys are sorted", all, func(f *faultyCombiner) {
			f.order = func(keys []string) []string { return slices.Sorted(slices.Values(keys)) }
		}},
		{"what was found is kept quiet", swap, func(f *faultyCombiner) {
			f.again = func(_ []byte, swapped bool) ([]byte, bool) { return nil, swapped }
		}},
		{"a refused swap loads nothing", swap, func(f *faultyCombiner) {
			f.after = func(values [][]byte, swapped bool) [][]byte {
				if !swapped {
					clear(values)
				}
				return values
			}
		}},
		{"it does not look at the context", "an error when the context has ended", func(f *faultyCombiner) {
			f.ctx = context.WithoutCancel
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			broken := strategytest.BrokenCellsRules(func() strategy.Cells {
				c := newCells(t)
				f := &faultyCombiner{
					faultyCells: faultyCells{Cells: c}, joint: combined.Of(c),
					order: func(keys []string) []string { return keys },
					after: func(values [][]byte, _ bool) [][]byte { return values },
					again: func(found []byte, swapped bool) ([]byte, bool) { return found, swapped },
					ctx:   func(ctx context.Context) context.Context { return ctx },
				}
				row.change(f)
				return f
			})
			if row.rule == "" && len(broken) > 0 || row.rule != "" && !slices.Contains(broken, row.rule) {
				t.Errorf("%s: the rules %q fail, want %q among them", row.fault, broken, row.rule)
			}
		})
	}
}

func TestEachFaultOfCellsBreaksItsRule(t *testing.T) {
	for _, row := range []struct {
		fault, rule string
		faulty      faultyCells
	}{
		{"an empty value for nothing", "Load returns what is kept under key, or nil when there is nothing", faultyCells{load: func(c strategy.Cells, ctx context.Context, key string) ([]byte, error) {
			v, err := c.Load(ctx, key)
			return append([]byte{}, v...), err
		}}},
		{"values last twice as long", "or its time has come", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			return c.Swap(ctx, key, old, new, 2*ttl)
		}}},
		{"values last twice as long, and Swap is slow", "or its time has come", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			time.Sleep(time.Second)
			return c.Swap(ctx, key, old, new, 2*ttl)
		}}},
		{"the same value again is no swap", "Swap keeps new under key, if what is there is exactly old", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			if bytes.Equal(old, new) {
				return old, false, nil
			}
			return c.Swap(ctx, key, old, new, ttl)
		}}},
		{"nil matches anything", "an old of nil says that nothing is", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			if old == nil {
				old, _ = c.Load(ctx, key)
			}
			return c.Swap(ctx, key, old, new, ttl)
		}}},
		{"nil is kept as a value", "a new of nil removes", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			if new == nil {
				new = []byte("nil")
			}
			return c.Swap(ctx, key, old, new, ttl)
		}}},
		{"what was found is kept quiet", "when something else is there, it changes nothing and returns false and what it found, nil for nothing", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			_, swapped, err := c.Swap(ctx, key, old, new, ttl)
			return nil, swapped, err
		}}},
		{"it reads and then writes", "in one atomic step", faultyCells{swap: func(c strategy.Cells, ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			there, _ := c.Load(ctx, key)
			if !bytes.Equal(there, old) {
				return there, false, nil
			}
			time.Sleep(time.Nanosecond) // in the bubble this waits until every other call has read too
			for {
				found, swapped, err := c.Swap(ctx, key, there, new, ttl)
				if swapped || err != nil {
					return nil, swapped, err
				}
				there = found
			}
		}}},
		{"it does not look at the context", "an error when the context has ended", faultyCells{swap: func(c strategy.Cells, _ context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
			return c.Swap(context.Background(), key, old, new, ttl)
		}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			broken := strategytest.BrokenCellsRules(func() strategy.Cells {
				f := row.faulty
				f.Cells = newCells(t)
				return &f
			})
			if !slices.Contains(broken, row.rule) {
				t.Errorf("%s: the rules %q fail, want %q among them", row.fault, broken, row.rule)
			}
		})
	}
}
