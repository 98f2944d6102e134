package parity_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// shared returns a Redis and our store on it.
func shared(t *testing.T, cfg store.RedisConfig) (*miniredis.Miniredis, *store.RedisStore) {
	t.Helper()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	cfg.Name = "test"
	s, err := store.Redis(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return server, s.Sessions
}

const kept = `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}`

// put stores records under ids, for an hour.
func put(t *testing.T, s *store.RedisStore, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.Create(t.Context(), id, []byte(kept), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

// lifeOf returns the time to live of the only session's key after a log-in under edit.
func lifeOf(t *testing.T, edit func(*session.Config)) time.Duration {
	t.Helper()
	server, s := shared(t, store.RedisConfig{})
	newApp(t, func(c *session.Config) { c.Store = s }, edit).joe()
	for _, key := range server.Keys() {
		if strings.HasPrefix(key, "sess:") {
			return server.TTL(key)
		}
	}
	t.Fatal("no session in Redis")
	return 0
}

var connectRedisRows = []row{
	{"client", func(t *testing.T) {
		_, s := shared(t, store.RedisConfig{})
		newApp(t, func(c *session.Config) { c.Store = s }).joe().Get("/me").Want(t, 200, "hello joe@test.com")
	}},
	{"prefix", func(t *testing.T) {
		for prefix, want := range map[string]string{"": "sess:ID", "shop:": "shop:ID"} {
			server, s := shared(t, store.RedisConfig{Prefix: prefix})
			put(t, s, "ID")
			if got, err := server.Get(want); err != nil || got != kept {
				t.Errorf("prefix %q: %s holds %q, %v", prefix, want, got, err)
			}
		}
	}},
	{"ttl", func(t *testing.T) {
		if got := lifeOf(t, func(*session.Config) {}); got != 24*time.Hour {
			t.Errorf("the key lives for %v, want a day, as with connect-redis", got)
		}
		if got := lifeOf(t, func(c *session.Config) { c.IdleTimeout = time.Hour }); got != time.Hour {
			t.Errorf("the key lives for %v, want an hour", got)
		}
	}},
	{"ttl function", func(t *testing.T) { // for one session: its own maximal age
		server, s := shared(t, store.RedisConfig{})
		a := newApp(t, func(c *session.Config) { c.Store = s })
		a.session("/set", func(_ *http.Request, s *session.Session) (any, error) {
			return "", errors.Join(cart.Set(s, "full"), s.SetMaxAge(2*time.Hour))
		})
		a.open().Get("/set").Want(t, 200, "")
		if got := server.TTL(server.Keys()[0]); got != 2*time.Hour {
			t.Errorf("the key lives for %v, want two hours", got)
		}
	}},
	{"disableTouch", func(t *testing.T) {
		server, s := shared(t, store.RedisConfig{})
		b := newApp(t, func(c *session.Config) {
			c.Store, c.IdleTimeout, c.RefreshAfter = s, time.Hour, 59*time.Minute
		}).joe()
		before := server.Dump()
		b.Get("/me").Want(t, 200, "")
		if after := server.Dump(); after != before {
			t.Errorf("a read changed Redis from\n%s\nto\n%s", before, after)
		}
	}},
	{"disableTTL", func(t *testing.T) { // not supported: a session that never ends is a leak and a risk
		if got := lifeOf(t, func(c *session.Config) { c.IdleTimeout = 29 * 24 * time.Hour }); got != 29*24*time.Hour {
			t.Errorf("the key lives for %v, want 29 days", got)
		}
		_, s := shared(t, store.RedisConfig{})
		if err := s.Create(t.Context(), "ID", []byte(kept), 0); err == nil {
			t.Error("a record without a time to live was stored")
		}
	}},
	{"scanCount", func(t *testing.T) {
		_, s := shared(t, store.RedisConfig{ScanCount: 1})
		put(t, s, "a", "b", "c")
		if n, err := s.Count(t.Context()); n != 3 || err != nil {
			t.Errorf("Count: %d, %v, want 3", n, err)
		}
		if _, err := store.Redis(redis.NewClient(&redis.Options{}), store.RedisConfig{Name: "test", ScanCount: -1}); err == nil {
			t.Error("a negative ScanCount was accepted")
		}
	}},
	{"serializer", func(t *testing.T) { // not supported: the record is JSON, which others can read
		server, s := shared(t, store.RedisConfig{})
		newApp(t, func(c *session.Config) { c.Store = s }).joe()
		for _, key := range server.Keys() {
			if text, err := server.Get(key); strings.HasPrefix(key, "sess:") && (err != nil || !strings.HasPrefix(text, `{"cookie":{`)) {
				t.Errorf("the record is %q, %v", text, err)
			}
		}
	}},
	{"get(sid)", func(t *testing.T) {
		server, s := shared(t, store.RedisConfig{})
		if err := server.Set("sess:ID", kept); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "ID"); err != nil || string(got) != kept {
			t.Errorf("Get: %s, %v", got, err)
		}
		if _, err := s.Get(t.Context(), "other"); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Get of an unknown id: %v", err)
		}
	}},
	{"set(sid, sess)", func(t *testing.T) { // two methods: for a new record, and for one that was read before
		_, s := shared(t, store.RedisConfig{})
		put(t, s, "ID")
		if err := s.Create(t.Context(), "ID", []byte(kept), time.Hour); !errors.Is(err, session.ErrExists) {
			t.Errorf("Create over a record: %v", err)
		}
		if err := s.Update(t.Context(), "ID", []byte("stale"), []byte("{}"), time.Hour); !errors.Is(err, session.ErrConflict) {
			t.Errorf("Update of what was not read: %v", err)
		}
		if err := s.Update(t.Context(), "ID", []byte(kept), []byte("{}"), time.Hour); err != nil {
			t.Errorf("Update: %v", err)
		}
	}},
	{"touch(sid, sess)", func(t *testing.T) { // an Update that changes no value
		server, s := shared(t, store.RedisConfig{})
		put(t, s, "ID")
		if err := s.Update(t.Context(), "ID", []byte(kept), []byte(kept), 2*time.Hour); err != nil || server.TTL("sess:ID") != 2*time.Hour {
			t.Errorf("Update: %v, the key lives for %v", err, server.TTL("sess:ID"))
		}
	}},
	{"destroy(sid)", func(t *testing.T) {
		server, s := shared(t, store.RedisConfig{})
		put(t, s, "ID")
		if err := s.Delete(t.Context(), "ID", nil); err != nil || server.Exists("sess:ID") {
			t.Errorf("Delete: %v", err)
		}
	}},
	{"ids()", func(t *testing.T) {
		_, s := shared(t, store.RedisConfig{})
		put(t, s, "a", "b")
		var got []string
		for id, err := range s.IDs(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, id)
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("IDs are %q", got)
		}
	}},
	{"length()", func(t *testing.T) {
		_, s := shared(t, store.RedisConfig{})
		put(t, s, "a", "b")
		if n, err := s.Count(t.Context()); n != 2 || err != nil {
			t.Errorf("Count: %d, %v, want 2", n, err)
		}
	}},
	{"all()", func(t *testing.T) {
		_, s := shared(t, store.RedisConfig{})
		put(t, s, "a", "b")
		n := 0
		for r, err := range s.All(t.Context()) {
			if err != nil || string(r.Data) != kept {
				t.Errorf("All: %s, %v", r.Data, err)
			}
			n++
		}
		if n != 2 {
			t.Errorf("All: %d records, want 2", n)
		}
	}},
	{"clear()", func(t *testing.T) {
		server, s := shared(t, store.RedisConfig{})
		put(t, s, "a", "b")
		if err := server.Set("other", "stays"); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Clear(t.Context()); n != 2 || err != nil || !slices.Equal(server.Keys(), []string{"other"}) {
			t.Errorf("Clear: %d, %v, keys left %q", n, err, server.Keys())
		}
	}},
	{"Redis down", func(t *testing.T) {
		server, s := shared(t, store.RedisConfig{})
		a := newApp(t, func(c *session.Config) { c.Store = s })
		b := a.joe()
		server.SetError("LOADING")
		got := b.Get("/me")
		got.Want(t, 503, "")
		if len(got.Cookies()) != 0 {
			t.Errorf("an outage changed the cookie: %v", got.Cookies())
		}
		server.SetError("")
		b.Get("/me").Want(t, 200, "hello joe@test.com")
	}},
}
