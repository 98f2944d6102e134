package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
)

// TestOpenRedisTellsNoPassword: each URL has the password hidden, at a place where it may be taken for
// something else.
func TestOpenRedisTellsNoPassword(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireAuth("another")
	for name, row := range map[string]struct{ url, want string }{
		"nothing":                        {"", "not like redis://"},
		"no scheme":                      {"joe:hidden@localhost:6379", "not like redis://"},
		"another scheme":                 {"postgres://joe:hidden@localhost/app", "not like redis://"},
		"a port that is none":            {"redis://joe:hidden@localhost:port", "not like redis://"},
		"a database that is none":        {"redis://joe:hidden@localhost/app", "not like redis://"},
		"a slash in the password":        {"redis://joe:1/hidden@localhost:6379", "not like redis://"},
		"a question mark in it":          {"redis://joe:1?hidden@localhost:6379", "not like redis://"},
		"a number sign in it":            {"redis://localhost:1#hidden@localhost:6379", "%23"},
		"a sign that is not written out": {"redis://joe:hid%zzden@localhost:6379", "not like redis://"},
		"an option that there is not":    {"redis://joe:hidden@localhost:6379?password=hidden", "not like redis://"},
		"a scheme without its slashes":   {"redis:joe:hidden@" + server.Addr(), "not like redis://"},
		"a slash before a socket":        {"unix://joe:1/hidden@/redis.sock", "not like redis://"},
		"a slash too many":               {"unix:///joe:hidden@/redis.sock", "not like redis://"},
		"a pool of less than nothing":    {"redis://joe:hidden@" + server.Addr() + "?pool_size=-1", "not like redis://"},
		"nobody there":                   {"redis://joe:hidden@127.0.0.1:1?max_retries=-1", "127.0.0.1:1"},
		"a wrong password":               {"redis://:hidden@" + server.Addr(), "WRONGPASS"},
	} {
		s, err := store.OpenRedis(t.Context(), row.url, store.RedisConfig{Name: "shop"})
		if err == nil || s != nil {
			t.Errorf("%s: got stores: %t and error %v, want only an error", name, s != nil, err)
			continue
		}
		if got := err.Error(); !strings.Contains(got, row.want) || strings.Contains(got, "hid") || strings.Contains(got, "\n") {
			t.Errorf("%s: got error %q, want one line with %q in it, and no password", name, got, row.want)
		}
	}
}

// TestCheckNamesOnceWhyEveryCommandIsRefused, not once for each.
func TestCheckNamesOnceWhyEveryCommandIsRefused(t *testing.T) {
	server := miniredis.RunT(t)
	for _, why := range []string{"NOAUTH Authentication required.", "LOADING Redis is loading the dataset in memory", "ERR max number of clients reached"} {
		server.SetError(why)
		_, err := store.OpenRedis(t.Context(), "redis://"+server.Addr()+"?max_retries=-1", store.RedisConfig{Name: "shop"})
		if err == nil || err.Error() != "store: check: "+why {
			t.Errorf("got error %v, want only %s", err, why)
		}
	}
}

func TestOpenRedisNamesTheMistakesInItsConfig(t *testing.T) {
	server := miniredis.RunT(t)
	_, err := store.OpenRedis(t.Context(), "redis://"+server.Addr(), store.RedisConfig{ScanCount: -1})
	for _, want := range []string{"RedisConfig.Name", "RedisConfig.ScanCount"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that names %s", err, want)
		}
	}
}

// TestWhatOpenRedisOpenedIsClosed, and a client of the program's own is not.
func TestWhatOpenRedisOpenedIsClosed(t *testing.T) {
	server := miniredis.RunT(t)
	opened, err := store.OpenRedis(t.Context(), "redis://"+server.Addr()+"/1", store.RedisConfig{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	create(t, opened.Sessions, "id", "x")
	if !server.DB(1).Exists("sess:id") {
		t.Errorf("the keys of database 1 are %q, want sess:id", server.DB(1).Keys())
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), DB: 1})
	defer client.Close()
	own, err := store.Redis(client, store.RedisConfig{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*store.RedisStores{opened, own} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := opened.Sessions.Create(t.Context(), "other", []byte("x"), time.Hour); err == nil {
		t.Error("a session is created after Close")
	}
	if _, err := own.Sessions.Get(t.Context(), "id"); err != nil {
		t.Errorf("the program's own client: got %v, want it open", err)
	}
}
