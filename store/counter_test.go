package store_test

import (
	"context"
	"errors"
	"fmt"
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

// TestAFullMemoryCounterForgetsALowOne: one of the flood that fills it, not the counter of the account
// under attack.
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

// refuseTokens checks arguments that the stores refuse and that package strategytest does not test.
func refuseTokens(t *testing.T, tokens strategy.Tokens) {
	t.Helper()
	for _, ttl := range []time.Duration{0, -1, time.Millisecond - 1} {
		if err := tokens.Put(t.Context(), "a", []byte("given"), ttl); err == nil {
			t.Errorf("Put for %v: got no error", ttl)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tokens.Put(over, "a", []byte("given"), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Put after the context's end: got error %v, want the context's", err)
	}
	if _, _, err := tokens.Take(over, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Take after the context's end: got error %v, want the context's", err)
	}
	if err := tokens.Put(t.Context(), "{c}", nil, time.Hour); err != nil {
		t.Errorf("Put of a key with braces: %v", err)
	}
	if _, found, err := tokens.Take(t.Context(), "{c}"); !found || err != nil {
		t.Errorf("Take of a key with braces: got %t and %v, want true", found, err)
	}
}

func TestMemoryTokensKeepTheContract(t *testing.T) {
	newTokens := func(t *testing.T) strategy.Tokens {
		m, err := store.Memory(store.MemoryConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return m.Tokens
	}
	strategytest.RunTokensInBubble(t, newTokens)
	refuseTokens(t, newTokens(t))
}

func TestRedisTokensKeepTheContractOnMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	defer c.Close()
	newTokens := func(t *testing.T) strategy.Tokens {
		m.FlushAll()
		return newRedisTokens(t, c)
	}
	strategytest.RunTokens(t, newTokens, m.FastForward)
	refuseTokens(t, newTokens(t))
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
			t.Error("a full MemoryTokens forgot one")
		}
		put("c", nil)
		put("b", store.ErrFull)
		pass(2 * time.Minute)
		put("b", nil)
		put("d", nil)
	})
}
