//go:build integration

package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

// notices returns what Listen receives from st until the test ends.
func notices(t *testing.T, st *store.RedisStore) <-chan string {
	t.Helper()
	heard, done := make(chan string, 1000), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for {
			err := st.Listen(ctx, func(notice string) { heard <- notice })
			if ctx.Err() != nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen: got %v, want context.Canceled", err)
		}
	})
	return heard
}

// hear waits for the notice want and ignores others.
func hear(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	for late := time.After(30 * time.Second); ; {
		select {
		case got := <-heard:
			if got == want {
				return
			}
		case <-late:
			t.Fatalf("no notice %q", want)
		}
	}
}

// end creates a record in st and ends it.
func end(t *testing.T, st *store.RedisStore, id string) {
	t.Helper()
	if err := st.Create(t.Context(), id, []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := st.End(t.Context(), id, nil, "", 0); err != nil {
		t.Fatal(err)
	}
}

// notifying are the rights that RedisConfig.Notify needs beside the least ones, from docs/REDIS.md.
var notifying = []string{"+publish", "+subscribe", "+ping", "&test:ended:*"}

func TestTheRightsToNotifyAreEnough(t *testing.T) {
	server := redistest.Start(t)
	client := server.As(t, more(t, append([]string{"+scan", "+unlink"}, notifying...)...)...).Client(t)
	sessiontest.Run(t, func(t *testing.T) session.Store {
		server.Flush(t)
		return newRedis(t, client, store.RedisConfig{Notify: true})
	}, func(d time.Duration) { server.Advance(t, d) })
	check := func(rights []string) error {
		s, err := store.Redis(server.As(t, more(t, rights...)...).Client(t), store.RedisConfig{Name: "test", Notify: true})
		if err != nil {
			t.Fatal(err)
		}
		return s.Check(t.Context())
	}
	if err := check(notifying); err != nil {
		t.Errorf("Check: got %v", err)
	}
	for without, names := range map[string]string{"+publish": "PUBLISH", "+subscribe": "SUBSCRIBE", "&test:ended:*": "PUBLISH"} {
		err := check(slices.DeleteFunc(slices.Clone(notifying), func(r string) bool { return r == without }))
		if err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("without %s: got error %v, want one that names %s", without, err, names)
		}
	}
	mute := newRedis(t, server.As(t, leastRights(t)...).Client(t), store.RedisConfig{Notify: true})
	end(t, mute, "unheard") // a log-out succeeds although it may not publish
}

func TestNoticesReachAllNodesOfACluster(t *testing.T) {
	c := redistest.StartCluster(t)
	client := c.Client(t)
	sessiontest.Run(t, func(t *testing.T) session.Store {
		for _, s := range c.Masters {
			s.Flush(t)
		}
		return newRedis(t, client, store.RedisConfig{Notify: true})
	}, func(d time.Duration) {
		for _, s := range c.Masters {
			s.Advance(t, d)
		}
	})
}

// TestASubscriptionIsMadeAnew after its connection broke or its server was restarted. Each time Listen
// reports that notices may have been missed.
func TestASubscriptionIsMadeAnew(t *testing.T) {
	server := redistest.Start(t)
	proxy, through := behind(t, server)
	ends := newRedis(t, server.Client(t), store.RedisConfig{Notify: true})
	heard := notices(t, newRedis(t, through.Client(t), store.RedisConfig{Notify: true}))
	hear(t, heard, "")
	for _, row := range []struct {
		name   string
		breaks func()
		mends  func()
	}{
		{"nothing", nil, nil},
		{"a connection that is cut", proxy.Cut, nil},
		{"a partition", proxy.Down, proxy.Up},
		{"a server that is started again", func() {
			server.Kill()
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		}, nil},
	} {
		if row.breaks != nil {
			row.breaks()
		}
		if row.mends != nil {
			row.mends()
		}
		if row.breaks != nil {
			hear(t, heard, "")
		}
		end(t, ends, strings.ReplaceAll(row.name, " ", "-"))
		hear(t, heard, session.EndNotice(strings.ReplaceAll(row.name, " ", "-"), nil, ""))
	}
}
