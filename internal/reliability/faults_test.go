//go:build integration

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

const (
	storeTimeout = 250 * time.Millisecond
	// margin is how much a busy machine may add to the time of an answer. It is less than the 3 s of
	// go-redis's own time limits, which is the time of an answer if StoreTimeout is not applied.
	margin = 2500 * time.Millisecond
)

// world is the program with a Redis behind a proxy.
type world struct {
	t      *testing.T
	server *redistest.Server
	proxy  *faultproxy.Proxy
	admin  *redis.Client // directly to the server
	client *redis.Client // the program's
	target *scenario.Target

	patient *scenario.Target // the same program without the time limit, for what must be right afterwards
}

// newWorld returns a world in which f can happen. limit is the program's time limit for the store. Only
// faults of the network need the proxy: a connection to a dead server must be refused, not accepted and
// closed.
func newWorld(t *testing.T, f fault, limit time.Duration, edit func(*redis.Options)) *world {
	w := &world{t: t, server: redistest.Start(t, "--enable-debug-command", "yes", "--enable-protected-configs", "yes")}
	w.proxy = faultproxy.New(t, w.server.Addr)
	w.admin = newClient(t, w.server.Addr, func(o *redis.Options) { o.ReadTimeout = redistest.Patience })
	addr := w.server.Addr
	if strings.HasPrefix(f.name, "network") {
		addr = w.proxy.Addr()
	}
	w.client = newClient(t, addr, edit)
	st := newRedis(t, w.client, store.RedisConfig{})
	_, w.target = serve(t, st, func(c *session.Config) { c.StoreTimeout = limit })
	_, w.patient = serve(t, st)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(name, value string) {
	w.t.Helper()
	w.must(w.admin.ConfigSet(context.Background(), name, value).Err())
}

// clients are the two ways in which go-redis treats the time limits of its callers' contexts.
var clients = []struct {
	name string
	edit func(*redis.Options)
}{
	{"go-redis's own settings", func(*redis.Options) {}},
	{"ContextTimeoutEnabled", func(o *redis.Options) { o.ContextTimeoutEnabled = true }},
}

func TestFaults(t *testing.T) {
	row := table("2. Faults: answers while they last",
		"Fault", "Client", "Log-in", "Log-in over a session", "Log-out", "Guarded read", "Guarded write", "Public page", "Slowest", "Well again after")
	for _, c := range clients {
		for _, f := range faults {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				limit := storeTimeout
				if f.answers != silence {
					limit = redistest.Patience // so that a busy machine does not look like an outage
				}
				w := newWorld(t, f, limit, c.edit)
				got, slowest, again := w.suffer(f)
				row(f.name, c.name, got[0], got[1], got[2], got[3], got[4], got[5], slowest, again)
			})
		}
	}
}

// suffer sends visitors during the fault and checks that the answers they get are true.
func (w *world) suffer(f fault) (statuses [6]string, slowest, again time.Duration) {
	t, ctx := w.t, w.t.Context()
	stranger := w.target.Visitor()
	over, leaving, reading, writing := loggedIn(t, w.target, 1), loggedIn(t, w.target, 2), loggedIn(t, w.target, 3), loggedIn(t, w.target, 4)
	before := [5]*scenario.Visitor{stranger.Twin(), over.Twin(), leaving.Twin(), reading.Twin(), writing.Twin()}
	visitors := [5]*scenario.Visitor{stranger, over, leaving, reading, writing}
	recovered(t, func() bool { return writing.Set(ctx, "k", "before", 0).OK() })

	end := f.begin(w)
	var answers [6]scenario.Answer
	var group sync.WaitGroup
	for i, ask := range [6]func() scenario.Answer{
		func() scenario.Answer { return stranger.LogIn(ctx, 5) },
		func() scenario.Answer { return over.LogIn(ctx, 6) },
		func() scenario.Answer { return leaving.LogOut(ctx) },
		func() scenario.Answer { return reading.Me(ctx) },
		func() scenario.Answer { return writing.Set(ctx, "k", "during", 0) },
		func() scenario.Answer { return w.target.Visitor().Do(ctx, http.MethodGet, "/public") },
	} {
		group.Go(func() { answers[i] = ask() })
	}
	group.Wait()
	for i, a := range answers {
		statuses[i] = strconv.Itoa(a.Status)
		slowest = max(slowest, a.Took)
	}
	for i, want := range f.answers {
		what := [5]string{"log-in", "log-in over a session", "log-out", "guarded read", "guarded write"}[i]
		if !slices.Contains(strings.Split(want, "|"), statuses[i]) {
			t.Errorf("%s: got %s %v, want %s", what, statuses[i], answers[i].Err, want)
		}
		if limit := storeTimeout + margin; answers[i].Took > limit {
			t.Errorf("%s took %v, want at most %v", what, answers[i].Took, limit)
		}
		if answers[i].OK() {
			continue
		}
		if len(answers[i].Header["Set-Cookie"]) != 0 || visitors[i].Cookie(rig.Cookie) != before[i].Cookie(rig.Cookie) {
			t.Errorf("%s answered %s and touched the cookie", what, statuses[i])
		}
	}
	if a := answers[5]; !a.OK() || a.Text != "public" || a.Took > margin {
		t.Errorf("public page: got %d %q after %v, want 200 as always", a.Status, a.Text, a.Took)
	}

	end()
	again = recovered(t, func() bool { return w.target.Visitor().LogIn(ctx, 7).OK() })
	w.judge(f, answers, before, visitors)
	return statuses, slowest, again
}

// judge checks the sessions after the fault.
func (w *world) judge(f fault, answers [6]scenario.Answer, before, visitors [5]*scenario.Visitor) {
	t, ctx := w.t, w.t.Context()
	says := func(who string, v *scenario.Visitor, want ...string) {
		t.Helper()
		a := v.At(w.patient).Me(ctx)
		got := fmt.Sprint(a.Status, " ", strings.TrimSpace(a.Text))
		if !a.OK() {
			got = fmt.Sprint(a.Status)
		}
		if !slices.Contains(want, got) {
			t.Errorf("%s afterwards: got %q, want one of %q", who, got, want)
		}
	}
	const out = "401"
	alive := func(user int) []string {
		if f.forgets {
			return []string{fmt.Sprint("200 ", user), out}
		}
		return []string{fmt.Sprint("200 ", user)}
	}
	if answers[0].OK() {
		says("who was told that they are logged in", visitors[0], alive(5)...)
	} else {
		says("who was told that the log-in failed", visitors[0], out)
	}
	switch {
	case answers[1].OK():
		says("who was told of the log-in over a session", visitors[1], alive(6)...)
		says("the session that was logged in over", before[1], out)
	default: // the old session may have ended, with its answer lost
		says("who was told that the log-in over a session failed", visitors[1], append(alive(1), out)...)
	}
	switch {
	case answers[2].OK():
		says("who was told that they are logged out", before[2], out)
	default: // the command may have been executed, with its answer lost
		says("who was told that the log-out failed", visitors[2], append(alive(2), out)...)
	}
	says("who only read", visitors[3], alive(3)...)
	says("who wrote", visitors[4], alive(4)...)
	if data, err := visitors[4].At(w.patient).Data(ctx); err == nil && answers[4].OK() && data["k"] != "during" {
		t.Errorf("an acknowledged write is lost: got %q", data["k"])
	}
}

// TestRecoveryAfterALongOutage: many visitors who retry during the outage, until go-redis has given the
// server up, are served again within a second after the store is back.
func TestRecoveryAfterALongOutage(t *testing.T) {
	row := table("3. After an outage under load", "Outage", "Client", "Requests meanwhile", "Not answered 503", "Slowest", "Well again after")
	for _, c := range clients {
		for _, f := range faults {
			if !slices.Contains([]string{cutOff, stopped, killed}, f.name) {
				continue
			}
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				w := newWorld(t, f, storeTimeout, c.edit)
				v := loggedIn(t, w.target, 1)
				end := f.begin(w)
				var all, wrong, slowest atomic.Int64
				ctx, cancel := context.WithTimeout(t.Context(), sized(time.Second, 5*time.Second))
				defer cancel()
				scenario.Rounds(ctx, 1<<30, func(int) {
					a := v.Me(t.Context())
					all.Add(1)
					if a.Status != http.StatusServiceUnavailable {
						wrong.Add(1)
					}
					slowest.Store(max(slowest.Load(), int64(a.Took)))
				})
				end()
				again := recovered(t, func() bool { return v.Me(t.Context()).OK() })
				row(f.name, c.name, all.Load(), wrong.Load(), time.Duration(slowest.Load()), again)
				if wrong.Load() != 0 || time.Duration(slowest.Load()) > storeTimeout+margin {
					t.Errorf("%d of %d not answered 503, slowest %v", wrong.Load(), all.Load(), time.Duration(slowest.Load()))
				}
			})
		}
	}
}

// TestFaultsAreBounded: while the store does not answer, many visitors cost no more goroutines and
// connections than there are requests, and none remain afterwards.
func TestFaultsAreBounded(t *testing.T) {
	row := table("4. A crowd while the store is silent", "Client", "Visitors", "Answered 503", "Slowest", "Goroutines per visitor, at most", "Connections, at most", "Left behind")
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, fault{}, storeTimeout, c.edit)
			ctx := t.Context()
			v := loggedIn(t, w.target, 1)
			v.Me(ctx)
			w.target.Close()
			before := runtime.NumGoroutine()
			const crowd = 200
			w.server.Stop(t)
			var most, done atomic.Int64
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for done.Load() < crowd {
					<-tick.C
					most.Store(max(most.Load(), int64(runtime.NumGoroutine())))
				}
			}()
			var slowest atomic.Int64
			var refused atomic.Int64
			var group sync.WaitGroup
			for range crowd {
				group.Go(func() {
					defer done.Add(1)
					a := v.Me(ctx)
					if a.Status == http.StatusServiceUnavailable {
						refused.Add(1)
					}
					slowest.Store(max(slowest.Load(), int64(a.Took)))
				})
			}
			group.Wait()
			<-watched
			conns := w.client.PoolStats().TotalConns
			w.server.Continue(t)
			recovered(t, func() bool { return v.Me(ctx).OK() })
			w.target.Close()
			goroutinesBackTo(t, before)
			perVisitor := float64(most.Load()-int64(before)) / crowd
			row(c.name, crowd, refused.Load(), time.Duration(slowest.Load()), fmt.Sprintf("%.1f", perVisitor), conns, "0")
			if refused.Load() != crowd {
				t.Errorf("%d of %d answered 503", refused.Load(), crowd)
			}
			if limit := 2*storeTimeout + 2*margin; time.Duration(slowest.Load()) > limit {
				t.Errorf("slowest answer after %v, want at most %v", time.Duration(slowest.Load()), limit)
			}
			if limit := 10 * runtime.GOMAXPROCS(0); int(conns) > limit {
				t.Errorf("%d connections, want at most the pool's %d", conns, limit)
			}
			if perVisitor > 12 {
				t.Errorf("%.1f goroutines for each visitor", perVisitor)
			}
		})
	}
}
