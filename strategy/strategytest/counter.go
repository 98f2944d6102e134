// Package strategytest checks implementations of the interfaces that package strategy
// declares, rule by rule.
package strategytest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// RunCounter runs every rule of [strategy.Counter] as a subtest. newCounter returns an
// empty Counter. advance makes time pass for it.
func RunCounter(t *testing.T, newCounter func(t *testing.T) strategy.Counter, advance func(d time.Duration)) {
	run(t, counterRules, func(t *testing.T) counter { return countingFrom(newCounter(t), advance) })
}

// RunCounterInBubble is RunCounter for a Counter whose clock is time.Now. Each rule
// is tried in a [testing/synctest] bubble of its own, in which an hour passes at once.
func RunCounterInBubble(t *testing.T, newCounter func(t *testing.T) strategy.Counter) {
	runInBubble(t, counterRules, func(t *testing.T) counter { return countingFrom(newCounter(t), pass) })
}

// counter is a Counter under test.
type counter struct {
	strategy.Counter
	advance func(time.Duration)
	passed  func() time.Duration // the time since the rule began, without that of advance
}

func countingFrom(c strategy.Counter, advance func(time.Duration)) counter {
	began := time.Now()
	return counter{
		Counter: c,
		advance: func(d time.Duration) {
			before := time.Now()
			advance(d)
			began = began.Add(time.Since(before))
		},
		passed: func() time.Duration { return time.Since(began) },
	}
}

// add calls Add and checks the result. The returned reset may be at most reset, and less by at most a
// second plus the time that a busy machine took.
func (c counter) add(t reporter, key string, n int64, window time.Duration, count int64, reset time.Duration) {
	t.Helper()
	gotCount, gotReset, err := c.Add(context.Background(), key, n, window)
	if err != nil {
		t.Fatalf("Add(%q, %d): %v", key, n, err)
	}
	if gotCount != count {
		t.Errorf("Add(%q, %d): count %d, want %d", key, n, gotCount, count)
	}
	if gotReset > reset || gotReset < reset-time.Second-c.passed() {
		t.Errorf("Add(%q, %d): reset in %v, want %v", key, n, gotReset, reset)
	}
}

var counterRules = []rule[counter]{
	{"adds n to the counter of key and returns its new value", func(t reporter, c counter) {
		c.add(t, "a", 1, time.Minute, 1, time.Minute)
		c.add(t, "a", 5, time.Minute, 6, time.Minute)
		c.add(t, "b", 2, time.Minute, 2, time.Minute)
		c.add(t, "a", -2, time.Minute, 4, time.Minute)
		c.add(t, "a", 0, time.Minute, 4, time.Minute)
	}},
	{"in one atomic step", func(t reporter, c counter) {
		const each, workers = 50, 8
		seen := make([]map[int64]bool, workers)
		var wg sync.WaitGroup
		for i := range workers {
			seen[i] = map[int64]bool{}
			wg.Go(func() {
				for range each {
					count, _, err := c.Add(context.Background(), "a", 1, time.Minute)
					if err != nil {
						t.Errorf("Add: %v", err)
					}
					seen[i][count] = true
				}
			})
		}
		wg.Wait()
		all := map[int64]bool{}
		for _, s := range seen {
			for count := range s {
				all[count] = true
			}
		}
		if len(all) != each*workers || !all[1] || !all[each*workers] {
			t.Errorf("%d calls at once saw %d values, want each of 1 to %d", each*workers, len(all), each*workers)
		}
	}},
	{"the Add of a positive n that makes it starts its window; later ones do not move it", func(t reporter, c counter) {
		c.add(t, "a", 1, time.Minute, 1, time.Minute)
		c.advance(20 * time.Second)
		c.add(t, "a", 1, time.Hour, 2, 40*time.Second)
		c.add(t, "a", -1, time.Hour, 1, 40*time.Second)
	}},
	{"when it has passed the counter is not there any more", func(t reporter, c counter) {
		c.add(t, "a", 3, time.Minute, 3, time.Minute)
		c.advance(time.Minute + time.Millisecond)
		c.add(t, "a", 0, time.Minute, 0, 0)
		c.add(t, "a", 1, time.Hour, 1, time.Hour)
	}},
	{"a counter never falls below zero: what n would take beyond is lost", func(t reporter, c counter) {
		c.add(t, "a", 2, time.Minute, 2, time.Minute)
		c.add(t, "a", -5, time.Minute, 0, time.Minute)
		c.add(t, "a", 1, time.Hour, 1, time.Minute)
	}},
	{"an n of zero or less makes no counter", func(t reporter, c counter) {
		c.add(t, "a", 0, time.Hour, 0, 0)
		c.add(t, "a", -1, time.Hour, 0, 0)
		c.add(t, "a", 1, time.Minute, 1, time.Minute)
	}},
	{"a key is at most 128 bytes of printable ASCII without braces", func(t reporter, c counter) {
		long := strings.Repeat("k", 127)
		c.add(t, long+"1", 1, time.Minute, 1, time.Minute)
		c.add(t, long+"2", 1, time.Minute, 1, time.Minute)
		c.add(t, " !\"#$%&'()*+,-./:;<=>?@[\\]^_`|~", 1, time.Minute, 1, time.Minute)
	}},
	{"window is at least a millisecond", func(t reporter, c counter) {
		c.add(t, "a", 1, time.Millisecond, 1, time.Millisecond)
		c.advance(2 * time.Millisecond)
		c.add(t, "a", 0, time.Millisecond, 0, 0)
	}},
	{"an error when the context has ended", func(t reporter, c counter) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, _, err := c.Add(ctx, "a", 1, time.Minute); err == nil {
			t.Errorf("no error")
		}
		c.add(t, "a", 0, time.Minute, 0, 0)
	}},
}
