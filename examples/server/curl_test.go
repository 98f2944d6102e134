//go:build integration

package main_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// article is what the article types, and what it sees.
var article = []struct{ command, answer string }{
	{"curl http://localhost:3000/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt", `{"cookie":{"originalMaxAge":`},
	{"curl http://localhost:3000/protected -b cookie.joe.txt", protected},
	{"curl http://localhost:3000/auth/register -c cookie.new.txt -d 'email=new.email@test.com&password=password&confirmationPassword=password&firstName=New&lastName=Test'", `"email":"new.email@test.com"`},
	{"curl http://localhost:3000/auth/login -c cookie.new.txt -d 'email=new.email@test.com&password=password'", `{"cookie":{"originalMaxAge":`},
	{"curl http://localhost:3000/protected -b cookie.new.txt", protected},
}

// shell runs what the article types, with the address of this server.
func (p *process) shell(dir, command string) string {
	p.t.Helper()
	command = strings.ReplaceAll(command, "http://localhost:3000", p.url)
	c := subprocess.Command(p.t, time.Minute, "sh", "-c", strings.Replace(command, "curl ", "curl --silent --show-error ", 1))
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v: %s", command, err, out)
	}
	return string(out)
}

func (p *process) typeArticle() {
	p.t.Helper()
	dir := p.t.TempDir()
	for _, a := range article {
		if got := p.shell(dir, a.command); !strings.Contains(got, a.answer) {
			p.t.Errorf("%s\ngot %s, want it to contain %s", a.command, got, a.answer)
		}
	}
	for _, command := range []string{
		"curl http://localhost:3000/protected",
		"curl -X POST http://localhost:3000/auth/logout -b cookie.joe.txt && curl http://localhost:3000/protected -b cookie.joe.txt",
	} {
		if got := p.shell(dir, command); strings.Contains(got, protected) {
			p.t.Errorf("%s\ngot %s, want it refused", command, got)
		}
	}
}

func TestArticleByCurl(t *testing.T) { start(t).typeArticle() }

func TestArticleByCurlOnRedis(t *testing.T) {
	redis := redistest.Start(t)
	p := start(t, "-redis", redis.URL()+"/0")
	p.typeArticle()

	client := redis.Client(t)
	redis.Flush(t)
	p.shell(t.TempDir(), article[0].command)
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
	if !strings.Contains(p.welcome, "store: Redis at "+redis.Addr+", database 0\n") {
		t.Errorf("got %q, want it to name the Redis at %s", p.welcome, redis.Addr)
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
