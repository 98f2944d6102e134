//go:build integration

package live_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
)

// world is one Redis, one stack of Node, and whatever applications a scenario starts.
type world struct {
	*testing.T
	*node
	redis  *redistest.Server
	client *redis.Client
}

// express starts an application of Node.
func (w *world) express(o options) peer { w.Helper(); return w.app(w.T, o) }

// goApp starts one of Go.
func (w *world) goApp(o goOptions) *goApp { w.Helper(); return startGo(w.T, w.redis, o) }

// pair starts one of each, with everything as usual.
func (w *world) pair() (peer, *goApp) {
	w.Helper()
	return w.express(options{}), w.goApp(goOptions{})
}

// keys lists the sessions' keys in Redis.
func (w *world) keys() []string {
	w.Helper()
	keys, err := w.client.Keys(w.Context(), "sess:*").Result()
	if err != nil {
		w.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// record returns the only session in Redis.
func (w *world) record() (key, data string) {
	w.Helper()
	keys := w.keys()
	if len(keys) != 1 {
		w.Fatalf("%d sessions in Redis, want 1: %q", len(keys), keys)
	}
	data, err := w.client.Get(w.Context(), keys[0]).Result()
	if err != nil {
		w.Fatal(err)
	}
	return keys[0], data
}

// left is how long a key still lives.
func (w *world) left(key string) time.Duration {
	w.Helper()
	d, err := w.client.PTTL(w.Context(), key).Result()
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// shorten makes a key live for d more.
func (w *world) shorten(key string, d time.Duration) {
	w.Helper()
	if err := w.client.PExpire(w.Context(), key, d).Err(); err != nil {
		w.Fatal(err)
	}
}

// eventually waits for something that Node does after its answer.
func (w *world) eventually(what string, f func() bool) {
	w.Helper()
	err := redistest.Poll(func(context.Context) error {
		if f() {
			return nil
		}
		return context.Canceled
	})
	if err != nil {
		w.Fatalf("%s: did not happen", what)
	}
}

type scenario struct {
	name string
	run  func(*world)
}

// TestLive runs every scenario with every stack of Node beside Go, on one Redis.
func TestLive(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client(t)
	list := slices.Concat(logInScenarios, valueScenarios, cookieScenarios, lifeScenarios, storeScenarios)
	passed := 0
	for _, stack := range stacks {
		t.Run(stack, func(t *testing.T) {
			n := startNode(t, stack, server.URL())
			for _, s := range list {
				if t.Run(s.name, func(t *testing.T) {
					server.Flush(t)
					s.run(&world{t, n, server, client})
				}) {
					passed++
				}
			}
		})
	}
	t.Logf("%d of %d live scenarios passed: %d over %d version pairs", passed, len(list)*len(stacks), len(list), len(stacks))
}

// onNest reports whether the application is Nest's, which keeps users as numbers.
func (w *world) onNest() bool { return w.stack == nest }

// oldPassport reports whether log-in and log-out of Node keep the session's id.
func (w *world) oldPassport() bool { return strings.HasSuffix(w.stack, "passport 0.4") }

// newWorld starts a Redis and one stack for a test of its own.
func newWorld(t *testing.T, stack string) *world {
	t.Helper()
	server := redistest.Start(t)
	return &world{t, startNode(t, stack, server.URL()), server, server.Client(t)}
}

var keepTTL = redis.SetArgs{KeepTTL: true}
