package store_test

import (
	"cmp"
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
	_ strategy.Cells = (*store.RedisCells)(nil)
	_ strategy.Cells = (*store.MemoryCells)(nil)
)

func newMemoryCells(t testing.TB, limit int) *store.MemoryCells {
	t.Helper()
	c, err := store.Memory(store.MemoryConfig{MaxValues: limit})
	if err != nil {
		t.Fatal(err)
	}
	return c.Cells
}

func newRedisCells(t testing.TB, client store.RedisClient, cfg store.RedisConfig) *store.RedisCells {
	t.Helper()
	cfg.Name = cmp.Or(cfg.Name, "test")
	c, err := store.Redis(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c.Cells
}

func TestMemoryCellsKeepTheContract(t *testing.T) {
	strategytest.RunCellsInBubble(t, func(t *testing.T) strategy.Cells { return newMemoryCells(t, 0) })
}

func TestRedisCellsKeepTheContractOnMiniredis(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	defer c.Close()
	strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
		m.FlushAll()
		return newRedisCells(t, c, store.RedisConfig{})
	}, m.FastForward)
}

func TestMemoryCellsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemoryCells(t, 2)
		put := func(key string, old []byte) error {
			_, _, err := c.Swap(t.Context(), key, old, []byte("1"), time.Minute)
			return err
		}
		for i := range 2 {
			if err := put(fmt.Sprint(i), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := put("2", nil); !errors.Is(err, store.ErrFull) {
			t.Errorf("one too many: got %v, want ErrFull", err)
		}
		if err := put("1", []byte("1")); err != nil {
			t.Errorf("one that is there: got %v, want none", err)
		}
		<-time.After(time.Minute)
		if err := put("2", nil); err != nil {
			t.Errorf("after the time of the others: got %v, want none", err)
		}
	})
}

func TestCellsRefuseWhatCannotWork(t *testing.T) {
	if _, _, err := newMemoryCells(t, 0).Swap(t.Context(), "a", nil, []byte("1"), 0); err == nil {
		t.Error("a ttl of zero: got no error")
	}
}
