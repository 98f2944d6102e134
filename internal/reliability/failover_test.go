//go:build integration

package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// topology is a Redis of several processes, one of which (the victim) will be killed.
type topology struct {
	client   store.RedisClient
	victim   *redistest.Server
	replicas []*redistest.Server // of the victim
	replaced func() error        // waits until another one has taken over
}

func onSentinel(t *testing.T) topology {
	g := redistest.StartSentinel(t, soonDead)
	return topology{g.Client(t), g.Master, g.Replicas, func() error { return promoted(g.Replicas...) }}
}

// soonDead is how long a master may be silent before sentinels replace it; quickly makes a cluster do so.
const soonDead = 800 * time.Millisecond

var quickly = []string{"--cluster-node-timeout", "1000"}

func onCluster(t *testing.T) topology {
	c := redistest.StartCluster(t, quickly...)
	return topology{c.Client(t), c.Masters[0], c.Replicas[:1], func() error {
		if err := promoted(c.Replicas[0]); err != nil {
			return err
		}
		return c.Masters[0].Restart() // as the new master's replica: WAIT needs one
	}}
}

// promoted waits until one of the servers is a master.
func promoted(servers ...*redistest.Server) error {
	return redistest.Poll(func(ctx context.Context) error {
		for _, s := range servers {
			c := redis.NewClient(&redis.Options{Addr: s.Addr})
			info, err := c.Info(ctx, "replication").Result()
			_ = c.Close()
			if err != nil {
				return err
			}
			if strings.Contains(info, "role:master") {
				return nil
			}
		}
		return errors.New("no replica has taken over")
	})
}

// told is what the answers told a visitor.
type told struct {
	who  *scenario.Visitor
	user int
	out  bool // logged out; if false, logged in
}

// TestAMasterDiesUnderLoad kills a master while visitors log in and out, and counts the answers that are no
// longer true afterwards: once with its replicas in step, and once after they were cut off for a moment,
// which is when Redis loses writes.
func TestAMasterDiesUnderLoad(t *testing.T) {
	row := table("5. A master dies under load",
		"Redis", "Replicas that confirm", "Replicas cut off before", "Log-ins lost", "Log-outs undone", "Wrong users", "Well again after")
	for _, redisKind := range []struct {
		name     string
		start    func(*testing.T) topology
		replicas int
	}{
		{"Sentinel", onSentinel, 0}, {"Sentinel", onSentinel, 1}, {"Cluster", onCluster, 0}, {"Cluster", onCluster, 1},
	} {
		for _, cutOff := range []bool{false, true} {
			if !*full && (!cutOff || redisKind.replicas == 0) {
				continue
			}
			t.Run(fmt.Sprintf("%s with %d replicas that confirm, cut off %t", redisKind.name, redisKind.replicas, cutOff), func(t *testing.T) {
				top := redisKind.start(t)
				st := newRedis(t, top.client, store.RedisConfig{Replicas: redisKind.replicas})
				_, target := serve(t, st, func(c *session.Config) { c.StoreTimeout = 500 * time.Millisecond })
				f := &failover{t: t, target: target}
				f.run(top, cutOff)
				row(redisKind.name, redisKind.replicas, cutOff, fmt.Sprint(f.lost, " of ", f.ins), fmt.Sprint(f.undone, " of ", f.outs), f.wrong.Load(), f.again)
				if f.wrong.Load() != 0 || f.ins == 0 || f.outs == 0 {
					t.Errorf("%d answers for a wrong user, %d log-ins, %d log-outs", f.wrong.Load(), f.ins, f.outs)
				}
				// If only one of two replicas confirms, the other may take over.
				if redisKind.replicas == len(top.replicas) && f.lost+f.undone != 0 {
					t.Errorf("%d of %d log-ins lost, %d of %d log-outs undone, though all replicas confirmed them", f.lost, f.ins, f.undone, f.outs)
				}
			})
		}
	}
}

// failover is one run and its results.
type failover struct {
	t                       *testing.T
	target                  *scenario.Target
	mu                      sync.Mutex
	answers                 []told
	wrong                   atomic.Int64
	lost, ins, undone, outs int
	again                   time.Duration
}

func (f *failover) run(top topology, cutOff bool) {
	t := f.t
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() { scenario.Rounds(ctx, 1<<30, f.visit) })
	pause(sized(300*time.Millisecond, time.Second))
	back := func() {}
	if cutOff {
		back = f.cutOff(top)
	}
	top.victim.Kill()
	back()
	killed := time.Now()
	if err := top.replaced(); err != nil {
		t.Fatal(err)
	}
	recovered(t, func() bool { // every slot works again when many users in a row succeed
		for i := range 20 {
			if !f.target.Visitor().LogIn(t.Context(), 1_000_000+i).OK() {
				return false
			}
		}
		return true
	})
	f.again = time.Since(killed)
	pause(200 * time.Millisecond)
	stop()
	load.Wait()
	for _, a := range f.answers {
		var got scenario.Answer
		recovered(t, func() bool {
			got = a.who.Me(t.Context())
			return got.Status != http.StatusServiceUnavailable
		})
		if got.OK() && got.Text != fmt.Sprint(a.user) {
			f.wrong.Add(1)
		}
		switch {
		case a.out:
			f.outs++
			if got.OK() {
				f.undone++
			}
		default:
			f.ins++
			if !got.OK() {
				f.lost++
			}
		}
	}
}

// visit logs a user in, makes a request, and logs every other user out again.
func (f *failover) visit(i int) {
	ctx := f.t.Context()
	v := f.target.Visitor()
	if !v.LogIn(ctx, i).OK() {
		return
	}
	if a := v.Me(ctx); a.OK() && a.Text != fmt.Sprint(i) {
		f.wrong.Add(1)
	}
	held := v.Twin()
	if i%2 == 0 {
		f.note(told{held, i, false})
	} else if v.LogOut(ctx).OK() {
		f.note(told{held, i, true})
	}
}

func (f *failover) note(a told) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, a)
}

// cutOff makes the replicas miss what the victim does from now on: they are stopped, and their connections
// closed, so that nothing waits for them in the network.
func (f *failover) cutOff(top topology) (back func()) {
	for _, r := range top.replicas {
		r.Stop(f.t)
	}
	if err := newClient(f.t, top.victim.Addr).Do(context.Background(), "client", "kill", "type", "replica").Err(); err != nil {
		f.t.Fatal(err)
	}
	pause(300 * time.Millisecond)
	return func() {
		for _, r := range top.replicas {
			r.Continue(f.t)
		}
	}
}

func pause(d time.Duration) { <-time.After(d) }
