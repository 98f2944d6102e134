package strategytest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/punctual"
	"github.com/seed-6f34412b/passport/strategy"
)

// RunTokens runs every rule of [strategy.Tokens] as a subtest. newTokens returns empty
// Tokens. advance makes time pass for them.
func RunTokens(t *testing.T, newTokens func(t *testing.T) strategy.Tokens, advance func(d time.Duration)) {
	run(t, tokensRules, func(t *testing.T) tokens { return tokens{newTokens(t), advance} })
}

// RunTokensInBubble is RunTokens for Tokens whose clock is time.Now. Each rule is tried in
// a [testing/synctest] bubble of its own, in which an hour passes at once.
func RunTokensInBubble(t *testing.T, newTokens func(t *testing.T) strategy.Tokens) {
	runInBubble(t, tokensRules, func(t *testing.T) tokens { return tokens{newTokens(t), pass} })
}

// tokens are Tokens under test.
type tokens struct {
	strategy.Tokens
	advance func(time.Duration)
}

// put calls Put, which must succeed.
func (k tokens) put(t reporter, key, v string, ttl time.Duration) {
	t.Helper()
	if err := k.Put(context.Background(), key, []byte(v), ttl); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

// take calls Take and checks the result.
func (k tokens) take(t reporter, key, want string) {
	t.Helper()
	if got, found, err := k.Take(context.Background(), key); err != nil || !found || string(got) != want {
		t.Errorf("Take(%q): got %q, %t and %v, want %q", key, got, found, err, want)
	}
}

// nothing calls Take, which must find nothing.
func (k tokens) nothing(t reporter, key string) {
	t.Helper()
	if got, found, err := k.Take(context.Background(), key); err != nil || found {
		t.Errorf("Take(%q): got %q, %t and %v, want nothing", key, got, found, err)
	}
}

var tokensRules = []rule[tokens]{
	{"Take returns what is kept under key", func(t reporter, k tokens) {
		k.put(t, "a", "one", time.Hour)
		k.put(t, "b", "\x00\xff", time.Hour)
		k.put(t, "c", "", time.Hour)
		k.take(t, "b", "\x00\xff")
		k.take(t, "c", "")
		k.take(t, "a", "one")
	}},
	{"and removes it", func(t reporter, k tokens) {
		k.put(t, "a", "one", time.Hour)
		k.take(t, "a", "one")
		k.nothing(t, "a")
	}},
	{"the bool is false when there is nothing", func(t reporter, k tokens) {
		k.nothing(t, "a")
		k.put(t, "b", "one", time.Hour)
		k.nothing(t, "a")
	}},
	{"or its time has come", func(t reporter, k tokens) {
		early, advance := punctual.Within(t, k.advance, time.Second)
		k.put(t, "a", "one", time.Minute)
		k.put(t, "b", "two", time.Hour)
		k.put(t, "c", "three", time.Minute)
		advance(59 * time.Second)
		k.take(early, "c", "three")
		k.advance(2 * time.Second)
		k.nothing(t, "a")
		k.take(t, "b", "two")
	}},
	{"it replaces what is there", func(t reporter, k tokens) {
		k.put(t, "a", "one", time.Minute)
		k.put(t, "a", "two", time.Hour)
		k.advance(2 * time.Minute)
		k.take(t, "a", "two")
		k.put(t, "a", "long", time.Hour)
		k.put(t, "a", "short", time.Minute)
		k.advance(2 * time.Minute)
		k.nothing(t, "a")
	}},
	{"of several calls at once, one gets it", func(t reporter, k tokens) {
		k.put(t, "a", "one", time.Hour)
		var got atomic.Int64
		var wg sync.WaitGroup
		for range 2 * workers {
			wg.Go(func() {
				_, found, err := k.Take(context.Background(), "a")
				if err != nil {
					t.Errorf("Take: %v", err)
				}
				if found {
					got.Add(1)
				}
			})
		}
		wg.Wait()
		if got.Load() != 1 {
			t.Errorf("%d of %d Takes at once got the token, want 1", got.Load(), 2*workers)
		}
	}},
	{"it neither keeps nor changes the slice", func(t reporter, k tokens) {
		given := []byte("given")
		if err := k.Put(context.Background(), "a", given, time.Hour); err != nil {
			t.Fatalf("Put: %v", err)
		}
		if string(given) != "given" {
			t.Errorf("Put made %q of the slice", given)
		}
		given[0] = 'x'
		k.take(t, "a", "given")
	}},
	{"an error when the context has ended", func(t reporter, k tokens) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		k.put(t, "a", "kept", time.Hour)
		if err := k.Put(ctx, "a", []byte("other"), time.Hour); err == nil {
			t.Errorf("Put: no error")
		}
		if _, _, err := k.Take(ctx, "a"); err == nil {
			t.Errorf("Take: no error")
		}
		k.take(t, "a", "kept")
	}},
}
