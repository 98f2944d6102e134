//go:build integration

package store_test

import (
	"context"
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

// sent returns the commands that f makes r send, by name, without those that set up a
// connection.
func sent(t *testing.T, p *faultproxy.Proxy, f func() error) []string {
	t.Helper()
	all := func(c faultproxy.Command) bool {
		return !slices.ContainsFunc([]string{"HELLO", "CLIENT", "PING", "SELECT", "COMMAND"}, func(n string) bool { return c.Is(n) })
	}
	before := len(p.Seen(all))
	if err := f(); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	var names []string
	for _, c := range p.Seen(all)[before:] {
		names = append(names, strings.ToUpper(c[0]))
	}
	return names
}

// TestEveryCallIsOneCommand checks the table of costs in the protocol's description.
func TestEveryCallIsOneCommand(t *testing.T) {
	server := redistest.Start(t)
	for _, tombstones := range []bool{false, true} {
		server.Flush(t)
		proxy, through := behind(t, server)
		r := newRedis(t, through.Client(t), store.RedisConfig{Tombstones: tombstones})
		read := map[bool]string{false: "GET", true: "MGET"}[tombstones]
		ctx := t.Context()
		calls := func() []struct {
			name, want string
			run        func() error
		} {
			return []struct {
				name, want string
				run        func() error
			}{
				{"Create", "SET", func() error { return r.Create(ctx, "id", []byte("x"), time.Hour) }},
				{"Get", read, func() error { _, err := r.Get(ctx, "id"); return err }},
				{"GetPrimary", read, func() error { _, err := r.GetPrimary(ctx, "id"); return err }},
				{"Update", "EVALSHA", func() error { return r.Update(ctx, "id", []byte("x"), []byte("x"), time.Hour) }},
				{"GetMany", "MGET", func() error { _, err := r.GetMany(ctx, []string{"id", "unknown"}); return err }},
				{"EndMany of one", "EVALSHA", func() error { _, err := r.EndMany(ctx, []string{"unknown"}, time.Hour); return err }},
				{"AddLabel", "EVALSHA", func() error { return r.AddLabel(ctx, "l", "id", time.Now().Add(time.Hour)) }},
				{"Labelled", "ZRANGEBYSCORE", func() error { _, err := r.Labelled(ctx, "l"); return err }},
				{"RemoveLabel", "ZREM", func() error { return r.RemoveLabel(ctx, "l", "id", "other") }},
				{"CreateIndexed", "EVALSHA", func() error {
					n := session.NewRecord{ID: "new", TTL: time.Hour, Deadline: time.Now().Add(time.Hour), Labels: []string{"l", "m"}}
					n.OldID, n.OldData, n.OldLabels = "id", []byte("x"), []string{"l"}
					_, err := r.CreateIndexed(ctx, n)
					return err
				}},
				{"EndIndexed", "EVALSHA", func() error { _, err := r.EndIndexed(ctx, "new", 0, []string{"l", "m"}); return err }},
				{"Create anew", "SET", func() error { return r.Create(ctx, "id", []byte("x"), time.Hour) }},
				{"End", "EVALSHA", func() error { _, err := r.End(ctx, "id", []byte("x"), "", 0); return err }},
				{"End again", "EVALSHA", func() error { _, err := r.End(ctx, "id", nil, "", 0); return err }},
				{"Delete", "DEL", func() error { return r.Delete(ctx, "id", nil) }},
			}
		}
		for _, c := range calls() { // loads the scripts
			_ = sent(t, proxy, c.run)
		}
		for _, c := range calls() {
			if got := sent(t, proxy, c.run); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s with tombstones %t: sent %q, want one %s", c.name, tombstones, got, c.want)
			}
		}
	}
}

// TestACountATokenAndACellAreOneCommand: each command has one key, so it is atomic, takes one round trip,
// and works the same in a cluster.
func TestACountATokenAndACellAreOneCommand(t *testing.T) {
	proxy, through := behind(t, redistest.Start(t))
	client := through.Client(t)
	counter, tokens := newRedisCounter(t, client), newRedisTokens(t, client)
	cells := newRedisCells(t, client, store.RedisConfig{})
	ctx := t.Context()
	calls := []struct {
		name, want string
		run        func() error
	}{
		{"a count", "EVALSHA 1", func() error { _, _, err := counter.Add(ctx, "k", 1, time.Hour); return err }},
		{"a count taken back", "EVALSHA 1", func() error { _, _, err := counter.Add(ctx, "k", -1, time.Hour); return err }},
		{"a token put", "SET", func() error { return tokens.Put(ctx, "k", []byte("x"), time.Hour) }},
		{"a token taken", "GETDEL", func() error { _, _, err := tokens.Take(ctx, "k"); return err }},
		{"a cell read", "GET", func() error { _, err := cells.Load(ctx, "k"); return err }},
		{"a cell swapped", "EVALSHA 1", func() error { _, _, err := cells.Swap(ctx, "k", nil, []byte("x"), time.Hour); return err }},
	}
	for _, c := range calls { // loads the scripts
		_ = sent(t, proxy, c.run)
	}
	for _, c := range calls {
		before := len(proxy.Seen(func(faultproxy.Command) bool { return true }))
		got := sent(t, proxy, c.run)
		all := proxy.Seen(func(faultproxy.Command) bool { return true })
		if len(got) == 1 && got[0] == "EVALSHA" {
			got[0] += " " + all[before][2] // the number of keys
		}
		if !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: sent %q, want one %s", c.name, got, c.want)
		}
	}
}

// TestS17_GetPrimaryIsNotAnsweredByACache: a cached read sends no command; a read that must not be stale
// sends one, and sees what another process has written.
func TestS17_GetPrimaryIsNotAnsweredByACache(t *testing.T) {
	server := redistest.Start(t)
	for _, tombstones := range []bool{false, true} {
		server.Flush(t)
		proxy, through := behind(t, server)
		r := newRedis(t, cached(t, through), store.RedisConfig{Tombstones: tombstones})
		create(t, r, "id", "one")
		get := func() error { _, err := r.Get(t.Context(), "id"); return err }
		master := func() error { _, err := r.GetPrimary(t.Context(), "id"); return err }
		_, _ = get(), master() // fills the cache and loads the script
		if got := sent(t, proxy, get); len(got) != 0 {
			t.Errorf("hot Get: sent %q, want nothing", got)
		}
		if got := sent(t, proxy, master); !slices.Equal(got, []string{"EVALSHA"}) {
			t.Errorf("GetPrimary: sent %q, want one EVALSHA", got)
		}
		if err := server.Client(t).Set(t.Context(), "sess:id", "two", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := r.GetPrimary(t.Context(), "id"); string(got) != "two" || err != nil {
			t.Errorf("GetPrimary after another process's write: got %q and error %v, want %q", got, err, "two")
		}
		if err := redistest.Poll(func(ctx context.Context) error {
			got, err := r.Get(ctx, "id")
			if string(got) != "two" {
				return fmt.Errorf("got %q and error %w", got, err)
			}
			return nil
		}); err != nil {
			t.Errorf("Get never saw another process's write: %v", err)
		}
	}
}

func TestReadsGoToTheClientForReads(t *testing.T) {
	server := redistest.Start(t)
	main, throughMain := behind(t, server)
	reads, throughReads := behind(t, server)
	r := newRedis(t, throughMain.Client(t), store.RedisConfig{Reads: throughReads.Client(t)})
	sess := func(c faultproxy.Command) bool { return slices.Contains(c, "sess:id") }
	create(t, r, "id", "x")
	for _, f := range []func(context.Context, string) ([]byte, error){r.Get, r.GetPrimary, r.Get} {
		if got, err := f(t.Context(), "id"); string(got) != "x" || err != nil {
			t.Errorf("got %q and error %v, want x", got, err)
		}
	}
	if n, m := len(main.Seen(sess)), len(reads.Seen(sess)); n != 2 || m != 2 {
		t.Errorf("the store's client was sent %d commands and the one for reads %d, want 2 (SET, GET) and 2 (GET)", n, m)
	}
}

func TestAKeyOfAnotherTypeIsNoSession(t *testing.T) {
	server := redistest.Start(t)
	c := server.Client(t)
	for _, cfg := range []store.RedisConfig{{}, {Tombstones: true}, {Reads: cached(t, server)}} {
		server.Flush(t)
		r := newRedis(t, c, cfg)
		if err := c.HSet(t.Context(), "sess:id", "a", "b").Err(); err != nil {
			t.Fatal(err)
		}
		isUnknown(t, r, "id")
		if err := r.Create(t.Context(), "id", []byte("x"), time.Hour); err != session.ErrExists {
			t.Errorf("Create: got error %v, want ErrExists", err)
		}
		for rec, err := range r.All(t.Context()) {
			t.Errorf("All yielded %q and error %v, want nothing", rec.ID, err)
		}
		if err := r.Update(t.Context(), "id", []byte("x"), []byte("y"), time.Hour); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("Update: got error %v, want WRONGTYPE", err)
		}
		if _, err := r.End(t.Context(), "id", nil, "", 0); err != nil {
			t.Errorf("End: got error %v, want none: it ends whatever is there", err)
		}
		if n, err := c.DBSize(t.Context()).Result(); n != 0 || err != nil {
			t.Errorf("%d keys are left after End (error %v), want 0", n, err)
		}
	}
}
