//go:build integration

package store_test

import (
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
)

// TestScriptsSurviveAServerThatForgetsThem, as after SCRIPT FLUSH, a restart or a failover.
func TestScriptsSurviveAServerThatForgetsThem(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		t.Run(kind, func(t *testing.T) {
			server.Flush(t)
			proxy, through := behind(t, server)
			client, cfg := newClient(t, through)
			r := newRedis(t, client, cfg)
			create(t, r, "id", "0")
			direct := server.Client(t)
			for i, want := range []struct{ evalsha, eval int }{{1, 1}, {2, 1}, {3, 2}} {
				if i == 2 {
					if err := direct.ScriptFlush(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
				}
				if err := r.Update(t.Context(), "id", []byte{byte('0' + i)}, []byte{byte('1' + i)}, time.Hour); err != nil {
					t.Fatalf("Update %d: %v", i, err)
				}
				evalsha := len(proxy.Seen(func(c faultproxy.Command) bool { return c.Is("EVALSHA") }))
				eval := len(proxy.Seen(func(c faultproxy.Command) bool { return c.Is("EVAL") }))
				if evalsha != want.evalsha || eval != want.eval {
					t.Errorf("after update %d: %d EVALSHA and %d EVAL, want %d and %d", i, evalsha, eval, want.evalsha, want.eval)
				}
			}
			if got, err := r.GetPrimary(t.Context(), "id"); string(got) != "3" || err != nil {
				t.Errorf("got %q and error %v, want 3", got, err)
			}
		})
	}
}
