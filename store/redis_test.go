package store_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func newRedis(t testing.TB, client store.RedisClient, cfg store.RedisConfig) *store.RedisStore {
	t.Helper()
	r, err := store.NewRedis(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
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

func TestRedisStoreKeepsTheContractInABubble(t *testing.T) {
	sessiontest.RunInBubble(t, func(t *testing.T) session.Store {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		c := redis.NewClient(&redis.Options{
			ContextTimeoutEnabled: true,
			Addr:                  "127.0.0.1:6379", // not looked up, unlike a name
			Dialer:                func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		})
		t.Cleanup(func() { c.Close(); m.Close() })
		return newRedis(t, c, store.RedisConfig{ScanCount: 20}) // a pipe holds little of a pipeline
	})
}

// kinds are the clients of go-redis on one server.
var kinds = map[string]func(*testing.T, *redistest.Server) (store.RedisClient, store.RedisConfig){
	"Client": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return s.Client(t), store.RedisConfig{}
	},
	"Client that ignores contexts": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return s.Client(t, contexts(false)), store.RedisConfig{}
	},
	"Client with a client-side cache": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return s.Client(t), store.RedisConfig{Reads: cached(t, s)}
	},
	"AutoPipeline": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return pipelined(t, s.Client(t).AutoPipeline), store.RedisConfig{}
	},
	"AsyncAutoPipeline": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return pipelined(t, s.Client(t).AsyncAutoPipeline), store.RedisConfig{}
	},
	"AutoPipeline for reads": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		c := s.Client(t)
		return c, store.RedisConfig{Reads: pipelined(t, c.AutoPipeline)}
	},
	"full-duplex AutoPipeline": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		c := s.Client(t)
		return pipelined(t, func() (*redis.AutoPipeliner, error) {
			return c.AsyncAutoPipelineWithOptions(&redis.AutoPipelineOptions{FullDuplex: true})
		}), store.RedisConfig{}
	},
	"Ring": func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		r := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": s.Addr}, ContextTimeoutEnabled: true})
		t.Cleanup(func() { r.Close() })
		return r, store.RedisConfig{}
	},
}

func cached(t *testing.T, s *redistest.Server) *redis.Client {
	return s.Client(t, func(o *redis.Options) {
		o.Protocol = 3
		o.ClientSideCacheConfig = &redis.ClientSideCacheConfig{}
	})
}

func pipelined(t *testing.T, face func() (*redis.AutoPipeliner, error)) *redis.AutoPipeliner {
	t.Helper()
	p, err := face()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestRedisStoreKeepsTheContractOnRedis(t *testing.T) {
	s := redistest.Start(t)
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			client, cfg := kind(t, s)
			sessiontest.Run(t, func(t *testing.T) session.Store {
				s.Flush(t)
				return newRedis(t, client, cfg)
			}, func(d time.Duration) { s.Advance(t, d) })
		})
	}
	for name, cfg := range configs {
		t.Run(name, func(t *testing.T) {
			client := s.Client(t)
			sessiontest.Run(t, func(t *testing.T) session.Store {
				s.Flush(t)
				return newRedis(t, client, cfg)
			}, func(d time.Duration) { s.Advance(t, d) })
		})
	}
}

// contexts says whether a client honours the deadline of a context by itself.
func contexts(honours bool) func(*redis.Options) {
	return func(o *redis.Options) { o.ContextTimeoutEnabled = honours }
}
