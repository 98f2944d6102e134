package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

var (
	_ strategy.Counter = (*store.RedisCounter)(nil)
	_ strategy.Tokens  = (*store.RedisTokens)(nil)
	_ strategy.Tokens  = (*store.MemoryTokens)(nil)
	_ strategy.Counter = (*store.MemoryCounter)(nil)
)

func newRedisCounter(t *testing.T, client store.RedisClient) strategy.Counter {
	t.Helper()
	c, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c.Counter
}

func newRedisTokens(t *testing.T, client store.RedisClient) strategy.Tokens {
	t.Helper()
	r, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r.Tokens
}

func TestRedisCounterKeepsTheContractOnMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	strategytest.RunCounter(t, func(t *testing.T) strategy.Counter {
		m.FlushAll()
		return newRedisCounter(t, c)
	}, m.FastForward)
}

func TestMemoryCounterKeepsTheContract(t *testing.T) {
	strategytest.RunCounterInBubble(t, func(t *testing.T) strategy.Counter {
		m, err := store.Memory(store.MemoryConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return m.Counter
	})
}

// TestAFullMemoryCounterForgetsALowOne: the flood that fills it, not the account under
// attack.
func TestAFullMemoryCounterForgetsALowOne(t *testing.T) {
	m, err := store.Memory(store.MemoryConfig{MaxValues: 100})
	if err != nil {
		t.Fatal(err)
	}
	add := func(key string, n int64) int64 {
		count, _, err := m.Counter.Add(t.Context(), key, n, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	add("under attack", 50)
	for i := range 1000 {
		add(fmt.Sprint("flood", i), 1)
	}
	if n := add("under attack", 1); n != 51 {
		t.Errorf("the counter under attack is at %d, want 51", n)
	}
}

// checkTokens tries each rule of strategy.Tokens.
func checkTokens(t *testing.T, tokens strategy.Tokens, advance func(time.Duration)) {
	ctx := t.Context()
	const nothing = "nothing"
	take := func(key, want string) {
		t.Helper()
		got, found, err := tokens.Take(ctx, key)
		if err == nil && !found && got == nil {
			got = []byte(nothing)
		}
		if string(got) != want || err != nil {
			t.Errorf("Take(%q): got %q, %t and error %v, want %q", key, got, found, err, want)
		}
	}
	put := func(key, v string, ttl time.Duration) {
		t.Helper()
		if err := tokens.Put(ctx, key, []byte(v), ttl); err != nil {
			t.Errorf("Put(%q): %v", key, err)
		}
	}
	take("a", nothing)
	put("a", "one", time.Hour)
	put("b", "\x00\xff", time.Hour)
	put("{c}", "", time.Hour)
	take("a", "one")
	take("a", nothing)
	take("b", "\x00\xff")
	take("{c}", "")
	put("a", "one", time.Minute)
	put("a", "two", time.Hour)
	advance(2 * time.Minute)
	take("a", "two")
	put("a", "short", time.Minute)
	put("b", "long", time.Hour)
	advance(2 * time.Minute)
	take("a", nothing)
	take("b", "long")

	given := []byte("given")
	if err := tokens.Put(ctx, "a", given, time.Hour); err != nil {
		t.Error(err)
	}
	copy(given, "xxxxx")
	take("a", "given")
	for _, ttl := range []time.Duration{0, -1, time.Millisecond - 1} {
		if err := tokens.Put(ctx, "a", given, ttl); err == nil {
			t.Errorf("Put for %v: got no error", ttl)
		}
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	put("a", "kept", time.Hour)
	if err := tokens.Put(over, "a", given, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Put after the context's end: got error %v, want the context's", err)
	}
	if _, _, err := tokens.Take(over, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Take after the context's end: got error %v, want the context's", err)
	}
	take("a", "kept")

	put("once", "x", time.Hour)
	var taken atomic.Int64
	done := make(chan struct{})
	for range 16 {
		go func() {
			defer func() { done <- struct{}{} }()
			if _, found, err := tokens.Take(ctx, "once"); err != nil {
				t.Error(err)
			} else if found {
				taken.Add(1)
			}
		}()
	}
	for range 16 {
		<-done
	}
	if taken.Load() != 1 {
		t.Errorf("%d of 16 parallel Takes got the token, want 1", taken.Load())
	}
}

func TestMemoryTokensAreTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := store.Memory(store.MemoryConfig{})
		if err != nil {
			t.Fatal(err)
		}
		checkTokens(t, m.Tokens, pass)
	})
}

func TestRedisTokensAreTakenOnceFromMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	checkTokens(t, newRedisTokens(t, c), m.FastForward)
}

func TestFullMemoryTokensRefuseNewOnesAndForgetNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := store.Memory(store.MemoryConfig{MaxValues: 2})
		if err != nil {
			t.Fatal(err)
		}
		tokens := m.Tokens
		put := func(key string, want error) {
			t.Helper()
			if err := tokens.Put(t.Context(), key, []byte("x"), time.Minute); !errors.Is(err, want) {
				t.Errorf("Put(%q): got error %v, want %v", key, err, want)
			}
		}
		put("a", nil)
		put("b", nil)
		put("c", store.ErrFull)
		put("a", nil) // in place of what is there
		if _, found, _ := tokens.Take(t.Context(), "b"); !found {
			t.Error("a full keeper of tokens forgot one")
		}
		put("c", nil)
		put("b", store.ErrFull)
		pass(2 * time.Minute)
		put("b", nil)
		put("d", nil)
	})
}
