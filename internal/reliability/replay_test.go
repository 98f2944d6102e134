//go:build integration

package main_test

import (
	"context"
	"errors"
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
)

// These tests repeat on a real server what the exploration of the session layer looks for: commands that
// are executed late, twice, or without an answer.

// newReplay returns a world for such a test. limit is storeTimeout; where ten writers compete and nothing
// is delayed, [redistest.Patience] allows for a busy machine.
// machine has [redistest.Patience].
func newReplay(t *testing.T, limit time.Duration) *world {
	w := newWorld(t, fault{name: "network"}, limit, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	v := loggedIn(t, w.target, 1) // from here on the server knows all scripts
	v.Set(t.Context(), "k", "v", 0)
	v.LogOut(t.Context())
	return w
}

// isCreate, isUpdate and isEnd distinguish the scripts by their keys: a record and a label; a record; a
// record, its note and perhaps a label.
func isCreate(c faultproxy.Command) bool { return c.Is("evalsha") && len(c) > 4 && isLabel(c[4]) }
func isUpdate(c faultproxy.Command) bool { return c.Is("evalsha") && c[2] == "1" && len(c) == 7 }
func isEnd(c faultproxy.Command) bool    { return c.Is("evalsha") && c[2] != "1" && !isLabel(c[4]) }

func isLabel(key string) bool { return strings.Contains(key, ":label:") }

// holdFirst holds the first command that match accepts in the network, until release is called, which
// returns when the server has executed it.
func (w *world) holdFirst(match func(faultproxy.Command) bool) (release func()) {
	var first atomic.Bool
	open := make(chan struct{})
	name := make(chan string, 1)
	w.proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if match(c) && first.CompareAndSwap(false, true) {
			name <- strings.ToLower(c[0])
			<-open
		}
		return faultproxy.Pass
	})
	opened := sync.OnceFunc(func() { close(open) })
	w.t.Cleanup(opened)
	return func() {
		w.t.Helper()
		command := <-name
		before := w.calls(command)
		opened()
		w.must(redistest.Poll(func(context.Context) error {
			if w.calls(command) == before {
				return errors.New("the late command has not arrived")
			}
			return nil
		}))
	}
}

// calls returns how many times the server has executed a command.
func (w *world) calls(name string) string {
	w.t.Helper()
	info, err := w.admin.InfoMap(context.Background(), "commandstats").Result()
	w.must(err)
	stat, _, _ := strings.Cut(info["Commandstats"]["cmdstat_"+name], ",")
	return stat
}

func (w *world) want(what string, got scenario.Answer, status int) {
	w.t.Helper()
	if got.Status != status {
		w.t.Errorf("%s: got %d %q %v, want %d", what, got.Status, got.Text, got.Err, status)
	}
}

func TestS2_ALogInStuckInTheNetworkDoesNotRise(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := w.target.Visitor()
	release := w.holdFirst(isCreate)
	w.want("the log-in that is stuck", v.LogIn(ctx, 1), 503)
	first := v.Twin()
	w.want("the next log-in", v.LogIn(ctx, 1), 200)
	second := v.Twin()
	w.want("the log-out", v.LogOut(ctx), 200)
	release()
	for name, visitor := range map[string]*scenario.Visitor{"stuck log-in": first, "log-in": second, "log-out": v} {
		w.want("the cookie of the "+name+" after the late command", visitor.Me(ctx), 401)
	}
	sent := map[string]int{}
	for _, c := range w.proxy.Seen(isCreate) {
		if sent[c[3]]++; sent[c[3]] > 1 {
			t.Errorf("a Create was sent %d times", sent[c[3]])
		}
	}
}

// TestS4_LostRepliesOfUpdatesAreNotAppliedTwice: the answer to every writer's first try is lost.
func TestS4_LostRepliesOfUpdatesAreNotAppliedTwice(t *testing.T) {
	w := newReplay(t, redistest.Patience)
	ctx := t.Context()
	var told, lost atomic.Int64
	const writers = 10
	rounds := sized(3, 30)
	for range rounds {
		v := loggedIn(t, w.target, 1)
		var tried sync.Map
		w.proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
			if !isUpdate(c) {
				return faultproxy.Pass
			}
			if _, again := tried.LoadOrStore(revision(c[5]), true); again {
				return faultproxy.Pass
			}
			lost.Add(1)
			return faultproxy.CutReply
		})
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				if v.Add(ctx, 0).OK() {
					told.Add(1)
				}
			})
		}
		group.Wait()
		w.proxy.Faults(nil)
		data, err := v.Data(ctx)
		w.must(err)
		if data["n"] != strconv.Itoa(writers) {
			t.Errorf("counted %s, want %d", data["n"], writers)
		}
	}
	if told.Load() != int64(rounds*writers) || lost.Load() != int64(rounds*writers) {
		t.Errorf("%d of %d additions acknowledged, %d replies lost", told.Load(), rounds*writers, lost.Load())
	}
}

// revision returns the newest revision in a record.
func revision(record string) string {
	_, rest, _ := strings.Cut(record, `"v":"`)
	return rest[:min(8, len(rest))]
}

func TestS3_ALateUpdateBringsNothingBack(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := loggedIn(t, w.target, 1)
	held := v.Twin()
	release := w.holdFirst(isUpdate)
	w.want("the write that is stuck", v.Set(ctx, "k", "late", 0), 503)
	w.want("the log-out", v.LogOut(ctx), 200)
	release()
	w.want("the session after the late write", held.Me(ctx), 401)
	if left := w.keys(); len(left) != 0 {
		t.Errorf("%d records are left", len(left))
	}
}

func TestS8_ALateLogOutEndsWhatItWasAskedFor(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := loggedIn(t, w.target, 1)
	other := loggedIn(t, w.target, 1)
	release := w.holdFirst(isEnd)
	w.want("the log-out that is stuck", v.LogOut(ctx), 503)
	if v.Cookie(rig.Cookie) == "" {
		t.Error("the cookie was deleted though the log-out failed")
	}
	w.want("the session meanwhile", v.Me(ctx), 200)
	release()
	w.want("the session after the late log-out", v.Me(ctx), 401)
	w.want("the user's other session", other.Me(ctx), 200)
}

func TestS8_ALogOutWhoseReplyIsLostIsSentAgain(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := loggedIn(t, w.target, 1)
	held := v.Twin()
	var first atomic.Bool
	w.proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if isEnd(c) && first.CompareAndSwap(false, true) {
			return faultproxy.CutReply
		}
		return faultproxy.Pass
	})
	w.want("the log-out", v.LogOut(ctx), 200)
	w.want("the session", held.Me(ctx), 401)
	if n := len(w.proxy.Seen(isEnd)); n < 3 { // one was sent before the faults began
		t.Errorf("the script was sent %d times, want it resent", n)
	}
}

func TestS7_ARenewalWhoseReplyIsLostIsOne(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := loggedIn(t, w.target, 1)
	old := v.Twin()
	var first atomic.Bool
	w.proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if isEnd(c) && first.CompareAndSwap(false, true) {
			return faultproxy.CutReply
		}
		return faultproxy.Pass
	})
	w.want("the renewal", v.Renew(ctx, 0), 200)
	w.want("the old cookie", old.Me(ctx), 401)
	w.want("the new cookie", v.Me(ctx), 200)
	w.want("a log-out under the old cookie", old.LogOut(ctx), 200)
	w.want("the new cookie after a log-out under the old one", v.Me(ctx), 401)
}

func TestS5_ALateEndOfARenewalSparesWhatWasWrittenSince(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := loggedIn(t, w.target, 1)
	release := w.holdFirst(isEnd)
	w.want("the renewal that is stuck", v.Renew(ctx, 0), 503)
	w.want("a write since then", v.Set(ctx, "k", "since", 0), 200)
	release()
	w.want("the session after the late command", v.Me(ctx), 200)
	data, err := v.Data(ctx)
	w.must(err)
	if data["k"] != "since" {
		t.Errorf("got %q, want the acknowledged value", data["k"])
	}
}

func TestS6_ALogInOverASessionThatCannotBeEndedFails(t *testing.T) {
	w := newReplay(t, storeTimeout)
	ctx := t.Context()
	v := loggedIn(t, w.target, 1)
	cookie := v.Cookie(rig.Cookie)
	release := w.holdFirst(isCreate)
	w.want("the log-in", v.LogIn(ctx, 2), 503)
	if v.Cookie(rig.Cookie) != cookie {
		t.Error("the cookie changed though the log-in failed")
	}
	release()
	if a := v.Me(ctx); a.OK() && a.Text != "1" {
		t.Errorf("the visitor is logged in as %q though the log-in failed", a.Text)
	}
}
