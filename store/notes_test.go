//go:build integration

package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// notes are the keys of the notes, by the prefix of the records (S16).
var notes = map[string]string{
	"sess:":       "test:x:{sess:old}",
	"{app}:sess:": "test:x:{app}:sess:old",
	"s[1]*":       "test:x:{s[1]*old}",
}

func TestS7_TheSuccessorLiesBesideTheRecordForTenMinutes(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	for prefix, key := range notes {
		t.Run(prefix, func(t *testing.T) {
			server.Flush(t)
			r := newRedis(t, c, store.RedisConfig{Prefix: prefix})
			create(t, r, "old", "x")
			if _, err := r.End(t.Context(), "old", []byte("x"), "new", 30*24*time.Hour); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Get(t.Context(), key).Result(); got != "new" || err != nil {
				t.Errorf("%s: got %q and error %v, want the successor", key, got, err)
			}
			if ttl, err := c.PTTL(t.Context(), key).Result(); ttl > 10*time.Minute || ttl < 9*time.Minute || err != nil {
				t.Errorf("%s lives for %v (error %v), want ten minutes", key, ttl, err)
			}
			if keys, err := c.Keys(t.Context(), "*").Result(); len(keys) != 1 || err != nil {
				t.Errorf("keys: got %q and error %v, want the note only", keys, err)
			}
			isUnknown(t, r, "old")
		})
	}
}

func TestS15_ATombstoneOutlastsWhatNodeWritesBack(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	for _, cfg := range []store.RedisConfig{{Tombstones: true}, {Tombstones: true, Reads: cached(t, server)}} {
		server.Flush(t)
		r := newRedis(t, c, cfg)
		create(t, r, "id", "x")
		if _, err := r.End(t.Context(), "id", nil, "", 30*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		for day := range 30 {
			// What a slow request of express-session does, or one with resave: a plain SET.
			if err := c.Set(t.Context(), "sess:id", "x", 24*time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			err := r.Update(t.Context(), "id", []byte("x"), []byte("y"), time.Hour)
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("day %d, Update: got error %v, want ErrNotFound", day, err)
			}
			if _, err := r.End(t.Context(), "id", []byte("x"), "other", time.Hour); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("day %d, comparing End: got error %v, want ErrNotFound", day, err)
			}
			for rec, err := range r.All(t.Context()) {
				t.Errorf("day %d, All yielded %q and error %v, want nothing", day, rec.ID, err)
			}
			isUnknown(t, r, "id")
			if n, err := c.Exists(t.Context(), "sess:id").Result(); n != 0 || err != nil {
				t.Errorf("day %d: the record that was written back is still in Redis (error %v)", day, err)
			}
			server.Advance(t, 23*time.Hour+30*time.Minute)
		}
		server.Advance(t, 24*time.Hour)
		if n, err := c.DBSize(t.Context()).Result(); n != 0 || err != nil {
			t.Errorf("after the record's last possible day %d keys are left (error %v), want 0", n, err)
		}
	}
}

func TestS15_EveryEndLeavesATombstone(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	for name, row := range map[string]struct {
		old  []byte
		next string
		life time.Duration
		note string
	}{
		"a log-out":                           {nil, "", time.Hour, "-"},
		"a compared end":                      {[]byte("x"), "", time.Hour, "-"},
		"a renewal":                           {[]byte("x"), "new", time.Hour, "new"},
		"an end when no record had been seen": {nil, "", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server.Flush(t)
			r := newRedis(t, c, store.RedisConfig{Tombstones: true})
			create(t, r, "old", "x")
			if _, err := r.End(t.Context(), "old", row.old, row.next, row.life); err != nil {
				t.Fatal(err)
			}
			got, err := c.Get(t.Context(), "test:x:{sess:old}").Result()
			if err != nil && !errors.Is(err, redis.Nil) || got != row.note {
				t.Errorf("note: got %q and error %v, want %q", got, err, row.note)
			}
		})
	}
}

// TestS15_AFullServerStillEndsTheRecord: the script begins with the DEL. Redis 7 then executes the rest of
// the script; an older server refuses the note, which is an outage.
func TestS15_AFullServerStillEndsTheRecord(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	for _, tombstones := range []bool{false, true} {
		server.Flush(t)
		r := newRedis(t, c, store.RedisConfig{Tombstones: tombstones})
		create(t, r, "id", "x")
		if err := c.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
			t.Fatal(err)
		}
		full := r.Create(t.Context(), "other", []byte("x"), time.Hour)
		_, end := r.End(t.Context(), "id", []byte("x"), "new", time.Hour)
		if err := c.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
			t.Fatal(err)
		}
		if full == nil || !strings.Contains(full.Error(), "OOM") {
			t.Fatalf("Create on a full server: got error %v, want OOM", full)
		}
		isUnknown(t, r, "id")
		next, err := r.End(t.Context(), "id", nil, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if (end == nil) != (next == "new") {
			t.Errorf("End on a full server: got error %v, and afterwards the successor %q", end, next)
		}
	}
}

func TestS16_TheNoteLiesInTheRecordsSlot(t *testing.T) {
	c := redistest.Start(t, "--cluster-enabled", "yes").Client(t)
	slot := func(key string) int64 {
		n, err := c.ClusterKeySlot(context.Background(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	slots := map[int64]bool{}
	for prefix, note := range notes {
		for i := range 50 {
			id := fmt.Sprint("old", i)
			record, note := slot(prefix+id), slot(strings.Replace(note, "old", id, 1))
			if record != note {
				t.Errorf("slot of %s%s: %d, of its note: %d", prefix, id, record, note)
			}
			slots[record] = true
		}
	}
	if len(slots) < 90 {
		t.Errorf("150 keys lie in %d slots, want them spread", len(slots))
	}
}
