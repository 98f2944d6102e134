package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// replied is the text of an error reply.
type replied string

func (e replied) Error() string { return string(e) }
func (replied) RedisError()     {}

const (
	severalSlots replied = "CROSSSLOT Keys in request don't hash to the same slot"
	slotMoves    replied = "TRYAGAIN Multiple keys request during rehashing of slot"
)

// slots makes a client's server behave like a cluster: it refuses a script with a record and a label.
type slots struct {
	commands
	says replied
}

func (h *slots) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	next = h.commands.ProcessHook(next)
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" || cmd.Name() == "eval" {
			keys := cmd.Args()[3:][:cmd.Args()[2].(int)]
			isLabel := func(key any) bool { return strings.HasPrefix(key.(string), "test:label:") }
			if slices.ContainsFunc(keys, isLabel) && !isLabel(keys[0]) {
				cmd.SetErr(h.says)
				return h.says
			}
		}
		return next(ctx, cmd)
	}
}

// TestAClusterBehindAProxyTakesTheStepsOneByOne: it refuses the first script whose keys are on different
// servers, and gets no other one.
func TestAClusterBehindAProxyTakesTheStepsOneByOne(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	hook := &slots{says: severalSlots}
	client.AddHook(hook)
	st, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	b := browser.New(t, site(t, st.Sessions))
	b.Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe")
	b.Get("/me").Want(t, 200, "joe")
	b.Post("/logout").Want(t, 200, "")
	hook.take()
	b.Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe")
	if got, want := hook.take(), "set evalsha"; got != want {
		t.Errorf("the second log-in sent %q, want %q", got, want)
	}
	b.Post("/logout").Want(t, 200, "")
	if got, want := hook.take(), "get evalsha zrem"; got != want {
		t.Errorf("the log-out sent %q, want %q", got, want)
	}
	if _, err := st.Sessions.EndIndexed(t.Context(), "id", 0, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("EndIndexed: got error %v, want one that matches errors.ErrUnsupported", err)
	}
}

// TestALogInWhileItsSlotIsOnItsWayIsTakenApart: a command on one key is accepted while the slot moves.
func TestALogInWhileItsSlotIsOnItsWayIsTakenApart(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer client.Close()
	client.AddHook(&slots{says: slotMoves})
	b := browser.New(t, site(t, newRedis(t, client, store.RedisConfig{Prefix: "{app}:sess:"})))
	b.Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe")
	b.Get("/me").Want(t, 200, "joe")
	b.Post("/logout").Want(t, 200, "")
}

// apart makes a client's server behave like several behind a proxy that routes a script by its first key: a
// label that is used with a record is on another server than the label alone.
type apart struct{ commands }

func (h *apart) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" || cmd.Name() == "eval" {
			for i, key := range cmd.Args()[3:][:cmd.Args()[2].(int)] {
				if i > 0 && strings.HasPrefix(key.(string), "test:label:") {
					cmd.Args()[3+i] = "apart:" + key.(string)
				}
			}
		}
		return next(ctx, cmd)
	}
}

// TestCheckFindsServersBehindAProxy if the proxy gives no error where a cluster would say CROSSSLOT.
func TestCheckFindsServersBehindAProxy(t *testing.T) {
	for _, behind := range []bool{false, true} {
		client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		if behind {
			client.AddHook(new(apart))
		}
		st, err := store.Redis(client, store.RedisConfig{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		err = st.Check(t.Context())
		if got := err != nil && strings.Contains(err.Error(), "hash tag"); got != behind {
			t.Errorf("behind a proxy %t: got error %v", behind, err)
		}
		_ = client.Close()
	}
}

// counting embeds a store and replaces one method, like a program that counts or encrypts.
type counting struct {
	*store.RedisStore
	creates int
}

func (c *counting) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	c.creates++
	return c.RedisStore.Create(ctx, id, data, ttl)
}

// TestWhatEmbedsTheStoreIsAskedItself: CreateIndexed of the embedded store must not bypass the method.
func TestWhatEmbedsTheStoreIsAskedItself(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer client.Close()
	c := &counting{RedisStore: newRedis(t, client, store.RedisConfig{})}
	browser.New(t, site(t, c)).Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe")
	if c.creates != 1 {
		t.Errorf("Create was called %d times, want once", c.creates)
	}
}

// TestWhereKeysLieTogether: if all keys are on one server, a script takes all steps, else none.
func TestWhereKeysLieTogether(t *testing.T) {
	server := miniredis.RunT(t)
	addrs := []string{server.Addr()}
	client := redis.NewClient(&redis.Options{Addr: addrs[0]})
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": addrs[0]}})
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	for _, row := range []struct {
		name   string
		client store.RedisClient
		prefix string
		want   bool
	}{
		{"one server", client, "", true},
		{"a ring", ring, "", false},
		{"a ring, with a hash tag", ring, "{app}:sess:", true},
		{"a cluster", cluster, "", false},
		{"a cluster, with a hash tag", cluster, "{app}:sess:", true},
	} {
		st, err := store.Redis(row.client, store.RedisConfig{Name: "test", Prefix: row.prefix})
		if err != nil {
			t.Fatal(err)
		}
		_, err = st.Sessions.CreateIndexed(t.Context(), session.NewRecord{ID: "id", TTL: time.Hour, Labels: []string{"l"}, Deadline: time.Now().Add(time.Hour)})
		if got := !errors.Is(err, errors.ErrUnsupported); got != row.want {
			t.Errorf("%s: a script takes all steps: %t (error %v), want %t", row.name, got, err, row.want)
		}
	}
	for _, c := range []interface{ Close() error }{client, ring, cluster} {
		_ = c.Close()
	}
}
