//go:build integration

package store_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// leastRights reads the least rights from docs/REDIS.md, for a program named test.
func leastRights(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/REDIS.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "ACL SETUSER shop on >PASSWORD "); ok {
			return strings.Fields(strings.ReplaceAll(rest, "shop:", "test:"))
		}
	}
	t.Fatal("docs/REDIS.md has no ACL SETUSER shop")
	return nil
}

// more adds the rights from a row of the table in docs/REDIS.md.
func more(t *testing.T, rights ...string) []string {
	t.Helper()
	return append(leastRights(t), rights...)
}

func TestTheLeastRightsAreEnough(t *testing.T) {
	server := redistest.Start(t)
	walks := []string{"+scan", "+unlink", "+client|tracking"}
	for name, kind := range kinds {
		t.Run("sessions, "+name, func(t *testing.T) {
			client, cfg := kind(t, server.As(t, more(t, walks...)...))
			sessiontest.Run(t, func(t *testing.T) session.Store {
				server.Flush(t)
				return newRedis(t, client, cfg)
			}, func(d time.Duration) { server.Advance(t, d) })
		})
	}
	least := server.As(t, more(t, walks...)...)
	for _, tombstones := range []bool{false, true} {
		t.Run("sessions with tombstones", func(t *testing.T) {
			client := least.Client(t)
			sessiontest.Run(t, func(t *testing.T) session.Store {
				server.Flush(t)
				return newRedis(t, client, store.RedisConfig{Tombstones: tombstones})
			}, func(d time.Duration) { server.Advance(t, d) })
		})
	}
	for name, rights := range map[string][]string{"without the rights for them": nil, "with them": {"+bitop", "+bitpos", "+rename", "+strlen"}} {
		t.Run("large records, "+name, func(t *testing.T) {
			client := server.As(t, more(t, append(rights, walks...)...)...).Client(t)
			sessiontest.Run(t, func(t *testing.T) session.Store {
				server.Flush(t)
				return store.Large(newRedis(t, client, store.RedisConfig{}))
			}, func(d time.Duration) { server.Advance(t, d) })
			r := store.Large(newRedis(t, client, store.RedisConfig{}))
			create(t, r, "large", "x")
			if err := r.Update(t.Context(), "large", []byte("x"), []byte("y"), time.Hour); err != nil || store.LargeRefused(r) != (rights == nil) {
				t.Errorf("got error %v, and that the rights are missing is noticed: %t", err, store.LargeRefused(r))
			}
			if keys := server.Client(t).Keys(t.Context(), "test:write:*").Val(); len(keys) != 0 {
				t.Errorf("the server still has %q", keys)
			}
		})
	}
	client := server.As(t, leastRights(t)...).Client(t)
	t.Run("counter", func(t *testing.T) {
		strategytest.RunCounter(t, func(t *testing.T) strategy.Counter {
			server.Flush(t)
			return newRedisCounter(t, client)
		}, func(d time.Duration) { server.Advance(t, d) })
	})
	t.Run("cells", func(t *testing.T) {
		strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
			server.Flush(t)
			return newRedisCells(t, client, store.RedisConfig{})
		}, func(d time.Duration) { server.Advance(t, d) })
	})
	t.Run("tokens", func(t *testing.T) {
		strategytest.RunTokens(t, func(t *testing.T) strategy.Tokens {
			server.Flush(t)
			return newRedisTokens(t, client)
		}, func(d time.Duration) { server.Advance(t, d) })
	})
	t.Run("Check", func(t *testing.T) {
		if err := newStores(t, client).Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
		if keys := server.Client(t).Keys(t.Context(), "*check*").Val(); len(keys) != 0 {
			t.Errorf("Check left %q", keys)
		}
	})
}

func newStores(t *testing.T, client store.RedisClient) *store.RedisStores {
	t.Helper()
	s, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheLeastRightsAreEnoughOnACluster(t *testing.T) {
	c := redistest.StartCluster(t)
	rights := more(t, "+scan", "+unlink", "+cluster|slots", "+cluster|shards", "+cluster|nodes", "+asking")
	for _, s := range slices.Concat(c.Masters, c.Replicas) {
		s.As(t, rights...)
	}
	client := c.Client(t, func(o *redis.ClusterOptions) {
		o.Username, o.Password = redistest.LimitedUser, redistest.LimitedPassword
	})
	for _, tombstones := range []bool{false, true} {
		sessiontest.Run(t, func(t *testing.T) session.Store {
			for _, s := range c.Masters {
				s.Flush(t)
			}
			return newRedis(t, client, store.RedisConfig{Tombstones: tombstones})
		}, func(d time.Duration) {
			for _, s := range c.Masters {
				s.Advance(t, d)
			}
		})
	}
	if err := newStores(t, client).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// TestCheckNamesTheRightThatIsMissing removes each right in turn.
func TestCheckNamesTheRightThatIsMissing(t *testing.T) {
	server := redistest.Start(t)
	rights := leastRights(t)
	for _, right := range rights {
		command, ok := strings.CutPrefix(right, "+")
		if !ok || command == "hello" { // the client itself needs it to connect
			continue
		}
		if command == "eval" { // needed only for a script that the server does not have
			server.Flush(t)
		}
		without := server.As(t, slices.DeleteFunc(slices.Clone(rights), func(r string) bool { return r == right })...)
		err := newStores(t, without.Client(t)).Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), strings.ToUpper(command)) {
			t.Errorf("without %s: got error %v, want one that names it", right, err)
		}
	}
	for _, keys := range []string{"~sess:*", "~test:*"} {
		without := server.As(t, slices.DeleteFunc(slices.Clone(rights), func(r string) bool { return r == keys })...)
		err := newStores(t, without.Client(t)).Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), "SET") {
			t.Errorf("without %s: got error %v, want one that names SET", keys, err)
		}
	}
}

// TestACallNamesTheRightThatIsMissing, also if a script uses the command.
func TestACallNamesTheRightThatIsMissing(t *testing.T) {
	server := redistest.Start(t)
	rights := slices.DeleteFunc(leastRights(t), func(r string) bool { return r == "+exists" || r == "+set" })
	r := newRedis(t, server.As(t, rights...).Client(t), store.RedisConfig{})
	err := r.Create(t.Context(), "id", []byte("x"), time.Hour)
	if err == nil || !strings.Contains(err.Error(), "may not run SET") || !strings.Contains(err.Error(), "docs/REDIS.md") {
		t.Errorf("Create: got error %v, want one that names SET", err)
	}
	if err := server.Client(t).Set(t.Context(), "sess:id", "x", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	err = r.Update(t.Context(), "id", []byte("x"), []byte("y"), time.Hour)
	if err == nil || !strings.Contains(err.Error(), "GET, EXISTS, SET") {
		t.Errorf("Update: got error %v, want one that names what the script uses", err)
	}
}

func TestCheckSaysWhatIsWrongWithAServer(t *testing.T) {
	_, replica := withReplica(t)
	cluster := redistest.StartCluster(t)
	for name, row := range map[string]struct {
		client store.RedisClient
		want   string
	}{
		"a server in order":  {redistest.Start(t).Client(t), ""},
		"one that evicts":    {redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru").Client(t), "maxmemory-policy volatile-lru"},
		"one that is full":   {redistest.Start(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction").Client(t), "OOM"},
		"a replica":          {replica.Client(t), "is a replica"},
		"a node of cluster":  {cluster.Masters[0].Client(t), "is a node of a cluster"},
		"a cluster":          {cluster.Client(t), ""},
		"nobody at all":      {redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}), "connection refused"},
		"an eviction unused": {redistest.Start(t, "--maxmemory-policy", "allkeys-lru").Client(t), ""},
	} {
		err := newStores(t, row.client).Check(t.Context())
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: got error %v, want %q", name, err, row.want)
		}
	}
}

// TestAnEndOfManyWithoutTheRightToForgetThem: the sessions end, and the error names the right.
func TestAnEndOfManyWithoutTheRightToForgetThem(t *testing.T) {
	r := newRedis(t, redistest.Start(t).As(t, more(t, "-zrem")...).Client(t), store.RedisConfig{})
	m, err := session.New(session.Config{Store: r, Codec: session.Express("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two"} {
		create(t, r, id, "{}")
		if err := r.AddLabel(t.Context(), "label", id, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.DestroyLinked(t.Context(), "label"); err == nil || !strings.Contains(err.Error(), "may not run ZREM") {
		t.Errorf("got error %v, want that ZREM is missing", err)
	}
	for _, id := range []string{"one", "two"} {
		if _, err := r.Get(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: got error %v, want that it has ended", id, err)
		}
	}
}
