package strategytest

import (
	"runtime"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// BrokenCounterRules returns the rules that the counters of newCounter break.
func BrokenCounterRules(newCounter func() strategy.Counter) (broken []string) {
	for _, r := range counterRules {
		failed := &failure{}
		done := make(chan struct{})
		go func() { // Fatalf ends the goroutine
			defer close(done)
			r.check(failed, counter{newCounter(), time.Sleep})
		}()
		if <-done; failed.failed {
			broken = append(broken, r.rule)
		}
	}
	return broken
}

type failure struct{ failed bool }

func (*failure) Helper() {}

func (f *failure) Errorf(string, ...any) { f.failed = true }

func (f *failure) Fatalf(string, ...any) {
	f.failed = true
	runtime.Goexit()
}
