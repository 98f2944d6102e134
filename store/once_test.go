//go:build integration

package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// behind returns a proxy in front of s, and s as it is reached through the proxy.
func behind(t *testing.T, s *redistest.Server) (*faultproxy.Proxy, *redistest.Server) {
	p := faultproxy.New(t, s.Addr)
	return p, &redistest.Server{Addr: p.Addr()}
}

// first returns a function that applies f to the first command that match accepts.
func first(match func(faultproxy.Command) bool, f faultproxy.Manner) func(faultproxy.Command) faultproxy.Manner {
	done := make(chan struct{}, 1)
	return func(c faultproxy.Command) faultproxy.Manner {
		if match(c) {
			select {
			case done <- struct{}{}:
				return f
			default:
			}
		}
		return faultproxy.Pass
	}
}

func isSet(c faultproxy.Command) bool    { return c.Is("SET", "NX") }
func isScript(c faultproxy.Command) bool { return c.Is("EVALSHA") || c.Is("EVAL") }
func isGet(c faultproxy.Command) bool    { return c.Is("GET") }

// lostReplies are the ways in which the answer to an executed command is lost.
var lostReplies = map[string]faultproxy.Manner{
	"the connection is cut":     faultproxy.CutReply,
	"half of the answer came":   faultproxy.Halve,
	"the answer is garbled":     faultproxy.Garble,
	"the answer never comes":    faultproxy.Swallow,
	"it was not even forwarded": faultproxy.Refuse,
	"the connection is reset":   faultproxy.Reset,
}

// TestS2_ACreateIsSentOnce: go-redis's own retries are on, as they are by default. Every client and every
// way to lose the reply is tried.
func TestS2_ACreateIsSentOnce(t *testing.T) {
	server := redistest.Start(t)
	for kind, newClient := range kinds {
		for loss, fate := range lostReplies {
			t.Run(kind+", "+loss, func(t *testing.T) {
				server.Flush(t)
				proxy, through := behind(t, server)
				client, cfg := newClient(t, through)
				r := newRedis(t, client, cfg)
				create(t, r, "first", "x")
				ctx, cancel := context.WithTimeout(t.Context(), redistest.Patience)
				defer cancel()
				meets := first(isSet, fate)
				proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
					m := meets(c)
					if m == faultproxy.Swallow {
						cancel()
					}
					return m
				})
				err := r.Create(ctx, "second", []byte("x"), time.Hour)
				if err == nil || errors.Is(err, session.ErrExists) {
					t.Errorf("Create: got error %v, want an outage", err)
				}
				if n := len(proxy.Seen(isSet)) - 1; n != 1 {
					t.Errorf("the server was sent %d SETs, want 1", n)
				}
				proxy.Cut() // releases what hangs
			})
		}
	}
}

// TestS2_SetNXIsSentTwice shows what go-redis does without the store's protection: it sends SET NX again,
// and the second one fails because of the first.
func TestS2_SetNXIsSentTwice(t *testing.T) {
	proxy, through := behind(t, redistest.Start(t))
	client := through.Client(t)
	proxy.Faults(first(isSet, faultproxy.CutReply))
	set, err := client.SetNX(t.Context(), "sess:id", "x", time.Hour).Result()
	if set || err != nil {
		t.Errorf("SetNX: got %t and error %v, want false: the second SET found the first's key", set, err)
	}
	if n := len(proxy.Seen(isSet)); n != 2 {
		t.Errorf("the server was sent %d SETs, want 2", n)
	}
}

// TestS2_AComparingCommandIsSentOnce: the session layer itself decides whether to try again.
func TestS2_AComparingCommandIsSentOnce(t *testing.T) {
	server := redistest.Start(t)
	commands := map[string]func(context.Context, *store.RedisStore) error{
		"Update": func(ctx context.Context, r *store.RedisStore) error {
			return r.Update(ctx, "id", []byte("x"), []byte("y"), time.Hour)
		},
		"Update of a large record": func(ctx context.Context, r *store.RedisStore) error {
			return store.Large(r).Update(ctx, "id", []byte("x"), []byte("y"), time.Hour)
		},
		"Delete": func(ctx context.Context, r *store.RedisStore) error { return r.Delete(ctx, "id", []byte("x")) },
		"End": func(ctx context.Context, r *store.RedisStore) error {
			_, err := r.End(ctx, "id", []byte("x"), "next", time.Hour)
			return err
		},
	}
	for kind, newClient := range kinds {
		for name, command := range commands {
			t.Run(kind+", "+name, func(t *testing.T) {
				server.Flush(t)
				proxy, through := behind(t, server)
				client, cfg := newClient(t, through)
				r := newRedis(t, client, cfg)
				_ = command(t.Context(), r) // loads the script
				if err := r.Create(t.Context(), "id", []byte("x"), time.Hour); err != nil {
					t.Fatal(err)
				}
				before := len(proxy.Seen(isScript))
				proxy.Faults(first(isScript, faultproxy.CutReply))
				err := command(t.Context(), r)
				if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) {
					t.Errorf("got error %v, want an outage", err)
				}
				if n := len(proxy.Seen(isScript)) - before; n != 1 {
					t.Errorf("the server was sent %d scripts, want 1", n)
				}
			})
		}
	}
}

// TestS2_WhateverCreatesIsSentOnce although go-redis would send it again.
func TestS2_WhateverCreatesIsSentOnce(t *testing.T) {
	server := redistest.Start(t)
	proxy, through := behind(t, server)
	client := through.Client(t)
	r, counter, tokens := newRedis(t, client, store.RedisConfig{}), newRedisCounter(t, client), newRedisTokens(t, client)
	cells := newRedisCells(t, client, store.RedisConfig{})
	writes := func(c faultproxy.Command) bool { return isScript(c) || c.Is("SET") || c.Is("GETDEL") }
	for name, call := range map[string]func(ctx context.Context) error{
		"a record": func(ctx context.Context) error { return r.Create(ctx, "id", []byte("x"), time.Hour) },
		"a record and its labels": func(ctx context.Context) error {
			_, err := r.CreateIndexed(ctx, session.NewRecord{ID: rand.Text(), TTL: time.Hour, Deadline: time.Now().Add(time.Hour), Labels: []string{"l"}})
			return err
		},
		"a label":       func(ctx context.Context) error { return r.AddLabel(ctx, "l", "id", time.Now().Add(time.Hour)) },
		"a count":       func(ctx context.Context) error { _, _, err := counter.Add(ctx, "k", 1, time.Hour); return err },
		"a token":       func(ctx context.Context) error { return tokens.Put(ctx, "k", []byte("x"), time.Hour) },
		"a token taken": func(ctx context.Context) error { _, _, err := tokens.Take(ctx, "k"); return err },
		"a cell": func(ctx context.Context) error {
			_, _, err := cells.Swap(ctx, "k", nil, []byte("x"), time.Hour)
			return err
		},
		"a cell beside others that are read": func(ctx context.Context) error {
			_, _, _, err := cells.SwapAndLoad(ctx, "k", nil, []byte("x"), time.Hour, []string{"l"})
			return err
		},
	} {
		if err := call(t.Context()); err != nil { // loads the script
			t.Fatal(err)
		}
		before := len(proxy.Seen(writes))
		proxy.Faults(first(writes, faultproxy.CutReply))
		if err := call(t.Context()); err == nil {
			t.Errorf("%s whose reply is lost: got no error, want an outage", name)
		}
		if n := len(proxy.Seen(writes)) - before; n != 1 {
			t.Errorf("%s whose reply is lost: the server was sent %d commands, want 1", name, n)
		}
	}
}

// TestS2_ATokenIsTakenOnceThoughItsPutHung: the first SET is delayed in the network until the token has
// been taken.
func TestS2_ATokenIsTakenOnceThoughItsPutHung(t *testing.T) {
	server := redistest.Start(t)
	proxy, through := behind(t, server)
	tokens := newRedisTokens(t, through.Client(t))
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	hang := first(func(c faultproxy.Command) bool { return c.Is("SET") }, faultproxy.CutReply)
	proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if hang(c) != faultproxy.Pass {
			cancel()
			<-release
		}
		return faultproxy.Pass
	})
	put := tokens.Put(ctx, "k", []byte("x"), time.Hour)
	_, taken, err := newRedisTokens(t, server.Client(t)).Take(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	direct := server.Client(t)
	if err := redistest.Poll(func(ctx context.Context) error {
		if n, err := direct.DBSize(ctx).Result(); n == 0 || err != nil {
			return fmt.Errorf("%d keys and error %w", n, err)
		}
		return nil
	}); err != nil {
		t.Fatalf("the SET that hung was never executed: %v", err)
	}
	if put == nil || taken {
		t.Errorf("Put: got error %v and a token that is taken: %t, and again when the first SET arrives; want an outage and none", put, taken)
	}
}

func TestWhatMayBeSentTwiceIs(t *testing.T) {
	server := redistest.Start(t)
	proxy, through := behind(t, server)
	r := newRedis(t, through.Client(t), store.RedisConfig{})
	for name, row := range map[string]struct {
		match func(faultproxy.Command) bool
		run   func(context.Context) error
	}{
		"Get":    {isGet, func(ctx context.Context) error { _, err := r.Get(ctx, "id"); return err }},
		"Delete": {func(c faultproxy.Command) bool { return c.Is("DEL") }, func(ctx context.Context) error { return r.Delete(ctx, "id", nil) }},
		"End":    {isScript, func(ctx context.Context) error { _, err := r.End(ctx, "id", nil, "", 0); return err }},
		"EndIndexed": {isScript, func(ctx context.Context) error {
			_, err := r.EndIndexed(ctx, "id", 0, []string{"l"})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := r.Create(t.Context(), "id", []byte("x"), time.Hour); err != nil {
				t.Fatal(err)
			}
			proxy.Faults(first(row.match, faultproxy.CutReply))
			if err := row.run(t.Context()); err != nil {
				t.Errorf("got error %v, want none: go-redis asks again", err)
			}
			proxy.Faults(nil)
			if err := r.Delete(t.Context(), "id", nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestS2_ALateCreateIsExecuted shows why an id is not used any more after an error: the delayed SET creates
// the record whenever it reaches the server.
func TestS2_ALateCreateIsExecuted(t *testing.T) {
	server := redistest.Start(t)
	proxy, through := behind(t, server)
	r := newRedis(t, through.Client(t), store.RedisConfig{})
	stuck, release := make(chan struct{}), make(chan struct{})
	proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if isSet(c) {
			close(stuck)
			<-release
		}
		return faultproxy.Pass
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Create(ctx, "id", []byte("late"), time.Hour) }()
	<-stuck
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Create: got error %v, want that of the context", err)
	}
	direct := newRedis(t, server.Client(t), store.RedisConfig{})
	if _, err := direct.Get(t.Context(), "id"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get while the SET hangs: got error %v, want ErrNotFound", err)
	}
	close(release)
	if err := redistest.Poll(func(ctx context.Context) error { _, err := direct.Get(ctx, "id"); return err }); err != nil {
		t.Errorf("the SET that hung was not executed: %v", err)
	}
}
