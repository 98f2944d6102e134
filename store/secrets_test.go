//go:build integration

package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/store"
)

// TestNoErrorTellsAnIDOrARecord: Redis quotes the arguments of an unknown command, and go-redis a reply
// that it cannot read.
func TestNoErrorTellsAnIDOrARecord(t *testing.T) {
	args := []string{}
	for _, name := range []string{"SET", "EVALSHA", "EVAL", "GET", "MGET", "DEL", "ZREM", "ZRANGEBYSCORE", "GETDEL", "UNLINK"} {
		args = append(args, "--rename-command", name, "HIDDEN"+name)
	}
	strict := redistest.Start(t, args...)
	proxy, garbled := behind(t, redistest.Start(t))
	proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if c.Is("HELLO") || c.Is("CLIENT") {
			return faultproxy.Pass
		}
		return faultproxy.Garble
	})
	const id, record, label = "secret-id", `{"secret":"record"}`, "secret-label"
	for name, server := range map[string]*redistest.Server{"a server that knows no command": strict, "a garbled answer": garbled} {
		for _, tombstones := range []bool{false, true} {
			c := server.Client(t)
			r := newRedis(t, c, store.RedisConfig{Tombstones: tombstones})
			counter, tokens, cells := newRedisCounter(t, c), newRedisTokens(t, c), newRedisCells(t, c, store.RedisConfig{})
			ctx, cancel := context.WithTimeout(t.Context(), redistest.Patience)
			defer cancel()
			for verb, call := range map[string]func() error{
				"get":          func() error { _, err := r.Get(ctx, id); return err },
				"create":       func() error { return r.Create(ctx, id, []byte(record), time.Hour) },
				"update":       func() error { return r.Update(ctx, id, []byte(record), []byte(record), time.Hour) },
				"delete":       func() error { return r.Delete(ctx, id, nil) },
				"end":          func() error { _, err := r.End(ctx, id, []byte(record), id+"2", time.Hour); return err },
				"get many":     func() error { _, err := r.GetMany(ctx, []string{id}); return err },
				"end many":     func() error { _, err := r.EndMany(ctx, []string{id}, time.Hour); return err },
				"add label":    func() error { return r.AddLabel(ctx, label, id, time.Now().Add(time.Hour)) },
				"remove label": func() error { return r.RemoveLabel(ctx, label, id) },
				"labelled":     func() error { _, err := r.Labelled(ctx, label); return err },
				"count":        func() error { _, _, err := counter.Add(ctx, id, 1, time.Hour); return err },
				"put token":    func() error { return tokens.Put(ctx, id, []byte(record), time.Hour) },
				"load cell":    func() error { _, err := cells.LoadAll(ctx, []string{id, record}); return err },
				"swap cell": func() error {
					_, _, _, err := cells.SwapAndLoad(ctx, id, []byte(record), []byte(record), time.Hour, nil)
					return err
				},
				"take token": func() error { _, _, err := tokens.Take(ctx, id); return err },
			} {
				err := call()
				if err == nil {
					t.Errorf("%s, %s: got no error", name, verb)
					continue
				}
				if !strings.HasPrefix(err.Error(), "store: "+verb+": ") {
					t.Errorf("%s: error %q does not begin with the package and %q", name, err, verb)
				}
				if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "no reply") {
					t.Errorf("%s, %s: error %q has a secret in it", name, verb, err)
				}
			}
		}
	}
}
