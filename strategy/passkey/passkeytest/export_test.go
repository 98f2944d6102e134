package passkeytest

import (
	"runtime"
	"sync/atomic"

	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// BrokenRules returns the rules that the tables of newTable break.
func BrokenRules[U any](newTable func() (table passkey.Credentials[U], a, b U)) (texts []string) {
	for _, r := range rules[U]() {
		f := &failure{}
		done := make(chan struct{})
		go func() { // Fatalf ends the goroutine
			defer close(done)
			table, a, b := newTable()
			r.check(f, world[U]{table, a, b})
		}()
		<-done
		if f.failed.Load() {
			texts = append(texts, r.text)
		}
	}
	return texts
}

type failure struct{ failed atomic.Bool }

func (*failure) Helper() {}

func (f *failure) Errorf(string, ...any) { f.failed.Store(true) }

func (f *failure) Fatalf(string, ...any) {
	f.failed.Store(true)
	runtime.Goexit()
}
