package sessiontest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// Sets is the number of possible sets of abilities.
const Sets = canBatch << 1

// Only and AbilitiesOf let tests choose the abilities of a store.
var (
	Only        = only
	AbilitiesOf = abilitiesOf
)

// Quotes returns the words of the contract that the rules quote.
func Quotes() []string {
	var list []string
	for _, r := range rules {
		list = append(list, r.quote)
	}
	return list
}

// Names returns the names of the rules.
func Names() []string {
	var list []string
	for _, r := range rules {
		list = append(list, r.name)
	}
	return list
}

// Broken returns the names of the rules that the stores made by newStore break.
func Broken(newStore func() session.Store, advance func(time.Duration)) []string {
	var names []string
	for _, r := range rules {
		rec := new(recorder)
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.tryOn(rec, newStore(), advance)
		}()
		<-done
		if len(rec.messages) > 0 {
			names = append(names, r.name)
		}
	}
	return slices.Compact(names)
}

// recorder is a *testing.T that only records.
type recorder struct {
	mu       sync.Mutex
	messages []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
