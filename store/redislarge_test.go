package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func TestLargeRecordsKeepTheContract(t *testing.T) {
	for name, cfg := range map[string]store.RedisConfig{"plain": {}, "with tombstones": {Tombstones: true}, "with a hash tag": {Prefix: "{app}:sess:"}} {
		t.Run(name, func(t *testing.T) {
			sessiontest.RunInBubble(t, func(t *testing.T) session.Store {
				return store.Large(newRedis(t, inBubble(t), cfg))
			})
		})
	}
}

// TestEveryByteOfALargeRecordIsCompared: whatever Node wrote meanwhile is a conflict that shows it.
func TestEveryByteOfALargeRecordIsCompared(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	testEveryByte(t, c)
	if keys := m.Keys(); len(keys) != 1 || keys[0] != "sess:id" {
		t.Errorf("the server has the keys %q, want the record alone", keys)
	}
}

func testEveryByte(t *testing.T, c *redis.Client) {
	t.Helper()
	seen := new(pipelines)
	c.AddHook(seen)
	r := newRedis(t, c, store.RedisConfig{})
	old := strings.Repeat("12345678", 2<<10)
	others := map[string]string{"is longer by a zero": old + "\x00", "is shorter": old[1:], "is empty": "", "is of the same size": strings.Repeat("x", len(old))}
	for _, i := range []int{0, 1, 8, len(old) / 2, len(old) - 1} {
		b := []byte(old)
		b[i] ^= 1
		others[fmt.Sprint("differs in byte ", i)] = string(b)
	}
	for name, other := range others {
		if err := c.Set(t.Context(), "sess:id", other, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		seen.take()
		err := r.Update(t.Context(), "id", []byte(old), []byte("y"), time.Hour)
		if conflict, ok := errors.AsType[*session.Conflict](err); !ok || string(conflict.Current) != other {
			t.Errorf("a record that %s: got error %v, want a conflict that shows it", name, err)
		}
		if got := seen.take(); !strings.HasPrefix(got, "(set set evalsha)") {
			t.Errorf("a record that %s: sent %q, want (set set evalsha)", name, got)
		}
		if got := c.Get(t.Context(), "sess:id").Val(); got != other {
			t.Errorf("a record that %s was changed", name)
		}
	}
	if err := c.Set(t.Context(), "sess:id", old, time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), "id", []byte(old), []byte("y"), 2*time.Hour); err != nil {
		t.Errorf("a record that is the same: got error %v, want none", err)
	}
	if got, ttl := c.Get(t.Context(), "sess:id").Val(), c.TTL(t.Context(), "sess:id").Val(); got != "y" || ttl <= time.Hour {
		t.Errorf("then the record is %q for %v, want y for two hours", got, ttl)
	}
}

// holding is a hook that holds each pipeline of three until release is closed, and shows its arguments.
type holding struct {
	pipelines
	held    chan []redis.Cmder
	release chan struct{}
	done    chan struct{}
}

func (h *holding) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) != 3 {
			return next(ctx, cmds)
		}
		defer close(h.done)
		h.held <- cmds
		<-h.release
		return next(context.WithoutCancel(ctx), cmds) // as one that was on its way already
	}
}

// TestALargeRecordIsNotCopied unless the pipeline may outlive the call: then it sends what it was given, also
// if the caller uses its slices for something else.
func TestALargeRecordIsNotCopied(t *testing.T) {
	for _, bounded := range []bool{true, false} {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: bounded})
		defer c.Close()
		r := store.Large(newRedis(t, c, store.RedisConfig{}))
		create(t, r, "id", "older")
		if err := r.Update(t.Context(), "id", []byte("older"), []byte("old"), time.Hour); err != nil { // it brings the script
			t.Fatal(err)
		}
		h := &holding{held: make(chan []redis.Cmder, 1), release: make(chan struct{}), done: make(chan struct{})}
		c.AddHook(h)
		before, after := []byte("old"), []byte("new")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		result := make(chan error, 1)
		go func() { result <- r.Update(ctx, "id", before, after, time.Hour) }()
		cmds := <-h.held
		shared, _ := cmds[1].Args()[2].([]byte)
		if is := len(shared) > 0 && &shared[0] == &after[0]; is != bounded {
			t.Errorf("with a client that keeps to deadlines %t: the record is shared %t", bounded, is)
		}
		cancel()
		if !bounded {
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("a call that is left: got error %v, want context.Canceled", err)
			}
			copy(before, "xxx")
			copy(after, "xxx")
		}
		close(h.release)
		<-h.done
		if bounded {
			if err := <-result; err != nil {
				t.Errorf("a call whose context ends while it waits for the answer: got error %v, want none", err)
			}
		}
		if got, err := m.Get("sess:id"); got != "new" || err != nil {
			t.Errorf("with a client that keeps to deadlines %t: then the record is %q, error %v, want new", bounded, got, err)
		}
	}
}

// TestALargeWriteShowsTheErrorOfAHook that has not sent it, such as a circuit breaker.
func TestALargeWriteShowsTheErrorOfAHook(t *testing.T) {
	for _, bounded := range []bool{true, false} {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr(), ContextTimeoutEnabled: bounded})
		defer c.Close()
		r := store.Large(newRedis(t, c, store.RedisConfig{}))
		create(t, r, "id", "old")
		broken := errors.New("the circuit is open")
		c.AddHook(&pipelines{fails: func() error { return broken }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Update(ctx, "id", []byte("old"), []byte("new"), time.Hour); !errors.Is(err, broken) {
			t.Errorf("with a client that keeps to deadlines %t: got error %v, want the hook's", bounded, err)
		}
	}
}

// spread is a hook as a proxy that sends the SETs of a pipeline to another server.
type spread struct {
	pipelines
	other *redis.Client
}

func (s *spread) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) != 3 {
			return next(ctx, cmds)
		}
		for _, cmd := range cmds[:2] {
			_ = s.other.Process(ctx, cmd)
		}
		return next(ctx, cmds[2:])
	}
}

// TestAServerThatCannotTakeLargeRecordsGetsThemInOneScript, and later ones at once.
func TestAServerThatCannotTakeLargeRecordsGetsThemInOneScript(t *testing.T) {
	for name, hook := range map[string]func(t *testing.T) redis.Hook{
		"keys on several servers": func(t *testing.T) redis.Hook {
			c := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
			t.Cleanup(func() { _ = c.Close() })
			return &spread{other: c}
		},
		"a user without the rights": func(*testing.T) redis.Hook {
			return &refusing{with: "ERR The user executing the script can't run this command or subcommand script: x, on @user_script:7."}
		},
		"a server without the commands": func(*testing.T) redis.Hook {
			return &refusing{with: "ERR Unknown Redis command called from script script: x, on @user_script:6."}
		},
	} {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr()})
		defer c.Close()
		r := store.Large(newRedis(t, c, store.RedisConfig{}))
		create(t, r, "id", "x")
		c.AddHook(hook(t))
		if err := r.Update(t.Context(), "id", []byte("x"), []byte("y"), time.Hour); err != nil || !store.LargeRefused(r) {
			t.Errorf("%s: got error %v, and that the server cannot is noticed: %t", name, err, store.LargeRefused(r))
		}
		if err := r.Update(t.Context(), "id", []byte("y"), []byte("z"), time.Hour); err != nil {
			t.Errorf("%s: got error %v, want none", name, err)
		}
		if got, err := r.Get(t.Context(), "id"); string(got) != "z" || err != nil {
			t.Errorf("%s: then the record is %q, error %v, want z", name, got, err)
		}
	}
}

// refusing is a hook that answers the last command of each pipeline with an error.
type refusing struct {
	pipelines
	with replied
}

func (f *refusing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "client" {
			return next(ctx, cmds)
		}
		cmds[len(cmds)-1].SetErr(f.with)
		return nil
	}
}
