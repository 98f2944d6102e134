//go:build integration

package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// streamsOn is the environment variable that makes this test binary a program with streams. Its value is
// the store of the sessions: "memory", or the kind of a Redis and its addresses.
const streamsOn = "PASSPORT_TEST_STREAMS_ON"

// storeAt returns the store described by where.
func storeAt(where string) (session.Store, error) {
	kind, list, _ := strings.Cut(where, " ")
	addrs := strings.Fields(list)
	var client store.RedisClient
	cfg := store.RedisConfig{Name: "test", Notify: true}
	switch kind {
	case "memory":
		m, err := store.Memory(store.MemoryConfig{})
		if err != nil {
			return nil, err
		}
		return m.Sessions, nil
	case "redis":
		client = redis.NewClient(&redis.Options{Addr: addrs[0], ContextTimeoutEnabled: true})
	case "cluster":
		cfg.Replicas = 1 // every write is confirmed by the replica that may take over
		client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ContextTimeoutEnabled: true})
	case "sentinel":
		cfg.Replicas = 1
		client = redis.NewFailoverClient(&redis.FailoverOptions{MasterName: redistest.MasterName, SentinelAddrs: addrs, ContextTimeoutEnabled: true})
	default:
		return nil, fmt.Errorf("%s: unknown kind of store", kind)
	}
	r, err := store.Redis(client, cfg)
	if err != nil {
		return nil, err
	}
	return r.Sessions, nil
}

// serveStreams runs the program: it prints its URL and serves until its standard input ends.
func serveStreams(where string) error {
	st, err := storeAt(where)
	if err != nil {
		return err
	}
	sessions, err := session.New(session.Config{Store: st, Codec: session.SecureCookie("a made-up secret of 32 bytes or more"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	users := serializer.ByID(func(u string) string { return u }, func(_ context.Context, id string) (string, error) { return id, nil })
	auth, err := guard.New(guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)}, users, strategy.NewLocal(func(_ context.Context, email, _ string) (string, error) { return email, nil }))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	done := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(done)))
	mux.Handle("POST /logout", auth.LogOut(done))
	mux.HandleFunc("POST /everywhere", func(w http.ResponseWriter, r *http.Request) {
		n, err := auth.LogOutEverywhere(r.Context(), "everywhere")
		if err != nil {
			http.Error(w, "some sessions were not ended", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, n)
	})
	mux.Handle("POST /renew", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = s.Renew(r.Context())
		}
		if err != nil {
			auth.Error(w, r, err)
		}
	})))
	mux.Handle("GET /live", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := auth.Watch(r.Context())
		if err != nil {
			auth.Error(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-ctx.Done()
		if ended, ok := errors.AsType[*guard.LogInEnded](context.Cause(ctx)); ok {
			fmt.Fprintf(w, "event: end\ndata: %s\n\n", ended.Reason)
		}
	})))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// program is a process with streams.
type program struct {
	url  string
	http *http.Client
}

// startStreams starts the program in a process of its own, until the test ends.
func startStreams(t *testing.T, where string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := subprocess.Command(t, 0, self)
	cmd.Env = append(os.Environ(), streamsOn+"="+where)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // its standard input ends when this process dies
		t.Fatal(err)
	}
	lines, err := subprocess.Lines(cmd, subprocess.Start)
	if err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() {
		t.Fatalf("the program printed nothing: %v", lines.Err())
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &program{lines.Text(), &http.Client{Transport: transport, Timeout: time.Minute}}
}

// visitor is a browser with one cookie.
type visitor struct{ cookie string }

// post makes a request of v and returns its status, 0 if there was no response, and its text.
func (p *program) post(ctx context.Context, v *visitor, path string, form url.Values) (status int, text string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	a, err := p.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return 0, err.Error()
	}
	for _, c := range a.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	return a.StatusCode, string(body)
}

// closing is how a stream ended.
type closing struct {
	at     time.Time
	reason string // from its last event
}

// stream opens a stream of v, on a connection of its own, and returns when the response has begun. At the
// stream's end, ended receives its last event.
func (p *program) stream(ctx context.Context, v *visitor) (ended <-chan closing, err error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	if _, err := fmt.Fprintf(c, "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\nConnection: close\r\n\r\n", v.cookie); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(c, 256)
	for first := true; ; first = false {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if first && !strings.Contains(line, " 200 ") {
			return nil, fmt.Errorf("the stream's response is %q", strings.TrimSpace(line))
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	here := make(chan closing, 1)
	go func() {
		defer stop()
		defer c.Close()
		end := closing{}
		for {
			line, err := in.ReadString('\n')
			if reason, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
				end = closing{time.Now(), reason}
			}
			if err != nil {
				if end.reason == "" {
					end.at = time.Now()
				}
				here <- end
				return
			}
		}
	}()
	return here, nil
}
