//go:build integration && !race

package store_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
)

// TestAllocationsOfAGuardedReadOnRedis: go-redis makes nine for one GET, with the key, and the command's
// context five.
func TestAllocationsOfAGuardedReadOnRedis(t *testing.T) {
	client := redistest.Start(t).Client(t, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	if got := guardedReadAllocs(t, newRedis(t, client, store.RedisConfig{})); got > 15 {
		t.Errorf("a guarded read on Redis allocates %v times, want at most 15", got)
	}
}

// TestAllocationsOfAGuardedReadFromTheClientSideCache: go-redis makes six, with the key, and the command
// has no context of its own.
func TestAllocationsOfAGuardedReadFromTheClientSideCache(t *testing.T) {
	server := redistest.Start(t)
	if got := guardedReadAllocs(t, newRedis(t, server.Client(t), store.RedisConfig{Reads: cached(t, server)})); got > 7 {
		t.Errorf("a guarded read from the client-side cache allocates %v times, want at most 7", got)
	}
}
