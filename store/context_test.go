//go:build integration

package store_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

// TestEveryCallReturnsSoonAfterItsContextEnds: the server never answers, and the client itself would wait
// for minutes.
func TestEveryCallReturnsSoonAfterItsContextEnds(t *testing.T) {
	t.Parallel()
	server, _ := withReplica(t) // for the kinds that wait for a replica
	all := maps.Clone(kinds)
	all["ClusterClient"] = func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		c := redis.NewClusterClient(&redis.ClusterOptions{
			ContextTimeoutEnabled: true,
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
				return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: s.Addr}}}}, nil
			},
		})
		t.Cleanup(func() { _ = c.Close() })
		return c, store.RedisConfig{}
	}
	all["Client that waits for ever"] = func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return s.Client(t, func(o *redis.Options) { o.ReadTimeout = -1 }), store.RedisConfig{}
	}
	all["Client with replicas that confirm"] = func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		return s.Client(t), store.RedisConfig{Replicas: 1}
	}
	all["ClusterClient with replicas that confirm"] = func(t *testing.T, s *redistest.Server) (store.RedisClient, store.RedisConfig) {
		c, _ := all["ClusterClient"](t, s)
		return c, store.RedisConfig{Replicas: 1}
	}
	const together, unlimited = "Client whose reads go together", "Client that ignores contexts, whose reads go together"
	all[together], all[unlimited] = kinds["Client"], kinds["Client that ignores contexts"]
	for kind, newClient := range all {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sessiontest.RunSilent(t, func(t *testing.T) (session.Store, func() func()) {
				proxy, through := behind(t, server)
				client, cfg := newClient(t, through)
				cfg.Prefix = t.Name() // tests run in parallel
				r := newRedis(t, client, cfg)
				if kind == together || kind == unlimited {
					store.Busy(r)
				}
				return r, func() func() {
					proxy.Faults(func(faultproxy.Command) faultproxy.Manner { return faultproxy.Swallow })
					return func() { // releases what hangs
						proxy.Faults(nil)
						proxy.Cut()
					}
				}
			})
		})
	}
}

// TestAServerThatStopsAndGoesOn stops it with SIGSTOP, like a machine that hangs.
func TestAServerThatStopsAndGoesOn(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t, func(o *redis.Options) { o.ReadTimeout = -1 })
	r := newRedis(t, c, configs["plain"])
	create(t, r, "id", "x")
	server.Stop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Get(ctx, "id"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get: got error %v, want that of the deadline", err)
	}
	server.Continue(t)
	if got, err := r.Get(t.Context(), "id"); string(got) != "x" || err != nil {
		t.Errorf("Get when the server goes on: got %q and error %v, want x", got, err)
	}
}

func TestAServerThatIsRestartedIsFoundAgain(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		t.Run(kind, func(t *testing.T) {
			client, cfg := newClient(t, server)
			r := newRedis(t, client, cfg)
			create(t, r, "id", "x")
			server.Kill()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := r.Create(ctx, "new", []byte("x"), time.Hour); err == nil || errors.Is(err, session.ErrExists) {
				t.Errorf("Create without a server: got error %v, want an outage", err)
			}
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
			n := 0
			if err := redistest.Poll(func(ctx context.Context) error {
				n++
				return r.Create(ctx, string(rune('a'+n)), []byte("x"), time.Hour) //nolint:gosec // few
			}); err != nil {
				t.Errorf("Create after the restart: %v", err)
			}
		})
	}
}
