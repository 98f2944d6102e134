//go:build integration

package store_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

// withReplica starts a server with one replica that is in sync.
func withReplica(t *testing.T) (master, replica *redistest.Server) {
	t.Helper()
	master = redistest.Start(t, "--repl-diskless-sync-delay", "0")
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	replica = redistest.Start(t, "--replicaof", host+" "+port)
	c := master.Client(t)
	err = redistest.Poll(func(ctx context.Context) error {
		if n, err := c.Wait(ctx, 1, time.Second).Result(); n != 1 || err != nil {
			return errors.Join(errors.New("the replica is not in step"), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return master, replica
}

func TestConfirmedWritesKeepTheContract(t *testing.T) {
	master, _ := withReplica(t)
	for name, aware := range map[string]bool{"a client that honours contexts": true, "one that ignores them": false} {
		t.Run(name, func(t *testing.T) {
			client := master.Client(t, func(o *redis.Options) { o.ContextTimeoutEnabled = aware })
			sessiontest.Run(t, func(t *testing.T) session.Store {
				master.Flush(t)
				return newRedis(t, client, store.RedisConfig{Replicas: 1})
			}, func(d time.Duration) { master.Advance(t, d) })
		})
	}
}

func TestConfirmedWritesCostWAIT(t *testing.T) {
	master, replica := withReplica(t)
	proxy, through := behind(t, master)
	r := newRedis(t, through.Client(t), store.RedisConfig{Replicas: 1})
	ctx := t.Context()
	inReplica := replica.Client(t)
	for _, row := range []struct {
		name, want string
		run        func() error
	}{
		{"Create", "SET", func() error { return r.Create(ctx, "id", []byte("x"), time.Hour) }},
		{"Update", "EVALSHA", func() error { return r.Update(ctx, "id", []byte("x"), []byte("y"), time.Hour) }},
		{"AddLabel", "EVALSHA", func() error { return r.AddLabel(ctx, "l", "id", time.Now().Add(time.Hour)) }},
		{"End", "EVALSHA", func() error { _, err := r.End(ctx, "id", []byte("y"), "", 0); return err }},
	} {
		got := sent(t, proxy, row.run)
		if row.want == "EVALSHA" && len(got) == 4 { // the script is loaded
			got = []string{"EVALSHA", "WAIT"}
		}
		if !slices.Equal(got, []string{row.want, "WAIT"}) {
			t.Errorf("%s: sent %q, want %s and WAIT", row.name, got, row.want)
		}
		if n, err := inReplica.Exists(ctx, "sess:id").Result(); err != nil || (n == 1) != (row.name != "End") {
			t.Errorf("%s: the replica has %d records, error %v", row.name, n, err)
		}
	}
	if got := sent(t, proxy, func() error { _, err := r.Labelled(ctx, "l"); return err }); slices.Contains(got, "WAIT") {
		t.Errorf("a read sent %q, want no WAIT", got)
	}
}

func TestAWriteThatIsNotConfirmedIsAnOutage(t *testing.T) {
	server := redistest.Start(t)
	r := newRedis(t, server.Client(t), store.RedisConfig{Replicas: 1})
	for name, write := range map[string]func(context.Context) error{
		"Create": func(ctx context.Context) error { return r.Create(ctx, "id", []byte("x"), time.Hour) },
		"Update": func(ctx context.Context) error { return r.Update(ctx, "id", []byte("x"), []byte("y"), time.Hour) },
		"End":    func(ctx context.Context) error { _, err := r.End(ctx, "id", nil, "", 0); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := write(ctx)
		cancel()
		if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrExists) {
			t.Errorf("%s without a replica: got error %v, want an outage", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Create(ended, "id", []byte("x"), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Create after its context ended: got error %v, want context.Canceled", err)
	}
}

// TestALogInThatIsNotConfirmedLogsNobodyOut: the session that it should have replaced goes on.
func TestALogInThatIsNotConfirmedLogsNobodyOut(t *testing.T) {
	master, replica := withReplica(t)
	r := newRedis(t, master.Client(t), store.RedisConfig{Replicas: 1})
	b := browser.New(t, site(t, r))
	b.Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe")
	replica.Kill()
	b.Post("/login", "email", "joe", "password", "x").Want(t, 503, "")
	b.Get("/me").Want(t, 200, "joe")
}

func TestConfirmedWritesFollowAMovingSlot(t *testing.T) {
	c := redistest.StartCluster(t)
	client := c.Client(t)
	r := newRedis(t, client, store.RedisConfig{Prefix: "{tag}:sess:", Replicas: 1})
	ctx := t.Context()
	write := func(when, id string) {
		t.Helper()
		if err := r.Create(ctx, id, []byte("x"), time.Hour); err != nil {
			t.Errorf("Create %s: %v", when, err)
		}
		if err := r.Update(ctx, id, []byte("x"), []byte("y"), time.Hour); err != nil {
			t.Errorf("Update %s: %v", when, err)
		}
		if when == "while the slot moves" {
			return // End has two keys: a node that is receiving their slot answers TRYAGAIN, which is an outage
		}
		if err := r.Create(ctx, id+"-ends", []byte("x"), time.Hour); err != nil {
			t.Errorf("second Create %s: %v", when, err)
		}
		if _, err := r.EndMany(ctx, []string{id + "-ends", "unknown"}, time.Hour); err != nil {
			t.Errorf("EndMany %s: %v", when, err)
		}
		if found, err := r.GetMany(ctx, []string{id, id + "-ends"}); err != nil || len(found) != 2 || string(found[0]) != "y" || found[1] != nil {
			t.Errorf("GetMany %s: got %q and error %v, want y and nothing", when, found, err)
		}
	}
	write("before", "a")
	slot, err := client.ClusterKeySlot(ctx, "{tag}").Result()
	if err != nil {
		t.Fatal(err)
	}
	to := (int(slot)*3/16384 + 1) % 3
	if err := c.Move(ctx, int(slot), to, func() { write("while the slot moves", "b") }); err != nil {
		t.Fatal(err)
	}
	write("afterwards", "c")
	for _, id := range []string{"a", "b", "c"} {
		if data, err := r.Get(ctx, id); err != nil || string(data) != "y" {
			t.Errorf("%s: got %q, error %v", id, data, err)
		}
	}
}
