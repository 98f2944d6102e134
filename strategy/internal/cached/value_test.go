package cached_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/strategy/internal/cached"
)

var errDown = errors.New("connection refused")

// server publishes a word.
type server struct {
	mu    sync.Mutex
	word  string // "" means that it publishes nothing
	down  bool
	slow  time.Duration
	asked int
}

func (s *server) set(change func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *server) fetch(ctx context.Context) (string, error) {
	s.mu.Lock()
	s.asked++
	word, down, slow := s.word, s.down, s.slow
	s.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	switch {
	case down:
		return "", errDown
	case word == "":
		return "", fmt.Errorf("fetch: %w", cached.ErrNone)
	}
	return word, nil
}

// The rules as one story: each row lets time pass, changes the server, and calls Find.
func TestWhatAValueOfEachAgeIsWorth(t *testing.T) {
	const step = time.Nanosecond
	up := func(word string) func(*server) {
		return func(s *server) { s.word, s.down, s.slow = word, false, 0 }
	}
	down := func(s *server) { s.down, s.slow = true, 0 }
	slow := func(d time.Duration) func(*server) { return func(s *server) { s.slow = d } }
	type row struct {
		name   string
		after  time.Duration
		change func(*server)
		want   string // what the caller searches for; empty for anything
		got    string
		err    error
		took   time.Duration
		asked  int // the fetches so far, after those in the background have ended
	}
	for name, rows := range map[string][]row{
		"while the server answers": {
			{"the first", 0, nil, "", "a", nil, 0, 1},
			{"just before it is old", 10*time.Minute - step, up("b"), "", "a", nil, 0, 1},
			{"when it is old, the old one, and the new one in the background", step, nil, "", "a", nil, 0, 2},
			{"the new one", 0, nil, "", "b", nil, 0, 2},
			{"at twice the age, the new one at once", 20 * time.Minute, up("c"), "", "c", nil, 0, 3},
			{"much later too", 100 * time.Hour, up("d"), "", "d", nil, 0, 4},
		},
		"when it stops to answer": {
			{"the first", 0, nil, "", "a", nil, 0, 1},
			{"at twice the age", 20 * time.Minute, down, "", "a", nil, 0, 2},
			{"a moment later, without another fetch", time.Second, nil, "", "a", nil, 0, 2},
			{"ten seconds later, in the background", 9 * time.Second, slow(time.Hour), "", "a", nil, 0, 3},
			{"at the end of its life", 6*time.Hour - 10*time.Minute - 10*time.Second - step, down, "", "a", nil, 0, 4},
			{"after it", step, nil, "", "", errDown, 0, 4},
			{"a second later", time.Second, nil, "", "", errDown, 0, 5},
			{"when it is back", time.Second, up("b"), "", "b", nil, 0, 6},
		},
		"when it hangs": {
			{"the first", 0, nil, "", "a", nil, 0, 1},
			{"with an old value it waits a second", 20 * time.Minute, slow(time.Hour), "", "a", nil, time.Second, 2},
			{"with none, to the end", 7 * time.Hour, nil, "", "", context.DeadlineExceeded, 5 * time.Second, 3},
		},
		"when what it publishes is withdrawn": {
			{"the first", 0, nil, "", "a", nil, 0, 1},
			{"at twice the age", 20 * time.Minute, up(""), "", "", cached.ErrNone, 0, 2},
			{"until it publishes again", time.Second, up("b"), "", "b", nil, 0, 3},
		},
		"for a caller that looks for something newer": {
			{"the first", 0, nil, "a", "a", nil, 0, 1},
			{"too early", 4 * time.Second, up("b"), "b", "a", nil, 0, 1},
			{"after the interval", time.Second, nil, "b", "b", nil, 0, 2},
			{"what is not there", 5 * time.Second, nil, "c", "b", nil, 0, 3},
			{"what may be there, and cannot be fetched", 5 * time.Second, down, "c", "", errDown, 0, 4},
			{"what is known", 0, nil, "b", "b", nil, 0, 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{word: "a"}
				v := cached.New(cached.Rules{FreshFor: cached.FreshFor, StaleFor: cached.StaleFor, MinInterval: cached.MinInterval, Timeout: 5 * time.Second}, s.fetch)
				for _, r := range rows {
					time.Sleep(r.after)
					if r.change != nil {
						s.set(r.change)
					}
					began := time.Now()
					got, err := v.Find(t.Context(), 5*time.Second, func(have string) bool { return r.want == "" || have == r.want })
					took := time.Since(began)
					synctest.Wait()
					if got != r.got || !errors.Is(err, r.err) || took != r.took || s.asked != r.asked {
						t.Fatalf("%s: got %q, %v after %v, asked %d times, want %q, %v after %v, %d times", r.name, got, err, took, s.asked, r.got, r.err, r.took, r.asked)
					}
				}
				time.Sleep(time.Minute) // fetches in the background end
			})
		})
	}
}

func TestWithoutStaleForAnOldValueIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{word: "a"}
		v := cached.New(cached.Rules{FreshFor: time.Minute, MinInterval: time.Second, Timeout: time.Second}, s.fetch)
		if got, err := v.Get(t.Context()); got != "a" || err != nil {
			t.Fatalf("got %q, %v, want the value", got, err)
		}
		s.down = true
		time.Sleep(time.Minute)
		if got, err := v.Get(t.Context()); got != "" || !errors.Is(err, errDown) {
			t.Errorf("got %q, %v, want the outage", got, err)
		}
	})
}

func TestManyCallersShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{word: "a", slow: time.Second}
		v := cached.New(cached.Rules{FreshFor: time.Minute, MinInterval: time.Second, Timeout: time.Minute}, s.fetch)
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := v.Get(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller, whose context ended: got %v, want its context's error", err)
			}
		})
		synctest.Wait()
		for range 100 {
			all.Go(func() {
				if got, err := v.Get(t.Context()); got != "a" || err != nil {
					t.Errorf("got %q, %v, want the value", got, err)
				}
			})
		}
		synctest.Wait()
		leave()
		all.Wait()
		if s.asked != 1 {
			t.Errorf("fetched %d times, want once", s.asked)
		}
	})
}
