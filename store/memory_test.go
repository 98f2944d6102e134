package store_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func newMemory(t testing.TB, cfg store.MemoryConfig) *store.MemoryStore {
	t.Helper()
	m, err := store.NewMemory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMemoryStoreKeepsTheContract(t *testing.T) {
	for _, tombstones := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "with tombstones"}[tombstones], func(t *testing.T) {
			newStore := func(t *testing.T) session.Store {
				return newMemory(t, store.MemoryConfig{Tombstones: tombstones})
			}
			sessiontest.RunInBubble(t, newStore)
		})
	}
}
