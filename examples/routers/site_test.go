package main_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	routers "github.com/seed-6f34412b/passport/examples/routers"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/password"
)

func init() { gin.SetMode(gin.ReleaseMode) } //nolint:gochecknoinits // gin knows one mode for the process

const (
	trusted = "https://spa.example"
	foreign = "https://evil.example"
)

// site is the application on one router, behind a server on loopback.
type site struct {
	*testing.T
	router    string
	app       *routers.App
	url       string
	log       *buffer
	server    *httptest.Server
	broken    atomic.Bool            // the store refuses to write
	transport func() *http.Transport // makes that of a visitor; nil for the usual one
	two       bool                   // visitors speak HTTP/2
}

// open starts the application on a router. around, if not nil, goes around the router, and inside between
// RequireAuth and the handlers.
func open(t *testing.T, router string, around, inside func(http.Handler) http.Handler) *site {
	t.Helper()
	s := &site{T: t, router: router, log: &buffer{}}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	gate := sessiontest.NewGate(memory.Sessions)
	gate.Before = func(_ context.Context, c sessiontest.Call) sessiontest.Fate {
		if s.broken.Load() && c.Op != "Get" {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
	s.build(routers.Settings{Store: gate.Store(), InsecureHTTP: true, Inside: inside})
	handler := routers.Routers[router](s.app)
	if around != nil {
		handler = around(handler)
	}
	s.server = httptest.NewServer(handler)
	t.Cleanup(s.server.Close)
	s.url = s.server.URL
	return s
}

// build makes the application, with what is the same in all tests.
func (s *site) build(o routers.Settings) {
	s.Helper()
	o.Secret, o.Hasher = strings.Repeat("a secret of a test ", 2), &password.Bcrypt{Cost: 4, InsecureFast: true}
	o.Log, o.Origin = slog.New(slog.NewTextHandler(s.log, nil)), trusted
	var err error
	if s.app, err = routers.NewApp(o); err != nil {
		s.Fatal(err)
	}
}

// visitor is a browser.
type visitor struct {
	*site
	client *http.Client
}

func (s *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	if s.transport != nil {
		transport = s.transport()
	}
	s.Cleanup(transport.CloseIdleConnections)
	return &visitor{s, &http.Client{Timeout: 15 * time.Second, Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// twin is another browser with the same cookies.
func (v *visitor) twin() *visitor {
	w := v.visitor()
	base, err := url.Parse(v.url)
	if err != nil {
		v.Fatal(err)
	}
	w.client.Jar.SetCookies(base, v.client.Jar.Cookies(base))
	return w
}

// answer is a response with its body.
type answer struct {
	*http.Response
	text string
}

func (v *visitor) send(r *http.Request) answer {
	v.Helper()
	res, err := v.client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		v.Fatal(err)
	}
	return answer{res, string(text)}
}

// request builds a request for one of the application's pages, by its name: for connect that is the call of
// a procedure.
func (v *visitor) request(page string) *http.Request {
	method, path, body, kind := http.MethodGet, "/app/"+page, "", ""
	name, query, _ := strings.Cut(page, "?")
	switch name {
	case "note", "login", "logout":
		method, body, kind = http.MethodPost, query, "application/x-www-form-urlencoded"
	case "api/login":
		method, body, kind = http.MethodPost, `{"email":"joe@example.com","password":"password1"}`, "application/json"
	}
	if procedure, ok := procedures[name]; ok && v.router == "connect" {
		method, path, kind = http.MethodPost, routers.Service+procedure, "application/json"
		switch name {
		case "note":
			body = `"` + query + `"`
		case "api/login":
		case "events": // a stream has an envelope around each message
			kind, body = "application/connect+json", string(binary.BigEndian.AppendUint32([]byte{0}, 2))+"{}"
		default:
			body = "{}"
		}
	}
	r, err := http.NewRequestWithContext(v.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if kind == "application/json" {
		r.Header.Set("Connect-Timeout-Ms", "60000")
	}
	return r
}

// procedures are connect's names of pages.
var procedures = map[string]string{"me": "Me", "note": "Note", "page": "Page", "panic": "Panic", "slow": "Slow", "events": "Events", "api/login": "LogIn", "logout": "LogOut"}

func (v *visitor) get(page string) answer { v.Helper(); return v.send(v.request(page)) }

const form = "email=joe%40example.com&password=password1"

func (v *visitor) logIn() {
	v.Helper()
	v.get("api/login").want(v.T, http.StatusOK, "joe@example.com")
}

func (a answer) want(t *testing.T, status int, part string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.text, part) {
		t.Fatalf("%s %s: got %d %.200q, want %d and a text with %q", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.text, status, part)
	}
}

// wantNothing fails unless a is the 503 of a commit that failed: a problem document and not a byte of the
// handler's, nor a cookie.
func (a answer) wantNothing(t *testing.T) {
	t.Helper()
	a.want(t, http.StatusServiceUnavailable, "")
	if !strings.HasPrefix(a.text, `{"type":"about:blank","title":"Service Unavailable"`) || !strings.HasSuffix(strings.TrimSpace(a.text), "}") || strings.Count(a.text, "{") != 1 {
		t.Fatalf("%s: got the body %q, want a problem document alone", a.Request.URL.Path, a.text)
	}
	for _, c := range a.Cookies() {
		if c.Name == "sid" {
			t.Fatalf("%s: got the cookie %s, want none", a.Request.URL.Path, c)
		}
	}
}

// buffer is a log that may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
