package store_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// trips counts the round trips of a client: a command, or a pipeline of several.
type trips struct {
	mu        sync.Mutex
	n         int
	unbounded []string // commands without a deadline
}

func (h *trips) note(ctx context.Context, cmd redis.Cmder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	if _, ok := ctx.Deadline(); !ok {
		h.unbounded = append(h.unbounded, cmd.Name())
	}
}

func (h *trips) take() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.n
	h.n = 0
	return n
}

func (h *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { h.note(ctx, cmd); return next(ctx, cmd) }
}

func (h *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { h.note(ctx, cmds[0]); return next(ctx, cmds) }
}

// TestAThousandSessionsOfAUserTakeTwentyTrips to list, to limit and to end them, each with a deadline of
// its own.
func TestAThousandSessionsOfAUserTakeTwentyTrips(t *testing.T) {
	const many, most = 1000, 20
	for name, cfg := range map[string]store.RedisConfig{"plain": {}, "with tombstones": {Tombstones: true}} {
		t.Run(name, func(t *testing.T) {
			server := miniredis.RunT(t)
			client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
			defer client.Close()
			hook := new(trips)
			st := newRedis(t, client, cfg)
			sessions, err := session.New(session.Config{
				Store: st, Codec: session.SecureCookie("a made-up secret of 32 bytes or more"),
				StoreTimeout: time.Minute, // MaxSessions uses one for all of its round trips
			})
			if err != nil {
				t.Fatal(err)
			}
			users := serializer.ByID(func(id int) int { return id }, func(_ context.Context, id int) (int, error) { return id, nil })
			newGuard := func(most int) *guard.Guard[int] {
				g, err := guard.New(guard.Config{Sessions: sessions, MaxSessions: most, Logger: slog.New(slog.DiscardHandler)}, users)
				if err != nil {
					t.Fatal(err)
				}
				return g
			}
			g, limited := newGuard(0), newGuard(3)
			for range many {
				guardtest.LogIn(t, g, 1)
				guardtest.LogIn(t, g, 2)
			}
			guardtest.LogIn(t, limited, 3)
			if _, err := g.LogOutEverywhere(t.Context(), 3); err != nil { // loads the scripts
				t.Fatal(err)
			}
			guardtest.LogIn(t, g, 1)
			ids, err := st.Labelled(t.Context(), "passport:1")
			if err != nil {
				t.Fatal(err)
			}
			if err := st.Delete(t.Context(), ids[0], nil); err != nil { // its entry stays until it is listed
				t.Fatal(err)
			}
			client.AddHook(hook)
			list, err := g.Sessions(t.Context(), 1)
			if n := hook.take(); len(list) != many || err != nil || n > most {
				t.Errorf("Sessions: got %d and error %v in %d trips, want %d in at most %d", len(list), err, n, many, most)
			}
			n, err := g.LogOutEverywhere(t.Context(), 1, list[0].Ref)
			if trips := hook.take(); n != many-1 || err != nil || trips > most {
				t.Errorf("LogOutEverywhere: got %d and error %v in %d trips, want %d in at most %d", n, err, trips, many-1, most)
			}
			guardtest.LogIn(t, limited, 2)
			trips := hook.take()
			list, err = g.Sessions(t.Context(), 2)
			if len(list) != 3 || err != nil || trips > most {
				t.Errorf("a log-in with MaxSessions: leaves %d sessions and error %v in %d trips, want 3 in at most %d", len(list), err, trips, most)
			}
			if slices.Sort(hook.unbounded); len(hook.unbounded) > 0 {
				t.Errorf("without a deadline: %q", slices.Compact(hook.unbounded))
			}
		})
	}
}
