package session_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// The response writer together with others, outside and inside it.

func gzipped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }()
		next.ServeHTTP(gzipWriter{w, z}, r)
	})
}

type gzipWriter struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (g gzipWriter) Write(p []byte) (int, error) { return g.z.Write(p) }

func limited(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return http.TimeoutHandler(next, d, "late") }
}

// TestFilesOfAnUploadAreRemoved: net/http's server removes those of the request that it made; a middleware
// that passes on a copy would leave them.
func TestFilesOfAnUploadAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	files := func() int {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "name")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 11<<20)) // more than ParseMultipartForm keeps in memory
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	for name, panics := range map[string]bool{"a handler that returns": false, "a panic that is recovered from": true} {
		kept := 0
		srv, client := serve(t, newManager(t, newScripted(), plain), func(_ http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1); err != nil {
				t.Error(err)
			}
			if kept = files(); panics {
				panic("made up")
			}
		}, recovered)
		res, err := client.Post(srv.URL, form.FormDataContentType(), bytes.NewReader(body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		srv.Close() // after the last request has ended
		if kept != 1 || files() != 0 {
			t.Errorf("%s: %d files during the request and %d after it, want 1 and 0", name, kept, files())
		}
	}
}

// recovered answers 500 after a panic.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "panicked", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// TestThePatternOfAMuxInsideIsSeenOutside by middlewares that count and trace requests.
func TestThePatternOfAMuxInsideIsSeenOutside(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("GET", "/orders/7", nil)
	newManager(t, newScripted()).Handler(mux).ServeHTTP(newRecorder(), r)
	if r.Pattern != "GET /orders/{id}" {
		t.Errorf("got the pattern %q, want GET /orders/{id}", r.Pattern)
	}
}

func TestTimeoutHandlerInside(t *testing.T) {
	for _, row := range []struct {
		name   string
		limit  time.Duration
		handle http.HandlerFunc
		status int
		body   string
	}{
		{"in time", time.Minute, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }, 200, "x"},
		{"too late", time.Millisecond, func(http.ResponseWriter, *http.Request) { <-t.Context().Done() }, 503, "late"},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			srv, client := serve(t, newManager(t, st, plain), limited(row.limit)(row.handle).ServeHTTP)
			res, err := client.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != row.status || string(body) != row.body || len(res.Cookies()) != 1 || len(st.ids()) != 1 {
				t.Errorf("got %d %q, cookies %q, %d records", res.StatusCode, body, res.Header["Set-Cookie"], len(st.ids()))
			}
		})
	}
}

func TestFailedCommitAmongOtherWriters(t *testing.T) {
	leak := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Secret", "handler's")
		fmt.Fprint(w, "handler's")
	})
	for _, row := range []struct {
		name            string
		outside, inside func(http.Handler) http.Handler
	}{
		{"gzip outside", gzipped, nil},
		{"gzip inside", nil, gzipped},
		{"TimeoutHandler outside", limited(time.Minute), nil},
		{"TimeoutHandler inside", nil, limited(time.Minute)},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newScripted()
			st.before = func(_ context.Context, c call) sessiontest.Fate {
				if c.Op == "Create" {
					return sessiontest.Fail
				}
				return sessiontest.Pass
			}
			var handle http.Handler = leak
			if row.inside != nil {
				handle = row.inside(leak)
			}
			var wrap []func(http.Handler) http.Handler
			if row.outside != nil {
				wrap = append(wrap, row.outside)
			}
			srv, client := serve(t, newManager(t, st, plain), handle.ServeHTTP, wrap...)
			res, err := client.Get(srv.URL) // decompresses gzip
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != 503 || strings.Contains(string(body), "handler's") || !strings.Contains(string(body), "could not be saved") {
				t.Errorf("got %d %q, error %v", res.StatusCode, body, err)
			}
			if res.Header.Get("X-Secret") != "" || len(res.Cookies()) != 0 {
				t.Errorf("header: %v", res.Header)
			}
		})
	}
}

// fileWatcher records what its ReadFrom gets: net/http sends an *os.File without copying it through the
// program.
type fileWatcher struct {
	http.ResponseWriter
	file *bool
}

func (w fileWatcher) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		r = l.R
	}
	_, *w.file = r.(*os.File)
	return io.Copy(w.ResponseWriter, r)
}

func TestAFileReachesSendfile(t *testing.T) {
	file := false
	watch := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(fileWatcher{w, &file}, r) })
	}
	srv, client := serve(t, newManager(t, newScripted(), plain),
		func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/hello.txt") }, watch)
	res, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if string(body) != "hello\n" || !file || len(res.Cookies()) != 1 {
		t.Errorf("got %q, a file for ReadFrom: %t, cookies %q", body, file, res.Header["Set-Cookie"])
	}
}

func TestAClientThatIsGoneBeforeTheCommit(t *testing.T) {
	st := newScripted()
	m := newManager(t, st, plain)
	done := make(chan struct{})
	came := make(chan struct{})
	srv := httptest.NewServer(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		defer close(done)
		close(came)
		<-r.Context().Done() // net/http has seen that the client is gone
		if err := do(r.Context(), m, "login 1"); err != nil {
			t.Error(err)
		}
	})))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-came; cancel() }()
	r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	if res, err := srv.Client().Do(r); err == nil {
		res.Body.Close()
		t.Error("the request was answered")
	}
	<-done
	srv.Close() // waits for the commit
	if len(st.ids()) != 1 {
		t.Errorf("%d records, want the log-in's", len(st.ids()))
	}
}

// TestAPushIsNoByteOfTheAnswer uses HTTP/2 directly (RFC 9113), because Go's client refuses pushes.
func TestAPushIsNoByteOfTheAnswer(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	srv := httptest.NewUnstartedServer(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			return
		}
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if err := text.Set(s, "v"); err != nil {
			t.Error(err)
		}
		if err := w.(http.Pusher).Push("/style.css", nil); err != nil {
			t.Errorf("Push: %v", err)
		}
		if err := text.Set(s, "after the push"); err != nil || len(st.ids()) != 0 {
			t.Errorf("after the push: %d records and error %v, want 0 and a change", len(st.ids()), err)
		}
	})))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	conn, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) //nolint:gosec // a test server's certificate
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// The preface, empty SETTINGS, and HEADERS of stream 1: GET https / (RFC 7541 appendix A).
	request := []byte{0x82, 0x87, 0x84, 0x41, 1, 'x'}
	hello := bytes.Join([][]byte{[]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, nil), frame(1, 0x5, 1, request)}, nil)
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	pushed := false
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			t.Fatalf("no answer, a push: %t: %v", pushed, err)
		}
		body := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(conn, body); err != nil {
			t.Fatal(err)
		}
		switch stream := binary.BigEndian.Uint32(head[5:]); {
		case head[3] == 5: // PUSH_PROMISE
			pushed = true
		case head[3] == 1 && stream == 1: // the answer's HEADERS
			if !pushed {
				t.Error("the answer came without a push")
			}
			return
		}
	}
}

// frame returns an HTTP/2 frame.
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	f := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind)) //nolint:gosec // short
	f = append(f, flags)
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}
