//go:build integration

package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

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
		r := redis.NewRing(&redis.RingOptions{
			Addrs: map[string]string{"one": s.Addr}, ContextTimeoutEnabled: true,
			Username: s.Client(t).Options().Username, Password: s.Client(t).Options().Password,
		})
		t.Cleanup(func() { _ = r.Close() })
		return r, store.RedisConfig{}
	},
}

func cached(t *testing.T, s *redistest.Server) *redis.Client {
	return s.Client(t, func(o *redis.Options) {
		o.Protocol = 3
		o.ClientSideCacheConfig = &redis.ClientSideCacheConfig{}
	})
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
				r := newRedis(t, client, cfg)
				if name == "with tombstones" || name == "with odd prefix" { // calls go together, and records are large; with the kind "Client" neither
					store.Busy(store.Large(r))
				}
				return r
			}, func(d time.Duration) { s.Advance(t, d) })
		})
	}
}

func TestEveryByteOfALargeRecordIsComparedOnRedis(t *testing.T) {
	testEveryByte(t, redistest.Start(t).Client(t))
}

// contexts sets whether the client itself returns at a context's deadline.
func contexts(honours bool) func(*redis.Options) {
	return func(o *redis.Options) { o.ContextTimeoutEnabled = honours }
}

// BenchmarkRedisRead is one GET through the store, to measure the cost of contexts.
func BenchmarkRedisRead(b *testing.B) {
	server := redistest.Start(b)
	for name, honours := range map[string]bool{"client honours contexts": true, "client ignores contexts": false} {
		b.Run(name, func(b *testing.B) {
			c := server.Client(b, contexts(honours))
			r := newRedis(b, c, store.RedisConfig{})
			_ = r.Delete(b.Context(), "id", nil)
			if err := r.Create(b.Context(), "id", make([]byte, recordSize), time.Hour); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Get(ctx, "id"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
