//go:build integration

package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// TestS2_ACommandOfABatchIsSentOnce: a fault hits each command of a pipeline in turn. Those that may be sent
// only once are sent at most once, what is answered has been executed, and the rest is an outage. What may
// be sent twice is answered in the end.
func TestS2_ACommandOfABatchIsSentOnce(t *testing.T) {
	server := redistest.Start(t)
	direct := newRedis(t, server.Client(t), store.RedisConfig{})
	for loss, fate := range lostReplies {
		for _, hit := range []string{"e0", "a", "new", "b", "e1"} {
			t.Run(loss+", "+hit, func(t *testing.T) {
				server.Flush(t)
				proxy, through := behind(t, server)
				r := newRedis(t, through.Client(t), store.RedisConfig{})
				for _, id := range []string{"a", "b", "c", "e0", "e1"} {
					create(t, r, id, "x")
				}
				if err := r.Update(t.Context(), "a", []byte("x"), []byte("x"), time.Hour); err != nil { // loads the scripts
					t.Fatal(err)
				}
				if _, err := r.End(t.Context(), "nobody", nil, "", 0); err != nil {
					t.Fatal(err)
				}
				is := func(id string) func(faultproxy.Command) bool {
					return func(c faultproxy.Command) bool {
						return !c.Is("MGET") && slices.ContainsFunc(c, func(arg string) bool { return arg == "sess:"+id })
					}
				}
				before := map[string]int{}
				for _, id := range []string{"a", "b", "new"} {
					before[id] = len(proxy.Seen(is(id)))
				}
				within := redistest.Patience
				if fate == faultproxy.Swallow {
					within = 100 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				end := func(id string) func() error {
					return func() error { _, err := r.End(ctx, id, nil, "", time.Hour); return err }
				}
				update := func(id string) func() error {
					return func() error { return r.Update(ctx, id, []byte("x"), []byte("y"), time.Hour) }
				}
				proxy.Faults(first(is(hit), fate))
				errs := gathered(
					t, r, end("e0"), update("a"),
					func() error { return r.Create(ctx, "new", []byte("y"), time.Hour) },
					update("b"), end("e1"),
					func() error { _, err := r.Get(ctx, "c"); return err },
				)
				if fate != faultproxy.Swallow { // there is no time left to send them again
					if err := errors.Join(errs[0], errs[4], errs[5]); err != nil {
						t.Errorf("what may be sent twice: got error %v, want none", err)
					}
				}
				failed := 0
				for i, id := range map[int]string{1: "a", 2: "new", 3: "b"} {
					if n := len(proxy.Seen(is(id))) - before[id]; n > 1 {
						t.Errorf("the command of %s was sent %d times, want once at most", id, n)
					}
					err := errs[i]
					if errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrExists) {
						t.Errorf("%s: got error %v, want none or an outage", id, err)
					}
					if err != nil {
						failed++
						continue
					}
					if got, err := direct.Get(t.Context(), id); string(got) != "y" || err != nil {
						t.Errorf("%s: the answer was no error, and the record is %q, error %v; want y", id, got, err)
					}
				}
				if failed == 0 {
					t.Error("none of the three that are sent once failed; go-redis fails all of a pipeline that breaks")
				}
				proxy.Cut() // releases what hangs
			})
		}
	}
}

// TestS2_ALateBatchIsExecutedOnce, although its callers have gone.
func TestS2_ALateBatchIsExecutedOnce(t *testing.T) {
	server := redistest.Start(t)
	proxy, through := behind(t, server)
	r := newRedis(t, through.Client(t), store.RedisConfig{})
	create(t, r, "a", "x")
	create(t, r, "b", "x")
	if err := r.Update(t.Context(), "a", []byte("x"), []byte("x"), time.Hour); err != nil { // loads the script
		t.Fatal(err)
	}
	before := len(proxy.Seen(isScript))
	stuck, release := make(chan struct{}), make(chan struct{})
	proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if isScript(c) && strings.HasSuffix(c[3], "a") {
			close(stuck)
			<-release
		}
		return faultproxy.Pass
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-stuck; cancel() }()
	update := func(id string) func() error {
		return func() error { return r.Update(ctx, id, []byte("x"), []byte("y"), time.Hour) }
	}
	for i, err := range gathered(t, r, update("a"), update("b")) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: got error %v, want that of the context", i, err)
		}
	}
	close(release)
	direct := newRedis(t, server.Client(t), store.RedisConfig{})
	for _, id := range []string{"a", "b"} {
		if err := redistest.Poll(func(ctx context.Context) error {
			if got, err := direct.Get(ctx, id); string(got) != "y" {
				return fmt.Errorf("%q and error %w", got, err)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: the update that was late was not executed: %v", id, err)
		}
	}
	if n := len(proxy.Seen(isScript)) - before; n != 2 {
		t.Errorf("the server was sent %d scripts, want 2", n)
	}
}
