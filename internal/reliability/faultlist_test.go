//go:build integration

package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
)

// fault is a trouble, and the program's answers during it: to a new visitor's log-in, a log-in over a live
// session, a log-out, a guarded read and a guarded write.
type fault struct {
	name    string
	answers [5]string // statuses; "200|401" means either
	begin   func(*world) (end func())
	forgets bool // the earlier sessions are gone afterwards
}

// silence is the answers while the store answers nothing.
var silence = [5]string{"503", "503", "503", "503", "503"}

// through applies a fault of the network to every command.
func through(fate faultproxy.Manner) func(*world) func() {
	return func(w *world) func() {
		w.proxy.Faults(func(faultproxy.Command) faultproxy.Manner { return fate })
		return func() {
			w.proxy.Faults(nil)
			w.proxy.Cut()
		}
	}
}

// Faults that make a complete outage.
const (
	cutOff  = "network: connections are cut and refused"
	stopped = "server: stopped (SIGSTOP)"
	killed  = "server: killed, restarted with its data"
)

var faults = []fault{
	{cutOff, silence, func(w *world) func() { w.proxy.Down(); return w.proxy.Up }, false},
	{"network: commands get lost, connections close", silence, through(faultproxy.Refuse), false},
	{"network: connections are reset", silence, through(faultproxy.Reset), false},
	{"network: executed and never answered", silence, through(faultproxy.Swallow), false},
	{"network: executed, the connection closes", silence, through(faultproxy.CutReply), false},
	{"network: half answers", silence, through(faultproxy.Halve), false},
	{"network: garbled answers", silence, through(faultproxy.Garble), false},
	{"network: everything hangs", silence, hang, false},
	{stopped, silence, func(w *world) func() { w.server.Stop(w.t); return func() { w.server.Continue(w.t) } }, false},
	{killed, silence, func(w *world) func() {
		w.must(w.admin.Save(context.Background()).Err())
		w.server.Kill()
		return w.restart
	}, false},
	{"server: killed, restarted empty", silence, func(w *world) func() { w.server.Kill(); return w.restart }, true},
	{"server: full, refuses to grow (noeviction)", [5]string{"503", "503", "200", "200", "503"}, fillUp("noeviction"), false},
	{"server: full, evicts (allkeys-random)", [5]string{"200", "200", "200", "200|401", "200|401"}, fillUp("allkeys-random"), true},
	{"server: a replica, read only", [5]string{"503", "503", "503", "200", "503"}, func(w *world) func() {
		w.do("replicaof", "127.0.0.1", "1")
		return func() { w.do("replicaof", "no", "one") }
	}, false},
	{"server: loading its data", silence, load, false},
	{"server: asks for a password", silence, func(w *world) func() {
		w.set("requirepass", "made up")
		w.do("client", "kill", "type", "normal")
		return func() { w.set("requirepass", "") }
	}, false},
	{"server: has too many clients", silence, func(w *world) func() {
		w.set("maxclients", "1")
		w.do("client", "kill", "type", "normal")
		return func() { w.set("maxclients", "1000") }
	}, false},
	{"server: cannot save its data (MISCONF)", [5]string{"503", "503", "503", "200", "503"}, misconfigure, false},
	{"keys: hold another type", [5]string{"200", "200", "200", "401", "401"}, func(w *world) func() {
		for _, key := range w.keys() {
			w.must(w.admin.Del(context.Background(), key).Err())
			w.must(w.admin.LPush(context.Background(), key, "x").Err())
		}
		return func() {}
	}, true},
	{"keys: flushed, scripts too", [5]string{"200", "200", "200", "401", "401"}, func(w *world) func() { w.server.Flush(w.t); return func() {} }, true},
}

// restart starts the killed server again.
func (w *world) restart() { w.must(w.server.Restart()) }

// keys returns the keys of all records.
func (w *world) keys() []string {
	keys, err := w.admin.Keys(context.Background(), "sess:*").Result()
	w.must(err)
	return keys
}

// hang holds every command until the fault ends.
func hang(w *world) func() {
	open := make(chan struct{})
	w.proxy.Faults(func(faultproxy.Command) faultproxy.Manner { <-open; return faultproxy.Pass })
	return func() {
		w.proxy.Faults(nil)
		close(open)
	}
}

// fillUp leaves the server no free memory, with the given policy.
func fillUp(policy string) func(*world) func() {
	return func(w *world) func() {
		w.set("maxmemory-policy", policy)
		for i := range 200 {
			w.must(w.admin.Set(context.Background(), fmt.Sprint("sess:filler", i), strings.Repeat("x", 10_000), time.Hour).Err())
		}
		used := "1"
		if policy != "noeviction" {
			info, err := w.admin.InfoMap(context.Background(), "memory").Result()
			w.must(err)
			used = info["Memory"]["used_memory"]
		}
		w.set("maxmemory", used)
		return func() { w.set("maxmemory", "0") }
	}
}

// load makes the server read its data again, slowly enough for a busy machine: it answers that it is loading
// until the fault ends.
func load(w *world) func() {
	ctx := context.Background()
	pipe := w.admin.Pipeline()
	for i := range 2000 {
		pipe.Set(ctx, fmt.Sprint("filler", i), strings.Repeat("x", 1000), 0)
	}
	_, err := pipe.Exec(ctx)
	w.must(err)
	w.must(w.admin.Save(ctx).Err())
	w.set("key-load-delay", "10000") // microseconds, for each of 2000 keys
	w.set("loading-process-events-interval-bytes", "1024")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.admin.Do(ctx, "debug", "reload", "nosave").Err() // it answers when the loading is done
	}()
	probe := newClient(w.t, w.server.Addr)
	w.must(redistest.Poll(func(ctx context.Context) error {
		if err := probe.Get(ctx, "filler1").Err(); err == nil || !strings.HasPrefix(err.Error(), "LOADING") {
			return fmt.Errorf("not loading: %w", err)
		}
		return nil
	}))
	return func() {
		w.must(w.admin.ConfigSet(ctx, "key-load-delay", "0").Err())
		<-done
	}
}

// misconfigure makes the server refuse writes because it could not save its data.
func misconfigure(w *world) func() {
	w.set("dir", "/proc")
	w.set("save", "3600 1")
	w.do("bgsave")
	w.must(redistest.Poll(func(ctx context.Context) error {
		info, err := w.admin.InfoMap(ctx, "persistence").Result()
		if err == nil && info["Persistence"]["rdb_last_bgsave_status"] != "err" {
			err = errors.New("the server can save in /proc")
		}
		return err
	}))
	return func() { w.set("save", "") }
}

// do sends a command to the server on the admin connection.
func (w *world) do(args ...any) {
	w.t.Helper()
	w.must(w.admin.Do(context.Background(), args...).Err())
}
