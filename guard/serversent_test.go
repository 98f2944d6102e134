package guard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// wire is a connection with the deadlines that a server sets.
type wire struct {
	http.ResponseWriter
	read, write time.Time
	broken      atomic.Bool
}

func (c *wire) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, io.ErrClosedPipe
	}
	return c.ResponseWriter.Write(p)
}

func (c *wire) SetReadDeadline(t time.Time) error  { c.read = t; return nil }
func (c *wire) SetWriteDeadline(t time.Time) error { c.write = t; return nil }
func (c *wire) Unwrap() http.ResponseWriter        { return c.ResponseWriter }

type sends = func(guard.ServerSentEvent) error

// streams mounts a stream at /live, and returns its connection and the error with which it ended.
func (w *world) streams(stream func(ctx context.Context, send sends) error) (c *wire, ended *error) {
	c, ended = &wire{read: time.Now(), write: time.Now()}, new(error)
	inner := w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		*ended = w.ServerSentEvents(rw, r, stream)
	}))
	w.mux.Handle("/live", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c.ResponseWriter = rw
		inner.ServeHTTP(c, r)
	}))
	return c, ended
}

func TestAStreamIsWrittenAsBrowsersReadIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, ended := w.streams(func(_ context.Context, send sends) error {
			return errors.Join(
				send(guard.ServerSentEvent{Data: "one"}),
				send(guard.ServerSentEvent{Name: "news", ID: "7", Data: "two\nlines\r\nor\rfour"}),
				send(guard.ServerSentEvent{}),
			)
		})
		got := w.loggedIn("joe@test.com").Get("/live")
		want := ": connected\n\ndata: one\n\nevent: news\nid: 7\ndata: two\ndata: lines\ndata: or\ndata: four\n\ndata: \n\n"
		if got.Text != want || *ended != nil {
			t.Errorf("got %q, %v, want %q", got.Text, *ended, want)
		}
		if proxy := got.Header.Get("X-Accel-Buffering"); proxy != "no" {
			t.Errorf("got X-Accel-Buffering %q, want no", proxy)
		}
		if kind, cache := got.Header.Get("Content-Type"), got.Header.Get("Cache-Control"); kind != "text/event-stream" || cache != "no-store" {
			t.Errorf("got %s, Cache-Control %s", kind, cache)
		}
		if !c.read.IsZero() || c.write != time.Now().Add(10*time.Second) {
			t.Errorf("got the deadlines %v and %v, want none and in ten seconds", c.read, c.write)
		}
	})
}

// TestWhatEndsAStream: what the client reads last, and what the handler returns.
func TestWhatEndsAStream(t *testing.T) {
	outage := errors.New("the broker is down")
	waits := func(ctx context.Context, _ sends) error { <-ctx.Done(); return ctx.Err() }
	for _, row := range []struct {
		name   string
		stream func(ctx context.Context, send sends) error
		ends   func(w *world, c *wire, leave func())
		last   string
		err    error
	}{
		{"a log-out", waits, func(w *world, _ *wire, _ func()) {
			if _, err := w.LogOutEverywhere(w.t.Context(), joe); err != nil {
				w.t.Error(err)
			}
		}, "event: end\ndata: revoked\n\n", nil},
		{"the browser leaves", waits, func(_ *world, _ *wire, leave func()) { leave() }, ": connected\n\n", nil},
		{"the line breaks, which a comment notices", waits, func(_ *world, c *wire, _ func()) {
			c.broken.Store(true)
			pass(16 * time.Second)
		}, ": connected\n\n", nil},
		{"two silent quarters of a minute", waits, func(_ *world, _ *wire, leave func()) {
			pass(31 * time.Second)
			leave()
		}, ": connected\n\n:\n\n:\n\n", nil},
		{"a log-out, which the stream does not notice", func(ctx context.Context, send sends) error {
			<-ctx.Done()
			return send(guard.ServerSentEvent{Data: "a secret"})
		}, func(w *world, _ *wire, _ func()) {
			if _, err := w.LogOutEverywhere(w.t.Context(), joe); err != nil {
				w.t.Error(err)
			}
		}, ": connected\n\nevent: end\ndata: revoked\n\n", nil},
		{"it has no more", func(_ context.Context, send sends) error { return send(guard.ServerSentEvent{Data: "all"}) },
			func(*world, *wire, func()) {}, "data: all\n\n", nil},
		{"it fails", func(context.Context, sends) error { return outage }, func(*world, *wire, func()) {}, ": connected\n\n", outage},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c, ended := w.streams(row.stream)
				b := w.loggedIn("joe@test.com")
				ctx, leave := context.WithCancel(t.Context())
				text := make(chan string, 1)
				go func() { text <- b.Do(b.Request("GET", "/live", "").WithContext(ctx)).Text }()
				synctest.Wait()
				row.ends(w, c, leave)
				if got := <-text; !strings.HasSuffix(got, row.last) {
					t.Errorf("got %q, want it to end in %q", got, row.last)
				}
				if !errors.Is(*ended, row.err) || row.err == nil && *ended != nil {
					t.Errorf("got %v, want %v", *ended, row.err)
				}
				leave()
			})
		})
	}
}

func TestAStreamIsRefused(t *testing.T) {
	w := newWorld(t)
	_, ended := w.streams(func(_ context.Context, send sends) error {
		for _, e := range []guard.ServerSentEvent{{Name: "a\nb"}, {ID: "a\rb"}, {ID: "a\x00b"}} {
			if err := send(e); err == nil {
				t.Errorf("%q was sent", e)
			}
		}
		return nil
	})
	w.mux.Handle("/plain", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		*ended = w.ServerSentEvents(struct{ http.ResponseWriter }{rw}, r, func(context.Context, sends) error { return nil })
	})))
	w.mux.Handle("/nobody", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		*ended = w.ServerSentEvents(rw, r, func(context.Context, sends) error { return nil })
	})))
	b := w.loggedIn("joe@test.com")
	if got := b.Get("/live").Text; got != ": connected\n\n" || *ended != nil {
		t.Errorf("events whose fields have line breaks: got %q, %v, want none", got, *ended)
	}
	if b.Get("/plain"); !errors.Is(*ended, http.ErrNotSupported) {
		t.Errorf("a writer that cannot flush: got %v", *ended)
	}
	if got := w.open().Get("/nobody").Text; got != "" || !errors.Is(*ended, strategy.ErrUnauthenticated) {
		t.Errorf("nobody: got %q, %v", got, *ended)
	}
	defer func() {
		if recover() == nil {
			t.Error("a nil function is accepted")
		}
	}()
	_ = w.ServerSentEvents(nil, nil, nil)
}

// TestHEADHasNoStream: a client takes the answer as complete, and sends the next request on the connection.
func TestHEADHasNoStream(t *testing.T) {
	w := newWorld(t)
	_, ended := w.streams(func(context.Context, sends) error {
		t.Error("the stream was called")
		return nil
	})
	b := w.loggedIn("joe@test.com")
	got := b.Do(b.Request("HEAD", "/live", ""))
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" || *ended != nil {
		t.Errorf("got %d, %v, %v", got.StatusCode, got.Header, *ended)
	}
}

// pipes is a listener without a network, so that a server runs on the clock of testing/synctest.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p <- server
	return client, nil
}

// TestASilentStreamStays: in HTTP/2 a deadline for writing ends a stream also while nothing is written.
func TestASilentStreamStays(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			late := func(ctx context.Context, send sends) error {
				select {
				case <-ctx.Done():
				case <-time.After(40 * time.Second):
				}
				return send(guard.ServerSentEvent{Data: "late"})
			}
			w.mux.Handle("/silent", w.RequireAuth(w.Handle(func(rw http.ResponseWriter, r *http.Request) error {
				return w.ServerSentEvents(rw, r, late)
			})))
			var protocols http.Protocols
			protocols.SetHTTP1(version == "HTTP/1.1")
			protocols.SetUnencryptedHTTP2(version == "HTTP/2.0")
			line := make(pipes)
			server := &http.Server{Handler: w.mux, Protocols: &protocols, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
			go func() { _ = server.Serve(line) }()
			defer server.Close() //nolint:errcheck // nothing is open any more
			client := &http.Client{Transport: &http.Transport{DialContext: line.dial, Protocols: &protocols}}
			defer client.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.example/silent", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.AddCookie(&http.Cookie{Name: sid, Value: w.loggedIn("joe@test.com").Cookie(sid)})
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			if answer.Proto != version || !strings.HasSuffix(string(text), "data: late\n\n") || err != nil {
				t.Errorf("got %q and %v by %s, want an event after 40 s by %s", text, err, answer.Proto, version)
			}
			_ = answer.Body.Close() // it was read
		})
	}
}

// TestShutdownEndsStreams: it waits for them to end, and they do, one after another and both at once.
func TestShutdownEndsStreams(t *testing.T) {
	w := newWorld(t)
	began := make(chan struct{})
	w.streams(nil)
	w.mux.Handle("/forever", w.RequireAuth(w.Handle(func(rw http.ResponseWriter, r *http.Request) error {
		return w.ServerSentEvents(rw, r, func(ctx context.Context, _ sends) error {
			began <- struct{}{}
			<-ctx.Done()
			return nil
		})
	})))
	cookie := w.loggedIn("joe@test.com").Cookie(sid)
	server := httptest.NewServer(w.mux)
	defer server.Close()
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/forever", nil)
			if err != nil {
				ended <- err
				return
			}
			r.AddCookie(&http.Cookie{Name: sid, Value: cookie})
			answer, err := server.Client().Do(r)
			if err == nil {
				_, err = io.ReadAll(answer.Body)
				err = errors.Join(err, answer.Body.Close())
			}
			ended <- err
		}()
		<-began
	}
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestAStreamOfABoundSessionEndsWithItsLifetime, so that the browser proves its key again.
func TestAStreamOfABoundSessionEndsWithItsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bindsDevices(w, func(d *session.DeviceBound) { d.Lifetime = 5 * time.Minute })
		began := time.Now()
		_, ended := w.streams(func(ctx context.Context, _ sends) error { <-ctx.Done(); return nil })
		if got := bound(t, w).Get("/live").Text; *ended != nil || strings.Contains(got, "event") || time.Since(began) != 5*time.Minute {
			t.Errorf("got %q, %v after %v, want only comments, and the end after 5m", got, *ended, time.Since(began))
		}
	})
}
