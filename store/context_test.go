//go:build integration

package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
)

// TestEveryCallComesBackWhenItsContextEnds though the server never answers and the
// client would wait for ever.
func TestEveryCallComesBackWhenItsContextEnds(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		for want, newContext := range map[error]func() (context.Context, context.CancelFunc){
			context.DeadlineExceeded: func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), 10*time.Millisecond)
			},
			context.Canceled: func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				stop := time.AfterFunc(10*time.Millisecond, cancel)
				return ctx, func() { stop.Stop(); cancel() }
			},
		} {
			t.Run(kind+", "+want.Error(), func(t *testing.T) {
				server.Flush(t)
				proxy, through := behind(t, server)
				client, cfg := newClient(t, through)
				r := newRedis(t, client, cfg)
				create(t, r, "id", "x")
				proxy.Faults(func(faultproxy.Command) faultproxy.Fate { return faultproxy.Swallow })
				defer func() { // what hangs is let go
					proxy.Faults(nil)
					proxy.Cut()
				}()
				for name, call := range map[string]func(context.Context) error{
					"Get":         func(ctx context.Context) error { _, err := r.Get(ctx, "id"); return err },
					"GetMaster":   func(ctx context.Context) error { _, err := r.GetMaster(ctx, "id"); return err },
					"Create":      func(ctx context.Context) error { return r.Create(ctx, "new", []byte("x"), time.Hour) },
					"Update":      func(ctx context.Context) error { return r.Update(ctx, "id", []byte("x"), []byte("y"), time.Hour) },
					"Delete":      func(ctx context.Context) error { return r.Delete(ctx, "id", nil) },
					"End":         func(ctx context.Context) error { _, err := r.End(ctx, "id", nil, "", 0); return err },
					"AddLabel":    func(ctx context.Context) error { return r.AddLabel(ctx, "l", "id", time.Now().Add(time.Hour)) },
					"RemoveLabel": func(ctx context.Context) error { return r.RemoveLabel(ctx, "l", "id") },
					"Labelled":    func(ctx context.Context) error { _, err := r.Labelled(ctx, "l"); return err },
					"All": func(ctx context.Context) (err error) {
						for _, err = range r.All(ctx) {
						}
						return err
					},
				} {
					ctx, cancel := newContext()
					if err := call(ctx); !errors.Is(err, want) {
						t.Errorf("%s: got error %v, want %v", name, err, want)
					}
					cancel()
				}
			})
		}
	}
}

// TestAServerThatStopsAndGoesOn: SIGSTOP, as a machine that hangs.
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
