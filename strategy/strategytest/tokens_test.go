package strategytest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func newTokens(t testing.TB) strategy.Tokens {
	t.Helper()
	c, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Tokens
}

func TestGoodTokensPass(t *testing.T) {
	strategytest.RunTokensInBubble(t, func(t *testing.T) strategy.Tokens { return newTokens(t) })
}

// faultyTokens are Tokens with a fault.
type faultyTokens struct {
	strategy.Tokens
	put  func(k strategy.Tokens, ctx context.Context, key string, v []byte, ttl time.Duration) error
	take func(k strategy.Tokens, ctx context.Context, key string) ([]byte, bool, error)
}

func (f *faultyTokens) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	if f.put == nil {
		return f.Tokens.Put(ctx, key, v, ttl)
	}
	return f.put(f.Tokens, ctx, key, v, ttl)
}

func (f *faultyTokens) Take(ctx context.Context, key string) ([]byte, bool, error) {
	if f.take == nil {
		return f.Tokens.Take(ctx, key)
	}
	return f.take(f.Tokens, ctx, key)
}

// sharing keeps the slices that it is given.
type sharing struct {
	strategy.Tokens
	mu   sync.Mutex
	kept map[string][]byte
}

func (s *sharing) Put(_ context.Context, key string, v []byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = v
	return nil
}

func (s *sharing) Take(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, found := s.kept[key]
	delete(s.kept, key)
	return v, found, nil
}

// readsAndThenRemoves returns a Take in two steps, with time for other calls in between.
func readsAndThenRemoves() func(k strategy.Tokens, ctx context.Context, key string) ([]byte, bool, error) {
	var reading sync.Mutex
	return func(k strategy.Tokens, ctx context.Context, key string) ([]byte, bool, error) {
		reading.Lock()
		v, found, err := k.Take(ctx, key)
		if found {
			_ = k.Put(ctx, key, v, time.Hour)
		}
		reading.Unlock()
		if found {
			time.Sleep(time.Nanosecond) // in the bubble this waits until every other call has read too
			_, _, _ = k.Take(ctx, key)
		}
		return v, found, err
	}
}

func TestEachFaultOfTokensBreaksItsRule(t *testing.T) {
	for _, row := range []struct {
		fault, rule string
		faulty      faultyTokens
	}{
		{"an empty token is none", "Take returns what is kept under key", faultyTokens{take: func(k strategy.Tokens, ctx context.Context, key string) ([]byte, bool, error) {
			v, found, err := k.Take(ctx, key)
			return v, found && len(v) > 0, err
		}}},
		{"a token is good twice", "and removes it", faultyTokens{take: func(k strategy.Tokens, ctx context.Context, key string) ([]byte, bool, error) {
			v, found, err := k.Take(ctx, key)
			if found {
				_ = k.Put(ctx, key, v, time.Hour)
			}
			return v, found, err
		}}},
		{"any token will do", "the bool is false when there is nothing", faultyTokens{take: func(k strategy.Tokens, ctx context.Context, key string) ([]byte, bool, error) {
			v, _, err := k.Take(ctx, key)
			return v, true, err
		}}},
		{"tokens last twice as long", "or its time has come", faultyTokens{put: func(k strategy.Tokens, ctx context.Context, key string, v []byte, ttl time.Duration) error {
			return k.Put(ctx, key, v, 2*ttl)
		}}},
		{"tokens last twice as long, and Put is slow", "or its time has come", faultyTokens{put: func(k strategy.Tokens, ctx context.Context, key string, v []byte, ttl time.Duration) error {
			time.Sleep(time.Second)
			return k.Put(ctx, key, v, 2*ttl)
		}}},
		{"the first token stays", "it replaces what is there", faultyTokens{put: func(k strategy.Tokens, ctx context.Context, key string, v []byte, ttl time.Duration) error {
			if old, found, _ := k.Take(ctx, key); found {
				return k.Put(ctx, key, old, ttl)
			}
			return k.Put(ctx, key, v, ttl)
		}}},
		{"it reads and then removes", "of several calls at once, one gets it", faultyTokens{take: readsAndThenRemoves()}},
		{"it changes the slice", "it neither keeps nor changes the slice", faultyTokens{put: func(k strategy.Tokens, ctx context.Context, key string, v []byte, ttl time.Duration) error {
			err := k.Put(ctx, key, v, ttl)
			clear(v)
			return err
		}}},
		{"it does not look at the context", "an error when the context has ended", faultyTokens{put: func(k strategy.Tokens, _ context.Context, key string, v []byte, ttl time.Duration) error {
			return k.Put(context.Background(), key, v, ttl)
		}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			broken := strategytest.BrokenTokensRules(func() strategy.Tokens {
				f := row.faulty
				f.Tokens = newTokens(t)
				return &f
			})
			if !slices.Contains(broken, row.rule) {
				t.Errorf("%s: the rules %q fail, want %q among them", row.fault, broken, row.rule)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		broken := strategytest.BrokenTokensRules(func() strategy.Tokens { return &sharing{kept: map[string][]byte{}} })
		if !slices.Contains(broken, "it neither keeps nor changes the slice") {
			t.Errorf("it keeps the slice: the rules %q fail", broken)
		}
	})
}
