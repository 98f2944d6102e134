//go:build integration

package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func TestRedisCellsKeepTheContractOnRedis(t *testing.T) {
	s := redistest.Start(t)
	for kind, newClient := range kinds {
		t.Run(kind, func(t *testing.T) {
			c, cfg := newClient(t, s)
			cfg.Name = "app"
			strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
				s.Flush(t)
				return newRedisCells(t, c, cfg)
			}, func(d time.Duration) { s.Advance(t, d) })
		})
	}
	t.Run("Client whose reads are cached", func(t *testing.T) {
		c := cached(t, s)
		strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
			s.Flush(t)
			return newRedisCells(t, c, store.RedisConfig{Name: "app"})
		}, func(d time.Duration) { s.Advance(t, d) })
	})
	c := s.Client(t)
	for _, key := range c.Keys(t.Context(), "*").Val() {
		if !strings.HasPrefix(key, "app:cell:") {
			t.Errorf("key %q lacks the prefix", key)
		}
	}
}

func TestRedisCellsSayWhenRedisIsDown(t *testing.T) {
	s := redistest.Start(t)
	c := newRedisCells(t, s.Client(t), store.RedisConfig{})
	s.Kill()
	if _, err := c.Load(t.Context(), "a"); err == nil {
		t.Error("Load: got no error")
	}
	if _, _, err := c.Swap(t.Context(), "a", nil, []byte("1"), time.Minute); err == nil {
		t.Error("Swap: got no error")
	}
	if _, err := c.LoadAll(t.Context(), []string{"a", "b"}); err == nil {
		t.Error("LoadAll: got no error")
	}
	if _, _, _, err := c.SwapAndLoad(t.Context(), "a", nil, []byte("1"), time.Minute, []string{"b"}); err == nil {
		t.Error("SwapAndLoad: got no error")
	}
}
