//go:build integration

package main_test

import (
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/examples/internal/articletest"
	"github.com/seed-6f34412b/passport/internal/redistest"
)

func TestArticleByCurl(t *testing.T) { start(t).TypeArticle() }

func TestREADMEByCurl(t *testing.T) {
	if got := start(t).TypeREADME(); got != 10 {
		t.Errorf("%d commands were run, want 10", got)
	}
}

func TestArticleByCurlOnRedis(t *testing.T) {
	redis := redistest.Start(t)
	p := start(t, "-redis", redis.URL()+"/0")
	p.TypeArticle()

	client := redis.Client(t)
	redis.Flush(t)
	p.Shell(t.TempDir(), articletest.LogIn)
	keys, err := client.Keys(t.Context(), "sess:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("got sessions %q and %v, want one", keys, err)
	}
	record, err := client.Get(t.Context(), keys[0]).Result()
	if want := `{"cookie":{"originalMaxAge":`; err != nil || !strings.HasPrefix(record, want) {
		t.Errorf("got record %s and %v, want it to start with %s", record, err, want)
	}
	left, err := client.TTL(t.Context(), keys[0]).Result()
	if err != nil || left <= 0 {
		t.Errorf("got time to live %v and %v, want some", left, err)
	}
	if !strings.Contains(p.Welcome, "store: Redis at "+redis.URL()+"/0\n") {
		t.Errorf("got %q, want it to name the Redis at %s", p.Welcome, redis.Addr)
	}
}

func TestExpressSecretOnRedis(t *testing.T) {
	redis := redistest.Start(t)
	v := start(t, "-redis", redis.URL(), "-express-secret", secret).visitor()
	cookie := v.logIn(joe, joesPass).header.Get("Set-Cookie")
	id, _, _ := strings.Cut(strings.TrimPrefix(cookie, "connect.sid=s%3A"), ".")
	if n, err := redis.Client(t).Exists(t.Context(), "sess:"+id).Result(); err != nil || n != 1 {
		t.Errorf("got %d records under the id that the cookie shows, and %v, want 1", n, err)
	}
}

func TestOutageIsNoLogOut(t *testing.T) {
	redis := redistest.Start(t)
	v := start(t, "-redis", redis.URL(), "-secret", secret).visitor()
	v.logIn(joe, joesPass).want(t, 200, "")
	redis.Kill()
	got := v.get("/protected")
	got.want(t, 503, "")
	if set := got.header.Get("Set-Cookie"); set != "" {
		t.Errorf("got cookie %q during an outage, want none", set)
	}
	v.get("/").want(t, 200, public)
}

// TestARedisThatEvictsIsFoundAtTheStart, and not when users have been logged out by it.
func TestARedisThatEvictsIsFoundAtTheStart(t *testing.T) {
	redis := redistest.Start(t, "--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru")
	out, err := command(t, "-addr", "localhost:0", "-redis", redis.URL()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "noeviction") {
		t.Errorf("got %v: %s, want an error that names the cure", err, out)
	}
}
