//go:build integration

package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
)

func TestAWalkDoesNotTrustSlotsThatMove(t *testing.T) {
	c := redistest.StartCluster(t)
	client := c.Client(t)
	r := newRedis(t, client, store.RedisConfig{})
	ctx := t.Context()
	if err := r.Create(ctx, "id", []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	slot, err := client.ClusterKeySlot(ctx, "sess:id").Result()
	if err != nil {
		t.Fatal(err)
	}
	err = c.Move(ctx, int(slot), (int(slot)*3/16384+1)%3, func() {
		if _, err := r.Count(ctx); err == nil || !strings.Contains(err.Error(), "slots moved") {
			t.Errorf("Count while a slot moves: got error %v, want one that says so", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Count(ctx); n != 1 || err != nil {
		t.Errorf("Count afterwards: got %d and error %v, want 1", n, err)
	}
}
