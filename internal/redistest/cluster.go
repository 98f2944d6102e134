package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// slots is the number of slots of a cluster.
const slots = 16384

// Cluster is a Redis Cluster of three masters, each with one replica: six processes.
type Cluster struct {
	Masters  []*Server // Masters[i] has the i-th third of the slots
	Replicas []*Server // Replicas[i] is the replica of Masters[i]
}

// StartCluster starts a cluster and returns when all its nodes agree on it. args are
// added to every command line, or replace what is there: a node counts as dead when it
// has been silent for 30 s, which on a busy machine none is.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	var all []*Server
	var buses []string
	for i := range 6 {
		_, bus, err := net.SplitHostPort(subprocess.FreeAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		s := Start(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "30000",
			"--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0",
		}, args...)...)
		all, buses = append(all, s), append(buses, bus)
		if i < 3 {
			c.Masters = append(c.Masters, s)
		} else {
			c.Replicas = append(c.Replicas, s)
		}
	}
	if err := c.join(all, buses); err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	return c
}

// Addrs returns the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	var list []string
	for _, s := range slices.Concat(c.Masters, c.Replicas) {
		list = append(list, s.Addr)
	}
	return list
}

// Client returns a client that is closed at the end of the test.
func (c *Cluster) Client(t testing.TB, edit ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	t.Helper()
	opt := &redis.ClusterOptions{Addrs: c.Addrs(), ContextTimeoutEnabled: true}
	for _, e := range edit {
		e(opt)
	}
	client := redis.NewClusterClient(opt)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Healthy waits until every node that answers sees the whole cluster and every replica follows a master.
func (c *Cluster) Healthy() error {
	return Poll(func(ctx context.Context) error {
		for _, s := range slices.Concat(c.Masters, c.Replicas) {
			if s.life == nil {
				continue
			}
			if err := s.inOrder(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Server) inOrder(ctx context.Context) error {
	n := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	defer n.Close()
	info, err := n.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:6") {
		return errors.New("a node does not know the whole cluster")
	}
	repl, err := n.Info(ctx, "replication").Result()
	if err != nil {
		return err
	}
	if strings.Contains(repl, "role:slave") && !strings.Contains(repl, "master_link_status:up") {
		return errors.New("a replica does not follow its master")
	}
	return nil
}

// join makes one cluster from the nodes.
func (c *Cluster) join(all []*Server, buses []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	nodes := make([]*redis.Client, len(all))
	ids := make([]string, len(all))
	for i, s := range all {
		nodes[i] = redis.NewClient(&redis.Options{Addr: s.Addr})
		defer nodes[i].Close()
		var err error
		if ids[i], err = nodes[i].ClusterMyID(ctx).Result(); err != nil {
			return err
		}
		if err := nodes[i].Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return err
		}
		host, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			return err
		}
		if i > 0 {
			if err := nodes[0].Do(ctx, "cluster", "meet", host, port, buses[i]).Err(); err != nil {
				return err
			}
		}
	}
	for i := range c.Masters {
		if err := nodes[i].ClusterAddSlotsRange(ctx, i*slots/3, (i+1)*slots/3-1).Err(); err != nil {
			return err
		}
	}
	for i := range c.Replicas {
		err := Poll(func(ctx context.Context) error { return nodes[3+i].ClusterReplicate(ctx, ids[i]).Err() })
		if err != nil {
			return fmt.Errorf("replicate: %w", err)
		}
	}
	return c.Healthy()
}

// Move moves a slot with its keys from its master to another one, as a resharding does. during, if not nil,
// is called while the slot is being moved.
func (c *Cluster) Move(ctx context.Context, slot, to int, during func()) error {
	from := slot * 3 / slots
	var ids [3]string
	var nodes [3]*redis.Client
	for i, s := range c.Masters {
		nodes[i] = redis.NewClient(&redis.Options{Addr: s.Addr})
		defer nodes[i].Close()
		var err error
		if ids[i], err = nodes[i].ClusterMyID(ctx).Result(); err != nil {
			return err
		}
	}
	if err := nodes[to].Do(ctx, "cluster", "setslot", slot, "importing", ids[from]).Err(); err != nil {
		return err
	}
	if err := nodes[from].Do(ctx, "cluster", "setslot", slot, "migrating", ids[to]).Err(); err != nil {
		return err
	}
	if during != nil {
		during()
	}
	host, port, err := net.SplitHostPort(c.Masters[to].Addr)
	if err != nil {
		return err
	}
	for {
		keys, err := nodes[from].ClusterGetKeysInSlot(ctx, slot, 100).Result()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			if err := nodes[from].Migrate(ctx, host, port, key, 0, Patience).Err(); err != nil {
				return err
			}
		}
	}
	for _, i := range []int{to, from, 3 - to - from} {
		if err := nodes[i].Do(ctx, "cluster", "setslot", slot, "node", ids[to]).Err(); err != nil {
			return err
		}
	}
	return agree(nodes[:])
}

// agree waits until all nodes agree which of them has which slots. A node with an old view could win the
// next conflict.
func agree(nodes []*redis.Client) error {
	return Poll(func(ctx context.Context) error {
		views := map[string]bool{}
		for _, n := range nodes {
			text, err := n.ClusterNodes(ctx).Result()
			if err != nil {
				return err
			}
			var view []string
			for line := range strings.Lines(text) {
				if f := strings.Fields(line); len(f) >= 8 && strings.Contains(f[2], "master") {
					own := slices.DeleteFunc(f[8:], func(s string) bool { return strings.HasPrefix(s, "[") })
					view = append(view, fmt.Sprint(f[0], f[6], own))
				}
			}
			slices.Sort(view)
			views[fmt.Sprint(view)] = true
		}
		if len(views) != 1 {
			return errors.New("the nodes do not agree on the slots")
		}
		return nil
	})
}
