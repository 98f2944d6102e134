//go:build integration

package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

func ids(t *testing.T, r *store.RedisStore) []string {
	t.Helper()
	var list []string
	for id, err := range r.IDs(t.Context()) {
		if err != nil {
			t.Fatalf("IDs: %v", err)
		}
		list = append(list, id)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// strangers are keys that look like sessions with the given prefix but are not.
func strangers(prefix string) []string {
	list := []string{"other", "test:label:x", "test:x:{" + prefix + "id1}", strings.ToUpper(prefix) + "id1", prefix[1:] + "id1", "a" + prefix + "id1", prefix + "{id}", prefix}
	if glob := strings.NewReplacer("*", "zz", "?", "z", "[c]", "c", `\`, "").Replace(prefix); glob != prefix {
		list = append(list, glob+"id1")
	}
	return list
}

func TestWalksSeeTheirPrefixAndNothingElse(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": server.Addr, "two": redistest.Start(t).Addr}})
	defer func() { _ = ring.Close() }()
	for name, cfg := range configs {
		for kind, client := range map[string]store.RedisClient{"client": c, "ring": ring, "pipeline": pipelined(t, c.AutoPipeline)} {
			t.Run(name+" on a "+kind, func(t *testing.T) {
				server.Flush(t)
				_ = ring.ForEachShard(t.Context(), func(ctx context.Context, c *redis.Client) error { return c.FlushAll(ctx).Err() })
				cfg.ScanCount = 7
				r := newRedis(t, client, cfg)
				prefix := cfg.Prefix
				if prefix == "" {
					prefix = "sess:"
				}
				for _, key := range strangers(prefix) {
					if err := c.Set(t.Context(), key, "x", 0).Err(); err != nil {
						t.Fatal(err)
					}
				}
				var want []string
				for i := range 100 {
					want = append(want, fmt.Sprint("id", i))
					create(t, r, want[i], "x")
				}
				slices.Sort(want)
				if got := ids(t, r); !slices.Equal(got, want) {
					t.Errorf("IDs: got %d (%q), want the 100 that were created", len(got), got)
				}
				if n, err := r.Count(t.Context()); n != 100 || err != nil {
					t.Errorf("Count: got %d and error %v, want 100", n, err)
				}
				if n, err := r.Clear(t.Context()); n != 100 || err != nil {
					t.Errorf("Clear: got %d and error %v, want 100", n, err)
				}
				if got := ids(t, r); len(got) != 0 {
					t.Errorf("IDs after Clear: got %q, want none", got)
				}
				if n, err := c.Exists(t.Context(), strangers(prefix)...).Result(); int(n) != len(strangers(prefix)) || err != nil {
					t.Errorf("after Clear %d of %d keys of others are left (error %v)", n, len(strangers(prefix)), err)
				}
			})
		}
	}
}

func TestClearKeepsWhatKeepsSessionsEnded(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	r := newRedis(t, c, store.RedisConfig{Tombstones: true})
	for _, id := range []string{"ended", "alive"} {
		create(t, r, id, "x")
		if err := r.AddLabel(t.Context(), "user", id, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.End(t.Context(), "ended", nil, "", 40*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Clear(t.Context()); n != 1 || err != nil {
		t.Errorf("Clear: got %d and error %v, want 1", n, err)
	}
	server.Advance(t, 29*24*time.Hour)
	for _, id := range []string{"ended", "alive"} {
		if err := c.Set(t.Context(), "sess:"+id, "x", time.Hour).Err(); err != nil { // as Node would
			t.Fatal(err)
		}
		isUnknown(t, r, id)
	}
}

func TestClearRefusesToEmptyTheDatabase(t *testing.T) {
	server := redistest.Start(t)
	r := newRedis(t, server.Client(t), store.RedisConfig{NoPrefix: true})
	create(t, r, "id", "x")
	if n, err := r.Clear(t.Context()); n != 0 || err == nil || !strings.Contains(err.Error(), "FLUSHDB") {
		t.Errorf("Clear without a prefix: got %d and error %v, want a refusal", n, err)
	}
	if got := ids(t, r); !slices.Equal(got, []string{"id"}) {
		t.Errorf("IDs: got %q, want the one that was created", got)
	}
}

func TestAWalkEndsWithTheFirstError(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		t.Run(kind, func(t *testing.T) {
			server.Flush(t)
			proxy, through := behind(t, server)
			client, cfg := newClient(t, through)
			r := newRedis(t, client, cfg)
			create(t, r, "id", "x")
			proxy.Down()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			var errs []error
			for _, err := range r.IDs(ctx) {
				errs = append(errs, err)
			}
			for _, err := range r.All(ctx) {
				errs = append(errs, err)
			}
			_, count := r.Count(ctx)
			_, clearing := r.Clear(ctx)
			errs = append(errs, count, clearing)
			if len(errs) != 4 || slices.ContainsFunc(errs, func(err error) bool { return err == nil || errors.Is(err, session.ErrNotFound) }) {
				t.Errorf("IDs, All, Count and Clear without a server: got errors %v, want an outage each", errs)
			}
		})
	}
}
