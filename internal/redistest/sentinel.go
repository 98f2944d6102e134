package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// MasterName is the sentinels' name for the master.
const MasterName = "sessions"

// Sentinel is a master with two replicas, watched by three sentinels: six processes.
type Sentinel struct {
	Master    *Server // the first one
	Replicas  []*Server
	Sentinels []*Server
}

// StartSentinel starts the servers and their sentinels, and returns when the sentinels
// agree and both replicas are in step. A server counts as dead when it has been silent
// for that long. args are added to the servers' command lines.
func StartSentinel(t testing.TB, silent time.Duration, args ...string) *Sentinel {
	t.Helper()
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...)
	g := &Sentinel{Master: Start(t, args...)}
	host, port, err := net.SplitHostPort(g.Master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		g.Replicas = append(g.Replicas, Start(t, append([]string{"--replicaof", host + " " + port}, args...)...))
	}
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor %[1]s %s %s 2\nsentinel down-after-milliseconds %[1]s %[4]d\nsentinel failover-timeout %[1]s 5000\nsentinel parallel-syncs %[1]s 2\n", MasterName, host, port, silent.Milliseconds())
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g.Sentinels = append(g.Sentinels, Start(t, conf, "--sentinel"))
	}
	if err := g.ready(); err != nil {
		t.Fatalf("start sentinels: %v", err)
	}
	return g
}

func (g *Sentinel) ready() error {
	return Poll(func(ctx context.Context) error {
		for _, s := range g.Sentinels {
			c := redis.NewSentinelClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
			info, err := c.Master(ctx, MasterName).Result()
			_ = c.Close()
			if err != nil {
				return err
			}
			if info["num-slaves"] != "2" || info["num-other-sentinels"] != "2" || info["flags"] != "master" {
				return errors.New("a sentinel does not know the others")
			}
		}
		m := redis.NewClient(&redis.Options{Addr: g.Master.Addr, MaxRetries: -1})
		defer m.Close()
		info, err := m.Info(ctx, "replication").Result()
		if err == nil && strings.Count(info, "state=online") != 2 {
			err = errors.New("a replica is not in step")
		}
		return err
	})
}

// Client returns a client that asks the sentinels for the master, and is closed at
// the end of the test.
func (g *Sentinel) Client(t testing.TB, edit ...func(*redis.FailoverOptions)) *redis.Client {
	t.Helper()
	opt := &redis.FailoverOptions{MasterName: MasterName, ContextTimeoutEnabled: true}
	for _, s := range g.Sentinels {
		opt.SentinelAddrs = append(opt.SentinelAddrs, s.Addr)
	}
	for _, e := range edit {
		e(opt)
	}
	c := redis.NewFailoverClient(opt)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
