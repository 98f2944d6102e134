package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func newRedis(t testing.TB, client store.RedisClient, cfg store.RedisConfig) *store.RedisStore {
	t.Helper()
	cfg.Name = cmp.Or(cfg.Name, "test")
	r, err := store.Redis(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r.Sessions
}

// configs are the forms of a RedisStore that keep its records in different ways.
var configs = map[string]store.RedisConfig{
	"plain":           {},
	"with tombstones": {Tombstones: true},
	"with a hash tag": {Prefix: "{app}:sess:", Tombstones: true},
	"with odd prefix": {Prefix: `a*b?[c]\^`},
}

func TestRedisStoreKeepsTheContractOnMiniredis(t *testing.T) {
	for name, cfg := range configs {
		t.Run(name, func(t *testing.T) {
			m := miniredis.RunT(t)
			c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
			defer c.Close()
			sessiontest.Run(t, func(t *testing.T) session.Store {
				m.FlushAll()
				return newRedis(t, c, cfg)
			}, m.FastForward)
		})
	}
}

func TestRedisStoreThatNotifiesKeepsTheContract(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: true})
	defer c.Close()
	sessiontest.Run(t, func(t *testing.T) session.Store {
		m.FlushAll()
		return newRedis(t, c, store.RedisConfig{Notify: true, Tombstones: true})
	}, m.FastForward)
}

func TestRedisStoreKeepsTheContractInABubble(t *testing.T) {
	sessiontest.RunInBubble(t, func(t *testing.T) session.Store {
		return newRedis(t, inBubble(t), store.RedisConfig{})
	})
}

// inBubble returns a client whose server is in the same synctest bubble.
func inBubble(t *testing.T) *redis.Client {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	c := redis.NewClient(&redis.Options{
		ContextTimeoutEnabled: true,
		Addr:                  "127.0.0.1:6379", // not looked up, unlike a name
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			conn, err := m.Dial()
			return newBuffered(conn), err
		},
	})
	t.Cleanup(func() { c.Close(); m.Close() })
	return c
}

// buffered is a pipe whose writer does not wait for its reader, like a network connection: it can hold a
// pipeline of commands.
type buffered struct {
	net.Conn
	out  chan []byte
	once sync.Once
	done chan struct{}
}

func newBuffered(conn net.Conn) *buffered {
	b := &buffered{Conn: conn, out: make(chan []byte, 1000), done: make(chan struct{})}
	go func() {
		for {
			select {
			case p := <-b.out:
				_, _ = b.Conn.Write(p)
			case <-b.done:
				return
			}
		}
	}()
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	b.out <- bytes.Clone(p)
	return len(p), nil
}

func (b *buffered) Close() error {
	b.once.Do(func() { close(b.done) })
	return b.Conn.Close()
}

// isUnknown checks that Get, and GetPrimary if there is one, do not find id.
func isUnknown(t *testing.T, s session.Store, id string) {
	t.Helper()
	if data, err := s.Get(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get(%q): got %q and error %v, want ErrNotFound", id, data, err)
	}
	if m, ok := s.(session.PrimaryReader); ok {
		if data, err := m.GetPrimary(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("GetPrimary(%q): got %q and error %v, want ErrNotFound", id, data, err)
		}
	}
}

func TestS16_AnIDWithBracesIsUnknownWithoutAsking(t *testing.T) {
	for _, cfg := range []store.RedisConfig{{}, {Tombstones: true}} {
		// Nothing listens there: asking would be an outage.
		r := newRedis(t, redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}), cfg)
		for _, id := range []string{"{", "}", "{id}", "a{b", "", "a\r\nb", strings.Repeat("a", 513)} {
			isUnknown(t, r, id)
		}
		if _, err := r.Get(t.Context(), "id"); err == nil || errors.Is(err, session.ErrNotFound) {
			t.Errorf("Get of an id: got error %v, want an outage", err)
		}
	}
}

func pipelined(t *testing.T, face func() (*redis.AutoPipeliner, error)) *redis.AutoPipeliner {
	t.Helper()
	p, err := face()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}
