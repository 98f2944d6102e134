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

// slotError is what a cluster says to a command whose keys are in several slots.
type slotError struct{}

func (slotError) Error() string { return "CROSSSLOT Keys in request don't hash to the same slot" }
func (slotError) RedisError()   {}

// slots makes of a client's server a cluster behind a proxy: a script about a record and a label is refused.
type slots struct{ commands }

func (h *slots) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	next = h.commands.ProcessHook(next)
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" || cmd.Name() == "eval" {
			keys := cmd.Args()[3:][:cmd.Args()[2].(int)]
			isLabel := func(key any) bool { return strings.HasPrefix(key.(string), "test:label:") }
			if slices.ContainsFunc(keys, isLabel) && !isLabel(keys[0]) {
				cmd.SetErr(slotError{})
				return slotError{}
			}
		}
		return next(ctx, cmd)
	}
}

// TestAClusterBehindAProxyTakesTheStepsOneByOne: such a server refuses the first script whose keys lie apart,
// and is not asked again.
func TestAClusterBehindAProxyTakesTheStepsOneByOne(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	hook := new(slots)
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

// TestWhereKeysLieTogether a script takes all steps, and elsewhere none does.
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
