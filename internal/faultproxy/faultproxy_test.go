package faultproxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// start returns a proxy in front of a server, and a client without retries.
func start(t *testing.T) (*miniredis.Miniredis, *faultproxy.Proxy, *redis.Client) {
	t.Helper()
	m := miniredis.RunT(t)
	p := faultproxy.New(t, m.Addr())
	c := redis.NewClient(&redis.Options{Addr: p.Addr(), MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { c.Close() })
	return m, p, c
}

func isSet(c faultproxy.Command) bool { return c.Is("set") }

func TestCommandsAndRepliesPassUnchanged(t *testing.T) {
	_, p, c := start(t)
	ctx := t.Context()
	value := strings.Repeat("\x00\r\n$5\r\n*2\r\n", 5000)
	if err := c.Set(ctx, "key", value, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(ctx, "key").Result(); got != value || err != nil {
		t.Errorf("Get: got %d bytes and error %v, want the %d that were set", len(got), err, len(value))
	}
	if err := c.HSet(ctx, "hash", "a", "1", "b", "2").Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.HGetAll(ctx, "hash").Result(); len(got) != 2 || got["b"] != "2" || err != nil {
		t.Errorf("HGetAll: got %v and error %v, want two fields", got, err)
	}
	if _, err := c.Get(ctx, "nothing").Result(); !errors.Is(err, redis.Nil) {
		t.Errorf("Get of nothing: got error %v, want Nil", err)
	}
	if _, err := c.HGetAll(ctx, "key").Result(); err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		t.Errorf("HGetAll of a string: got error %v, want the server's", err)
	}
	cmds, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range 100 {
			pipe.Set(ctx, fmt.Sprint(i), i, 0)
			pipe.Get(ctx, fmt.Sprint(i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if got := cmds[2*i+1].(*redis.StringCmd).Val(); got != fmt.Sprint(i) {
			t.Errorf("Get %d in a pipeline: got %q", i, got)
		}
	}
	if n := len(p.Seen(isSet)); n != 101 {
		t.Errorf("the proxy has seen %d SETs, want 101", n)
	}
}

func TestACommandMeetsItsFate(t *testing.T) {
	for _, row := range []struct {
		name     string
		fate     faultproxy.Manner
		executed bool
		answer   string
	}{
		{"Pass", faultproxy.Pass, true, "+OK\r\n"},
		{"Refuse", faultproxy.Refuse, false, ""},
		{"Reset", faultproxy.Reset, false, ""},
		{"Swallow", faultproxy.Swallow, true, "silence"},
		{"CutReply", faultproxy.CutReply, true, ""},
		{"Halve", faultproxy.Halve, true, "+O"},
		{"Garble", faultproxy.Garble, true, "\x16\x03\x01 this is no reply\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, p, _ := start(t)
			p.Faults(func(c faultproxy.Command) faultproxy.Manner {
				if isSet(c) {
					return row.fate
				}
				return faultproxy.Pass
			})
			conn, err := net.Dial("tcp", p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"); err != nil {
				t.Fatal(err)
			}
			if row.answer == "silence" {
				// A second command is executed after the first, and is not answered either.
				if _, err := io.WriteString(conn, "*3\r\n$5\r\nLPUSH\r\n$4\r\ndone\r\n$1\r\nx\r\n"); err != nil {
					t.Fatal(err)
				}
				await(t, func() bool { return m.Exists("done") })
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				row.answer = ""
			}
			want := row.answer
			got := make([]byte, len(want))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
				t.Errorf("answer: got %q and error %v, want %q", got, err, want)
			}
			if row.fate != faultproxy.Pass && row.fate != faultproxy.Garble {
				if rest, err := io.ReadAll(conn); len(rest) != 0 || (err != nil) != (row.fate == faultproxy.Reset) {
					t.Errorf("after the answer: got %q and error %v, want the end of the connection", rest, err)
				}
			}
			if got := m.Exists("a"); got != row.executed || got != (row.fate.Fate() != sessiontest.Fail) {
				t.Errorf("executed: got %t, want %t, as its fate says: %v", got, row.executed, row.fate.Fate())
			}
		})
	}
}

// TestAHeldCommandIsExecutedAfterItsClientIsGone: it was delayed in the network.
func TestAHeldCommandIsExecutedAfterItsClientIsGone(t *testing.T) {
	m, p, c := start(t)
	held, release := make(chan struct{}), make(chan struct{})
	p.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if isSet(c) {
			close(held)
			<-release
		}
		return faultproxy.Pass
	})
	done := make(chan error, 1)
	go func() { done <- c.Set(context.Background(), "a", "b", 0).Err() }()
	<-held
	if m.Exists("a") {
		t.Error("the SET was executed while it was held")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	close(release)
	await(t, func() bool { return m.Exists("a") })
	<-done //nolint:errcheck // its reply is lost either way
}

func TestDownRefusesAllUntilUp(t *testing.T) {
	_, p, c := start(t)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.Down()
	for range 3 {
		if err := c.Ping(t.Context()).Err(); err == nil {
			t.Error("Ping while the proxy is down: got no error")
		}
	}
	p.Up()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("Ping when the proxy is up: %v", err)
	}
}

func TestCutEndsOpenConnections(t *testing.T) {
	_, p, _ := start(t)
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 {
		if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := in.ReadString('\n'); line != "+PONG\r\n" || err != nil {
			t.Errorf("PING: got %q and error %v", line, err)
		}
	}
	p.Cut()
	if rest, err := io.ReadAll(in); len(rest) != 0 {
		t.Errorf("after Cut: got %q and error %v, want the end of the connection", rest, err)
	}
}

func TestIsLooksAtTheNameAndAtWords(t *testing.T) {
	set := faultproxy.Command{"set", "sess:id", "px", "data", "nx", "px", "1000"}
	for _, row := range []struct {
		name  string
		words []string
		want  bool
	}{
		{"SET", nil, true},
		{"SET", []string{"NX"}, true},
		{"set", []string{"nx", "PX"}, true},
		{"SET", []string{"XX"}, false},
		{"SET", []string{"SET"}, false},
		{"GET", nil, false},
		{"SE", nil, false},
	} {
		if got := set.Is(row.name, row.words...); got != row.want {
			t.Errorf("Is(%q, %q): got %t, want %t", row.name, row.words, got, row.want)
		}
	}
	if (faultproxy.Command{}).Is("SET") {
		t.Error("no command is SET")
	}
}

// await polls until ok.
func await(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the condition never became true")
		}
	}
}

// TestPushesAnswerNoCommand: RESP3's message that a cached key changed comes between replies.
func TestPushesAnswerNoCommand(t *testing.T) {
	const push, reply = ">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n", "|1\r\n+ttl\r\n:1\r\n%1\r\n+x\r\n~2\r\n#t\r\n_\r\n"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 64)); err == nil {
			_, _ = io.WriteString(conn, push+reply+push)
			_, _ = conn.Read(make([]byte, 64))
		}
	}()
	p := faultproxy.New(t, l.Addr().String())
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.Faults(func(faultproxy.Command) faultproxy.Manner { return faultproxy.Garble })
	if _, err := io.WriteString(conn, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"); err != nil {
		t.Fatal(err)
	}
	want := push + "\x16\x03\x01 this is no reply\r\n" + push
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("got %q and error %v, want the pushes whole and the reply garbled", got, err)
	}
}

func TestWhatIsNoCommandEndsTheConnection(t *testing.T) {
	for _, line := range []string{"GET a\r\n", "*x\r\n", "*-1\r\n", "*1\r\n:5\r\n", "\r\n"} {
		_, p, _ := start(t)
		conn, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, line); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(conn); len(rest) != 0 {
			t.Errorf("%q: got %q and error %v, want the end of the connection", line, rest, err)
		}
		conn.Close()
	}
}
