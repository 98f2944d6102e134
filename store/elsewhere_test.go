//go:build integration

package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
)

// TestS17_ALogOutElsewhereReachesEveryKindOfReads: another process ends a session that this process has in
// use. A route with RequireUncached refuses it at the next request, other routes as soon as the cache that
// they read from has the change.
func TestS17_ALogOutElsewhereReachesEveryKindOfReads(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client(t)
	elsewhere := site(t, newRedis(t, server.Client(t), store.RedisConfig{}))
	for _, row := range []struct {
		name  string
		cfg   store.RedisConfig
		stale bool // may serve the session for a while
	}{
		{"the client itself", store.RedisConfig{}, false},
		{"an automatic pipeline", store.RedisConfig{Reads: pipelined(t, client.AsyncAutoPipeline)}, false},
		{"a pipeline when many read", store.RedisConfig{Pipeline: pipelined(t, client.AsyncAutoPipeline)}, false},
		{"a client-side cache", store.RedisConfig{Reads: cached(t, server)}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			here := browser.New(t, site(t, newRedis(t, client, row.cfg)))
			here.Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe")
			here.Get("/me").Want(t, 200, "joe")
			here.Get("/me").Want(t, 200, "joe")
			there := browser.New(t, elsewhere)
			there.SetCookie("connect.sid", here.Cookie("connect.sid"))
			there.Post("/logout").Want(t, 200, "")
			here.Get("/uncached").Want(t, 401, "")
			if !row.stale {
				here.Get("/me").Want(t, 401, "")
				return
			}
			err := redistest.Poll(func(context.Context) error {
				if here.Get("/me").StatusCode != 401 {
					return errors.New("still served")
				}
				return nil
			})
			if err != nil {
				t.Errorf("the cache still serves the session: %v", err)
			}
		})
	}
}
