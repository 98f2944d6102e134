//go:build integration

package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func TestRedisCounterKeepsTheContractOnRedis(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		t.Run(kind, func(t *testing.T) {
			client, _ := newClient(t, server)
			strategytest.RunCounter(t, func(t *testing.T) strategy.Counter {
				server.Flush(t)
				return newRedisCounter(t, client)
			}, func(d time.Duration) { server.Advance(t, d) })
		})
	}
}

func TestACountIsSentOnce(t *testing.T) {
	proxy, through := behind(t, redistest.Start(t))
	c := newRedisCounter(t, through.Client(t))
	add := func() (int64, error) {
		n, _, err := c.Add(t.Context(), "someone@example.com", 1, time.Minute)
		return n, err
	}
	if _, err := add(); err != nil {
		t.Fatal(err)
	}
	proxy.Faults(first(isScript, faultproxy.CutReply))
	if n, err := add(); err == nil {
		t.Errorf("Add with a lost reply: got %d, want an outage", n)
	}
	if n, err := add(); n != 3 || err != nil {
		t.Errorf("third Add: got %d and error %v, want 3", n, err)
	}
}

func TestCounterAndTokensTellNoKeyToRedis(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client(t)
	all, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := all.Counter.Add(t.Context(), "joe@test.com", 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := all.Tokens.Put(t.Context(), "joe@test.com", []byte("x"), time.Minute); err != nil {
		t.Fatal(err)
	}
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 2 {
		t.Fatalf("keys: got %q and error %v, want 2", keys, err)
	}
	for _, k := range keys {
		if strings.Contains(k, "joe") || len(k) != len("test:count:")+32 {
			t.Errorf("key %q: want a prefix and a digest of 32 characters", k)
		}
	}
}

func TestRedisTokensKeepTheContractOnRedis(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		t.Run(kind, func(t *testing.T) {
			client, _ := newClient(t, server)
			newTokens := func(t *testing.T) strategy.Tokens {
				server.Flush(t)
				return newRedisTokens(t, client)
			}
			strategytest.RunTokens(t, newTokens, func(d time.Duration) { server.Advance(t, d) })
			refuseTokens(t, newTokens(t))
		})
	}
}
