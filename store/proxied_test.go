package store_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// TestAServerThatAProxyDoesNotReachIsAnOutage: Envoy sends MGET to several servers, and answers for one that
// is down with an error in place of each of its values. That is no log-out, and no note that removes a record.
func TestAServerThatAProxyDoesNotReachIsAnOutage(t *testing.T) {
	var down atomic.Int32 // the place of the values that are errors: of records or of notes
	var deleted atomic.Bool
	proxy, err := server.NewServer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	for name, answer := range map[string]server.Cmd{
		"MGET": func(c *server.Peer, _ string, keys []string) {
			c.WriteLen(len(keys))
			for i := range keys {
				if i%2 == int(down.Load()) {
					c.WriteError("upstream failure")
				} else {
					c.WriteBulk("x")
				}
			}
		},
		"SCAN": func(c *server.Peer, _ string, _ []string) {
			c.WriteLen(2)
			c.WriteBulk("0")
			c.WriteStrings([]string{"sess:id"})
		},
		"DEL":    func(c *server.Peer, _ string, _ []string) { deleted.Store(true); c.WriteInt(1) },
		"HELLO":  func(c *server.Peer, _ string, _ []string) { c.WriteError("ERR unknown command") },
		"CLIENT": func(c *server.Peer, _ string, _ []string) { c.WriteOK() },
	} {
		if err := proxy.Register(name, answer); err != nil {
			t.Fatal(err)
		}
	}
	client := redis.NewClient(&redis.Options{Addr: proxy.Addr().String(), ContextTimeoutEnabled: true})
	defer client.Close()
	plain := store.Busy(newRedis(t, client, store.RedisConfig{}))
	noted := newRedis(t, client, store.RedisConfig{Tombstones: true})
	get := func(r *store.RedisStore) func() error {
		return func() error { _, err := r.Get(soon(t), "id"); return err }
	}
	getMany := func(r *store.RedisStore) func() error {
		return func() error { _, err := r.GetMany(soon(t), []string{"id"}); return err }
	}
	for name, row := range map[string]struct {
		call func() error
		down []int32
	}{
		"Get, together":            {get(plain), []int32{0}},
		"GetMany":                  {getMany(plain), []int32{0}},
		"Get, with tombstones":     {get(noted), []int32{0, 1}},
		"GetMany, with tombstones": {getMany(noted), []int32{0, 1}},
		"All, with tombstones": {func() error {
			for _, err := range noted.All(soon(t)) {
				return err
			}
			return nil
		}, []int32{0, 1}},
	} {
		for _, place := range row.down {
			down.Store(place)
			if err := row.call(); err == nil || errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s, the server of key %d is down: got error %v, want an outage", name, place, err)
			}
		}
	}
	if deleted.Load() {
		t.Error("a record was deleted for a note that could not be read")
	}
}
