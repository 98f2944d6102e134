package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// serve starts a real server for h, before which a value is set in the session, and returns a client with a
// cookie jar.
func serve(t *testing.T, m *session.Manager, h http.HandlerFunc, wrap ...func(http.Handler) http.Handler) (*httptest.Server, *http.Client) {
	t.Helper()
	handler := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if err := text.Set(s, "v"); err != nil {
			t.Error(err)
		}
		h(w, r)
	}))
	for _, f := range wrap {
		handler = f(handler)
	}
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return srv, &http.Client{Jar: jar}
}

func plain(c *session.Config) { c.InsecureHTTP = true }

func TestCookieIsNeverLost(t *testing.T) {
	for _, row := range []struct {
		name   string
		handle http.HandlerFunc
		wrap   func(http.Handler) http.Handler
		status int
		body   string
	}{
		{"a handler that writes nothing", func(http.ResponseWriter, *http.Request) {}, nil, 200, ""},
		{"WriteHeader alone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, nil, 204, ""},
		{"Write alone", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }, nil, 200, "x"},
		{"WriteString", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") }, nil, 200, "x"},
		{"WriteHeader twice", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, nil, 201, ""},
		{"Flush first", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); fmt.Fprint(w, "x") }, nil, 200, "x"},
		{"ResponseController's Flush first", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
			fmt.Fprint(w, "x")
		}, nil, 200, "x"},
		{"ReadFrom", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("x")) }, nil, 200, "x"},
		{"a file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/hello.txt") }, nil, 200, "hello\n"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/done", http.StatusSeeOther) }, nil, 303, ""},
		{"an early hint first", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "x")
		}, nil, 200, "x"},
		{"server-sent events", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				w.(http.Flusher).Flush()
			}
		}, nil, 200, "data: 0\n\ndata: 1\n\ndata: 2\n\n"},
		{"TimeoutHandler outside", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") },
			func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "late") }, 200, "x"},
		{"gzip outside", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }, gzipped, 200, "x"},
		{"gzip inside", func(w http.ResponseWriter, r *http.Request) {
			gzipped(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") })).ServeHTTP(w, r)
		}, nil, 200, "x"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			var wrap []func(http.Handler) http.Handler
			if row.wrap != nil {
				wrap = append(wrap, row.wrap)
			}
			srv, client := serve(t, newManager(t, st, plain), row.handle, wrap...)
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			res, err := client.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != row.status || row.body != "" && string(body) != row.body {
				t.Errorf("got %d %q, want %d %q", res.StatusCode, body, row.status, row.body)
			}
			if len(res.Cookies()) != 1 || res.Cookies()[0].Name != "sid" {
				t.Errorf("Set-Cookie: %q", res.Header["Set-Cookie"])
			}
			if len(st.ids()) != 1 {
				t.Errorf("%d records", len(st.ids()))
			}
			if got := res.Header.Get("Vary"); !strings.Contains(got, "Cookie") {
				t.Errorf("Vary: %q", got)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %q", got)
			}
		})
	}
}

func TestEarlyHintsDoNotCommit(t *testing.T) {
	st := newScripted()
	srv, client := serve(t, newManager(t, st, plain), func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		s, _ := session.FromContext(r.Context())
		if err := text.Set(s, "after the hint"); err != nil {
			t.Error(err)
		}
	})
	hints := 0
	trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hints++
		if len(h["Set-Cookie"]) != 0 {
			t.Error("the hint carries the cookie")
		}
		return nil
	}}
	r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", srv.URL, nil)
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if hints != 1 || len(res.Cookies()) != 1 || !strings.Contains(st.record(st.ids()[0]), "after the hint") {
		t.Errorf("%d hints, cookies %q", hints, res.Header["Set-Cookie"])
	}
}

func TestHijackCommitsFirst(t *testing.T) {
	st := newScripted()
	srv, _ := serve(t, newManager(t, st, plain), func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		cookie := w.Header().Get("Set-Cookie")
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nSet-Cookie: %s\r\n\r\nhi", cookie)
	})
	u, _ := url.Parse(srv.URL)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // a 101 has none
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 101 || len(res.Cookies()) != 1 || len(st.ids()) != 1 {
		t.Errorf("got %d, cookies %q, %d records", res.StatusCode, res.Header["Set-Cookie"], len(st.ids()))
	}
}

func TestFailedCommitLetsNothingOut(t *testing.T) {
	leak := func(w http.ResponseWriter) {
		w.Header().Set("X-Secret", "handler's")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "other=handler's")
	}
	for _, row := range []struct {
		name   string
		handle http.HandlerFunc
	}{
		{"Write", func(w http.ResponseWriter, _ *http.Request) {
			leak(w)
			if _, err := io.WriteString(w, "handler's"); err == nil {
				t.Error("WriteString reported success")
			}
			if _, err := w.Write([]byte("handler's")); err == nil {
				t.Error("Write reported success")
			}
		}},
		{"WriteHeader", func(w http.ResponseWriter, _ *http.Request) { leak(w); w.WriteHeader(201); w.WriteHeader(100) }},
		{"Flush", func(w http.ResponseWriter, _ *http.Request) { leak(w); w.(http.Flusher).Flush() }},
		{"ReadFrom", func(w http.ResponseWriter, _ *http.Request) {
			leak(w)
			if _, err := io.Copy(w, strings.NewReader("handler's")); err == nil {
				t.Error("ReadFrom reported success")
			}
		}},
		{"Hijack", func(w http.ResponseWriter, _ *http.Request) {
			leak(w)
			if _, _, err := w.(http.Hijacker).Hijack(); err == nil {
				t.Error("Hijack reported success")
			}
		}},
		{"Push", func(w http.ResponseWriter, _ *http.Request) {
			leak(w)
			if w.(http.Pusher).Push("/x", nil) == nil {
				t.Error("Push reported success")
			}
		}},
		{"returning", func(w http.ResponseWriter, _ *http.Request) { leak(w) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			st.before = func(_ context.Context, c call) sessiontest.Fate {
				if c.Op == "Create" {
					return sessiontest.Fail
				}
				return sessiontest.Pass
			}
			outer := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Outer", "stays")
					next.ServeHTTP(w, r)
				})
			}
			srv, client := serve(t, newManager(t, st, plain), row.handle, outer)
			res, err := client.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusServiceUnavailable || strings.Contains(string(body), "handler's") {
				t.Errorf("got %d %q", res.StatusCode, body)
			}
			if res.Header.Get("X-Secret") != "" || len(res.Cookies()) != 0 || res.Header.Get("X-Outer") != "stays" {
				t.Errorf("header: %v", res.Header)
			}
		})
	}
}

func TestPanicCommitsNothing(t *testing.T) {
	st := newScripted()
	srv, client := serve(t, newManager(t, st, plain), func(http.ResponseWriter, *http.Request) { panic("x") }, recovered)
	res, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 500 || len(res.Cookies()) != 0 || len(st.ids()) != 0 {
		t.Errorf("got %d, cookies %q, %d records", res.StatusCode, res.Header["Set-Cookie"], len(st.ids()))
	}
}

func TestChangeAfterTheResponseStartedIsAnError(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(w, "started")
		for name, change := range map[string]func() error{
			"Set":        func() error { return text.Set(s, "late") },
			"Update":     func() error { return count.Update(s, func(n int) (int, error) { return n + 1, nil }) },
			"Renew":      func() error { return s.Renew(r.Context()) },
			"Regenerate": func() error { return s.Regenerate(r.Context()) },
			"Destroy":    func() error { return s.Destroy(r.Context()) },
			"Flash":      func() error { return s.Flash("a", "b") },
			"SetMaxAge":  func() error { return s.SetMaxAge(time.Hour) },
			"Save":       func() error { return s.Save(r.Context()) },
			"LogIn":      func() error { return do(r.Context(), m, "login 1") },
			"LogOut":     func() error { return do(r.Context(), m, "logout") },
		} {
			if err := change(); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("%s after the response started: %v, want ErrCommitted", name, err)
			}
		}
	}))
	w := newRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if len(st.ids()) != 0 {
		t.Error("a change was stored")
	}
}

func TestAClientThatHangsUpKeepsItsLogIn(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	ctx, cancel := context.WithCancel(t.Context())
	h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := do(r.Context(), m, "login 1"); err != nil {
			t.Error(err)
		}
		cancel()
	}))
	w := newRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if w.Code != 200 || len(st.ids()) != 1 || w.Header().Get("Set-Cookie") == "" {
		t.Errorf("got %d, %d records", w.Code, len(st.ids()))
	}
}

func TestHTTP2AndHTTP10(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	srv := httptest.NewUnstartedServer(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := session.FromContext(r.Context())
		if err := text.Set(s, r.Proto); err != nil {
			t.Error(err)
		}
		if p, ok := w.(http.Pusher); !ok || p.Push("/x", nil) == nil {
			t.Error("Push: want a Pusher that this client refuses")
		}
		if _, _, err := w.(http.Hijacker).Hijack(); err == nil {
			t.Error("Hijack succeeded over HTTP/2")
		}
	})))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Proto != "HTTP/2.0" || len(res.Cookies()) != 1 {
		t.Errorf("%s, cookies %q", res.Proto, res.Header["Set-Cookie"])
	}

	old, _ := serve(t, newManager(t, st, plain), func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	conn, err := net.Dial("tcp", strings.TrimPrefix(old.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	if !strings.Contains(string(answer), "\r\nSet-Cookie: sid=") || !strings.HasSuffix(string(answer), "HTTP/1.0") {
		t.Errorf("HTTP/1.0 answer: %q", answer)
	}
}
