// Package redistest starts real redis-servers on the loopback interface for tests.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// Patience is [subprocess.Patience].
const Patience = subprocess.Patience

// Server is one redis-server process without persistence. It is killed at the end of
// the test, and also when the test process dies.
type Server struct {
	Addr string // host:port on 127.0.0.1

	username, password string // of the clients; empty means the default user

	args []string
	dir  string
	cmd  *exec.Cmd
	life io.Closer // the watcher's standard input: the server is killed when it closes
	log  *subprocess.Log
}

// Start starts a redis-server with args added to its command line ("--maxmemory",
// "1mb"), and returns when it answers. The test fails when there is no redis-server.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("no redis-server in PATH: apt-get install -y redis-server")
	}
	s := &Server{dir: t.TempDir(), args: args}
	t.Cleanup(s.Kill)
	var err error
	for range 3 { // the free port may be taken before the server has it
		s.Addr = subprocess.FreeAddr(t)
		if err = s.Restart(); err == nil {
			return s
		}
	}
	t.Fatalf("redis-server does not start: %v\n%s", err, s.log)
	return nil
}

// Restart starts the server again on its address, after [Server.Kill].
func (s *Server) Restart() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	// The watcher ends when this process does, and when Kill is called.
	const watcher = `redis-server "$@" & pid=$!; read -r _; kill -KILL $pid 2>/dev/null; wait $pid`
	args := append([]string{"-c", watcher, "sh"}, s.args...)
	args = append(args, "--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	s.cmd = exec.Command("/bin/sh", args...)
	s.log = new(subprocess.Log)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if s.life, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		s.Kill()
		return err
	}
	return nil
}

// ready waits until the server answers, and checks that it is this one.
func (s *Server) ready() error {
	c := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	defer c.Close()
	return Poll(func(ctx context.Context) error {
		if strings.Contains(s.log.String(), "Address already in use") {
			return subprocess.ErrTaken
		}
		dir, err := c.ConfigGet(ctx, "dir").Result()
		if _, answered := errors.AsType[redis.Error](err); answered {
			return nil // it wants a password, or the command is renamed
		}
		if err != nil {
			return err
		}
		if dir["dir"] != s.dir {
			return fmt.Errorf("another server has the port")
		}
		return nil
	})
}

// Poll is [subprocess.Poll].
func Poll(f func(context.Context) error) error { return subprocess.Poll(f) }

// Kill ends the server at once, as a crash would. Killing it twice is fine.
func (s *Server) Kill() {
	if s.life == nil {
		return
	}
	_ = s.life.Close()
	_ = s.cmd.Wait()
	s.life = nil
}

// Client returns a client that is closed at the end of the test.
func (s *Server) Client(t testing.TB, edit ...func(*redis.Options)) *redis.Client {
	t.Helper()
	opt := &redis.Options{Addr: s.Addr, ContextTimeoutEnabled: true, Username: s.username, Password: s.password}
	for _, e := range edit {
		e(opt)
	}
	c := redis.NewClient(opt)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// LimitedUser and LimitedPassword are what a client made by [Server.As] uses.
const (
	LimitedUser     = "limited"
	LimitedPassword = "a-made-up-password" //nolint:gosec // an example, for a server on loopback
)

// As returns the same server for clients that are a Redis user with these rights, in the syntax of ACL
// SETUSER. Flush and Advance still use the default user.
func (s *Server) As(t testing.TB, rights ...string) *Server {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer c.Close()
	args := []any{"acl", "setuser", LimitedUser, "reset", "on", ">" + LimitedPassword}
	for _, r := range rights {
		args = append(args, r)
	}
	if err := c.Do(context.Background(), args...).Err(); err != nil {
		t.Fatalf("make a Redis user: %v", err)
	}
	return &Server{Addr: s.Addr, username: LimitedUser, password: LimitedPassword}
}

// URL returns the server's address as a redis:// URL.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Stop makes the server stop answering without closing its connections (SIGSTOP),
// until [Server.Continue].
func (s *Server) Stop(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Continue ends the effect of Stop.
func (s *Server) Continue(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(s.cmd.Process.Pid), "redis-server").Output()
	if err != nil {
		t.Fatalf("find the process of redis-server: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("find the process of redis-server: %v", err)
	}
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("send %v to redis-server: %v", sig, err)
	}
}

// Flush removes all keys and all scripts.
func (s *Server) Flush(t testing.TB) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer c.Close()
	if err := errors.Join(c.FlushAll(context.Background()).Err(), c.ScriptFlush(context.Background()).Err()); err != nil {
		t.Fatalf("flush redis-server: %v", err)
	}
}

// advanceScript subtracts ARGV[1] milliseconds from the time to live of every key.
const advanceScript = `for _,k in ipairs(redis.call('KEYS','*')) do
local left=redis.call('PTTL',k)
if left>=0 then redis.call('PEXPIRE',k,left-ARGV[1]) end end return 0`

// Advance makes every key that expires do so d earlier: the server's own clock cannot be moved.
func (s *Server) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer c.Close()
	if err := c.Eval(context.Background(), advanceScript, nil, d.Milliseconds()).Err(); err != nil {
		t.Fatalf("advance redis-server by %v: %v", d, err)
	}
}
