package strategytest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/punctual"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/combined"
)

// RunCells runs every rule of [strategy.Cells] as a subtest, and of the methods LoadAll and SwapAndLoad, if
// the Cells have those of package store. newCells returns empty Cells. advance makes time pass for them.
func RunCells(t *testing.T, newCells func(t *testing.T) strategy.Cells, advance func(d time.Duration)) {
	run(t, cellsRules, func(t *testing.T) cells { return cells{newCells(t), advance} })
}

// RunCellsInBubble is RunCells for Cells whose clock is time.Now. Each rule is tried in
// a [testing/synctest] bubble of its own, in which an hour passes at once.
func RunCellsInBubble(t *testing.T, newCells func(t *testing.T) strategy.Cells) {
	runInBubble(t, cellsRules, func(t *testing.T) cells { return cells{newCells(t), pass} })
}

// cells are Cells under test.
type cells struct {
	strategy.Cells
	advance func(time.Duration)
}

// value returns text as bytes, nil if it is empty.
func value(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// swap calls Swap and checks the result. Empty texts stand for nil.
func (c cells) swap(t reporter, key, old, new string, found string, swapped bool) {
	t.Helper()
	gotFound, got, err := c.Swap(context.Background(), key, value(old), value(new), time.Minute)
	if err != nil {
		t.Fatalf("Swap(%q, %q, %q): %v", key, old, new, err)
	}
	if got != swapped || string(gotFound) != found || !swapped && found == "" && gotFound != nil {
		t.Errorf("Swap(%q, %q, %q): got %q, %t, want %q, %t", key, old, new, gotFound, got, found, swapped)
	}
}

// load calls Load and checks the result.
func (c cells) load(t reporter, key, want string) {
	t.Helper()
	got, err := c.Load(context.Background(), key)
	if err != nil {
		t.Fatalf("Load(%q): %v", key, err)
	}
	if string(got) != want || want == "" && got != nil {
		t.Errorf("Load(%q): got %q, want %q", key, got, want)
	}
}

var cellsRules = []rule[cells]{
	{"Load returns what is kept under key, or nil when there is nothing", func(t reporter, c cells) {
		c.load(t, "a", "")
		c.swap(t, "a", "", "1\x00\xff", "", true)
		c.load(t, "a", "1\x00\xff")
		c.load(t, "b", "")
	}},
	{"or its time has come", func(t reporter, c cells) {
		early, advance := punctual.Within(t, c.advance, time.Second)
		c.swap(early, "a", "", "1", "", true)
		advance(59 * time.Second)
		c.load(early, "a", "1")
		c.swap(early, "a", "1", "2", "", true)
		advance(59 * time.Second)
		c.load(early, "a", "2")
		c.advance(2 * time.Second)
		c.load(t, "a", "")
		c.swap(t, "a", "2", "3", "", false)
		c.swap(t, "a", "", "4", "", true)
	}},
	{"Swap keeps new under key, if what is there is exactly old", func(t reporter, c cells) {
		c.swap(t, "a", "", "1", "", true)
		c.swap(t, "a", "1", "2", "", true)
		c.swap(t, "a", "2", "2", "", true)
		c.load(t, "a", "2")
	}},
	{"an old of nil says that nothing is", func(t reporter, c cells) {
		c.swap(t, "a", "", "1", "", true)
		c.swap(t, "a", "", "2", "1", false)
		c.load(t, "a", "1")
	}},
	{"a new of nil removes", func(t reporter, c cells) {
		c.swap(t, "a", "", "1", "", true)
		c.swap(t, "a", "0", "", "1", false)
		c.swap(t, "a", "1", "", "", true)
		c.load(t, "a", "")
		c.swap(t, "a", "", "", "", true)
	}},
	{"when something else is there, it changes nothing and returns false and what it found, nil for nothing", func(t reporter, c cells) {
		c.swap(t, "a", "0", "1", "", false)
		c.load(t, "a", "")
		c.swap(t, "a", "", "1", "", true)
		c.swap(t, "a", "0", "2", "1", false)
		c.load(t, "a", "1")
	}},
	{"in one atomic step", func(t reporter, c cells) {
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range increments {
					if err := c.increment(); err != nil {
						t.Errorf("%v", err)
					}
				}
			})
		}
		wg.Wait()
		c.load(t, "n", fmt.Sprint(increments*workers))
	}},
	{"neither keeps nor changes the slices", func(t reporter, c cells) {
		text := []byte("1")
		if _, _, err := c.Swap(context.Background(), "a", nil, text, time.Minute); err != nil {
			t.Fatalf("Swap: %v", err)
		}
		text[0] = 'x'
		got, err := c.Load(context.Background(), "a")
		if err != nil || string(got) != "1" {
			t.Fatalf("Load: got %q and %v, want 1", got, err)
		}
		got[0] = 'y'
		c.load(t, "a", "1")
	}},
	{"an error when the context has ended", func(t reporter, c cells) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := c.Load(ctx, "a"); err == nil {
			t.Errorf("Load: no error")
		}
		if _, _, err := c.Swap(ctx, "a", nil, []byte("1"), time.Minute); err == nil {
			t.Errorf("Swap: no error")
		}
		c.load(t, "a", "")
		if joint := combined.Of(c.Cells); joint != nil {
			if _, err := joint.LoadAll(ctx, []string{"a", "b"}); err == nil {
				t.Errorf("LoadAll: no error")
			}
			if _, _, _, err := joint.SwapAndLoad(ctx, "a", nil, []byte("1"), time.Minute, []string{"b"}); err == nil {
				t.Errorf("SwapAndLoad: no error")
			}
			c.load(t, "a", "")
		}
	}},
	{"LoadAll is Load of each of keys, in their order", func(t reporter, c cells) {
		joint := combined.Of(c.Cells)
		if joint == nil {
			return
		}
		c.swap(t, "a", "", "1\x00\xff", "", true)
		c.swap(t, "b", "", "2", "", true)
		for _, keys := range [][]string{{"b", "none", "a", "b"}, {"none"}, {"a"}, nil} {
			got, err := joint.LoadAll(context.Background(), keys)
			c.holds(t, "LoadAll", keys, got, err)
		}
		c.advance(61 * time.Second)
		got, err := joint.LoadAll(context.Background(), []string{"a", "b"})
		c.holds(t, "LoadAll", []string{"a", "b"}, got, err)
	}},
	{"SwapAndLoad is Swap of key, and Load of each of others, in their order and whether or not Swap finds old", func(t reporter, c cells) {
		joint := combined.Of(c.Cells)
		if joint == nil {
			return
		}
		c.swap(t, "b", "", "2", "", true)
		others := []string{"b", "none"}
		for _, row := range []struct {
			old, new, found string
			swapped         bool
		}{{"", "1", "", true}, {"", "0", "1", false}, {"0", "2", "1", false}, {"1", "2", "", true}, {"2", "", "", true}, {"2", "3", "", false}} {
			found, swapped, values, err := joint.SwapAndLoad(context.Background(), "a", value(row.old), value(row.new), time.Minute, others)
			if swapped != row.swapped || string(found) != row.found || !swapped && row.found == "" && found != nil {
				t.Errorf("SwapAndLoad(%q, %q): got %q, %t, want %q, %t", row.old, row.new, found, swapped, row.found, row.swapped)
			}
			c.holds(t, "SwapAndLoad", others, values, err)
			if row.swapped {
				c.load(t, "a", row.new)
			}
		}
		if _, _, _, err := joint.SwapAndLoad(context.Background(), "a", nil, []byte("1"), time.Minute, nil); err != nil {
			t.Errorf("SwapAndLoad without others: %v", err)
		}
		c.load(t, "a", "1")
		c.advance(61 * time.Second)
		c.load(t, "a", "")
	}},
}

// holds checks that values are those of keys.
func (c cells) holds(t reporter, call string, keys []string, values [][]byte, err error) {
	t.Helper()
	if err != nil || len(values) != len(keys) {
		t.Fatalf("%s: got %d values of %q and %v", call, len(values), keys, err)
	}
	for i, key := range keys {
		want, err := c.Load(context.Background(), key)
		if err != nil || string(values[i]) != string(want) || (values[i] == nil) != (want == nil) {
			t.Errorf("%s: got %q for %q, want %q (%v)", call, values[i], key, want, err)
		}
	}
}

const increments, workers = 25, 8 // how many times each worker adds one

// increment adds one to the number under n. Each refused Swap means that somebody else's succeeded, so
// there cannot be more refusals than increments.
func (c cells) increment() error {
	old, err := c.Load(context.Background(), "n")
	for refused, swapped := 0, false; err == nil && !swapped; refused++ {
		if refused > increments*workers {
			return fmt.Errorf("a Swap was refused %d times, once at least without a change by another", refused)
		}
		n := 0
		if old != nil {
			if _, err := fmt.Sscan(string(old), &n); err != nil {
				return err
			}
		}
		old, swapped, err = c.Swap(context.Background(), "n", old, fmt.Append(nil, n+1), time.Minute)
	}
	return err
}
