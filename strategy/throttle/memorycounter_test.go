package throttle_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

func TestMemoryCounterKeepsTheContract(t *testing.T) {
	strategytest.RunCounterInBubble(t, func(*testing.T) strategy.Counter { return &throttle.MemoryCounter{} })
}

func TestMemoryCounterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &throttle.MemoryCounter{Max: 100}
		add := func(key string, n int64) int64 {
			count, _, err := c.Add(t.Context(), key, n, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return count
		}
		add("victim", 10)
		for i := range 1000 {
			add(fmt.Sprint("flood", i), 1)
		}
		if got := c.Len(); got != 100 {
			t.Errorf("%d counters in memory, want 100", got)
		}
		if got := add("victim", 0); got != 10 {
			t.Errorf("a flood of others leaves the high counter at %d, want 10", got)
		}
		time.Sleep(time.Hour)
		add("new", 1)
		if got := c.Len(); got != 1 {
			t.Errorf("%d counters in memory after their window, want the new one", got)
		}
	})
}
