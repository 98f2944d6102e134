package main_test

import (
	"compress/gzip"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// behaviours are what has to hold on every router, in the order of the table.
var behaviours = []struct {
	name string
	run  func(*testing.T, string)
}{
	{"log-in by form", logInByForm},
	{"log-in by JSON", logInByJSON},
	{"log-out", logOut},
	{"return-to", returnTo},
	{"flash messages", flash},
	{"a failed commit: 503 and not a byte", failedCommit},
	{"server-sent events", events},
	{"WebSocket", socket},
	{"uploads", upload},
	{"a panic, with the router's recovery", panics},
	{"groups and prefixes", groups},
	{"CORS with credentials", cors},
	{"compression", compression},
	{"time limits", timeLimits},
	{"access log with the user", accessLog},
	{"otelhttp outside", otelOutside},
	{"otelhttp inside", otelInside},
}

func logInByForm(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	v.get("login?email=joe%40example.com&password=wrong").want(t, http.StatusUnauthorized, "")
	v.get("me").want(t, http.StatusUnauthorized, "")
	a := v.get("login?" + form)
	a.want(t, http.StatusSeeOther, "")
	if to := a.Header.Get("Location"); to != "/app/me" {
		t.Fatalf("the log-in leads to %q, want /app/me", to)
	}
	v.get("me").want(t, http.StatusOK, "joe@example.com")
}

func logInByJSON(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	a := v.get("api/login")
	a.want(t, http.StatusOK, "hello joe@example.com")
	if len(a.Cookies()) == 0 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got the header %v, want a cookie that no cache keeps", a.Header)
	}
	v.get("me").want(t, http.StatusOK, "joe@example.com")
}

func logOut(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	v.logIn()
	thief := v.twin()
	a := v.get("logout")
	if a.StatusCode != http.StatusSeeOther && (router != "connect" || a.StatusCode != http.StatusOK) {
		t.Fatalf("log-out: got %d %q, want 303", a.StatusCode, a.text)
	}
	if c := a.Cookies(); len(c) == 0 || c[0].MaxAge >= 0 && c[0].Expires.Year() > 1970 {
		t.Fatalf("log-out: got the cookies %v, want one that expires", c)
	}
	v.get("me").want(t, http.StatusUnauthorized, "")
	thief.get("me").want(t, http.StatusUnauthorized, "")
}

func returnTo(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	for _, row := range []struct{ to, want string }{{"/app/page", "/app/page"}, {"//evil.example", "/app/me"}} {
		a := v.get("login?" + form + "&return_to=" + row.to)
		a.want(t, http.StatusSeeOther, "")
		if got := a.Header.Get("Location"); got != row.want {
			t.Fatalf("return_to=%s leads to %q, want %q", row.to, got, row.want)
		}
	}
}

func flash(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	v.get("login?"+form).want(t, http.StatusSeeOther, "")
	v.get("me").want(t, http.StatusOK, "joe@example.com welcome")
	if a := v.get("me"); strings.Contains(a.text, "welcome") {
		t.Fatalf("the second time: got %q, want no flash message", a.text)
	}
}

func failedCommit(t *testing.T, router string) {
	s := open(t, router, nil, nil)
	v := s.visitor()
	s.broken.Store(true)
	v.get("api/login").wantNothing(t)
	s.broken.Store(false)
	v.logIn()
	v.get("note?milk").want(t, http.StatusOK, "notes: 1")
	s.broken.Store(true)
	v.get("note?bread").wantNothing(t)
	v.get("logout").wantNothing(t)
	v.get("me").want(t, http.StatusOK, "joe@example.com") // an outage logs nobody out
	s.broken.Store(false)
	v.get("note?tea").want(t, http.StatusOK, "notes: 2")
	if got := strings.Count(s.log.String(), "session: not saved"); got != 3 {
		t.Fatalf("got %d lines about sessions that were not saved, want 3:\n%s", got, s.log)
	}
}

func events(t *testing.T, router string) { stream(open(t, router, nil, nil)) }

// stream reads events while they come, and sees the stream end when the user logs out.
func stream(s *site) {
	v := s.visitor()
	v.get("events").want(s.T, http.StatusUnauthorized, "")
	v.logIn()
	res, err := v.client.Do(v.request("events"))
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	read := func(want string) {
		s.Helper()
		var got strings.Builder
		p := make([]byte, 1024)
		for !strings.Contains(got.String(), want) {
			n, err := res.Body.Read(p)
			if got.Write(p[:n]); err != nil {
				s.Fatalf("got %q and %v, want %q", got.String(), err, want)
			}
		}
	}
	read("hello") // while the handler goes on
	s.app.Publish("one")
	read("one")
	v.twin().get("logout")
	s.app.Publish("two")
	rest, err := io.ReadAll(res.Body)
	if err != nil || strings.Contains(string(rest), "two") {
		s.Fatalf("after the log-out: got %q and %v, want the end of the stream", rest, err)
	}
}

func socket(t *testing.T, router string) { talk(open(t, router, nil, nil)) }

func talk(s *site) {
	v := s.visitor()
	ctx, cancel := context.WithTimeout(s.Context(), 15*time.Second) // so that nothing waits for ever
	defer cancel()
	dial := func(origin string) (*websocket.Conn, int) {
		conn, res, err := websocket.Dial(ctx, s.url+"/app/socket", &websocket.DialOptions{ //nolint:bodyclose // Dial has read it
			HTTPClient: v.client, HTTPHeader: http.Header{"Origin": {origin}}})
		if res == nil {
			s.Fatal(err)
		}
		return conn, res.StatusCode
	}
	if _, got := dial(strings.TrimSuffix(s.url, "/shop")); got != http.StatusUnauthorized {
		s.Fatalf("a stranger: got %d, want 401", got)
	}
	v.logIn()
	if _, got := dial(foreign); got != http.StatusForbidden {
		s.Fatalf("another site: got %d, want 403", got)
	}
	conn, got := dial(strings.TrimSuffix(s.url, "/shop"))
	if conn == nil {
		s.Fatalf("got %d, want a connection", got)
	}
	defer func() { _ = conn.CloseNow() }()
	want := func(text string) {
		s.Helper()
		if _, got, err := conn.Read(ctx); err != nil || string(got) != text {
			s.Fatalf("got %q and %v, want %q", got, err, text)
		}
	}
	want("hello")
	s.app.Publish("one")
	want("one")
	v.twin().get("logout")
	s.app.Publish("two")
	if _, got, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		s.Fatalf("after the log-out: got %q and %v, want the end of the connection", got, err)
	}
}

func upload(t *testing.T, router string) {
	t.Setenv("TMPDIR", t.TempDir())
	s := open(t, router, nil, nil)
	v := s.visitor()
	v.logIn()
	body, size := new(strings.Builder), 3<<20
	parts := multipart.NewWriter(body)
	file, err := parts.CreateFormFile("file", "file.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(file, strings.Repeat("x", size))
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/app/upload", strings.NewReader(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", parts.FormDataContentType())
	v.send(r).want(t, http.StatusOK, "3145728 bytes")
	v.get("note?milk").want(t, http.StatusOK, "notes: 2")
	s.server.Close() // the handlers have returned
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Fatalf("got the files %v and %v, want none left", left, err)
	}
}

func panics(t *testing.T, router string) {
	s := open(t, router, nil, nil)
	v := s.visitor()
	v.logIn()
	v.get("note?milk").want(t, http.StatusOK, "notes: 1")
	if a := v.get("panic"); a.StatusCode != http.StatusInternalServerError || strings.Contains(a.text, "made up") {
		t.Fatalf("got %d %q, want 500 without the cause", a.StatusCode, a.text)
	}
	v.get("note?tea").want(t, http.StatusOK, "notes: 2") // what the panicking handler changed is not saved
}

func groups(t *testing.T, router string) {
	s := open(t, router, nil, nil)
	v := s.visitor()
	v.get("hello").want(t, http.StatusOK, "hello stranger")
	for _, page := range []string{"me", "page", "events", "socket"} {
		v.get(page).want(t, http.StatusUnauthorized, "")
	}
	v.logIn()
	v.get("hello").want(t, http.StatusOK, "hello joe@example.com")
	v.get("me").want(t, http.StatusOK, "joe@example.com")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	v.send(r).want(t, http.StatusNotFound, "")
}

func cors(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	v.logIn()
	ask := v.request("note?milk")
	ask.Method, ask.Body, ask.ContentLength = http.MethodOptions, nil, 0
	ask.Header = http.Header{"Origin": {trusted}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"}}
	a := v.send(ask)
	if a.StatusCode >= 300 || a.Header.Get("Access-Control-Allow-Origin") != trusted || a.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Fatalf("the preflight: got %d %v, want the origin allowed with credentials", a.StatusCode, a.Header)
	}
	post := func(origin string) answer {
		r := v.request("note?milk")
		r.Header.Set("Origin", origin)
		r.Header.Set("Sec-Fetch-Site", "same-site") // a cookie with SameSite comes along
		return v.send(r)
	}
	a = post(trusted)
	a.want(t, http.StatusOK, "notes: 1")
	if a.Header.Get("Access-Control-Allow-Origin") != trusted || a.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Fatalf("got the header %v, want one that lets the page read the answer", a.Header)
	}
	a = post(foreign)
	a.want(t, http.StatusForbidden, "")
	if got := a.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Fatalf("a foreign origin: got Access-Control-Allow-Origin: %s, want none", got)
	}
}

func compression(t *testing.T, router string) {
	s := open(t, router, nil, nil)
	v := s.visitor()
	v.logIn()
	get := func(page string) answer {
		r := v.request(page)
		r.Header.Set("Accept-Encoding", "gzip")
		a := v.send(r)
		if a.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(a.text))
			if err != nil {
				t.Fatalf("%s: %v in %q", page, err, a.text)
			}
			text, err := io.ReadAll(z)
			if err != nil {
				t.Fatalf("%s: %v", page, err)
			}
			a.text = string(text)
		}
		return a
	}
	a := get("page")
	a.want(t, http.StatusOK, "worth compressing")
	if a.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("got the header %v, want Content-Encoding: gzip", a.Header)
	}
	if a.text != s.app.Page() && a.text != `"`+strings.ReplaceAll(s.app.Page(), "\n", `\n`)+`"` {
		t.Fatalf("got %d bytes, want the page's %d", len(a.text), len(s.app.Page()))
	}
	get("note?milk").want(t, http.StatusOK, "notes: 1")
	s.broken.Store(true)
	get("note?bread").wantNothing(t)
}

func timeLimits(t *testing.T, router string) {
	v := open(t, router, nil, nil).visitor()
	v.logIn()
	r := v.request("slow")
	r.Header.Set("Connect-Timeout-Ms", "200")
	if a := v.send(r); a.StatusCode != http.StatusServiceUnavailable && a.StatusCode != http.StatusGatewayTimeout {
		t.Fatalf("got %d %q, want 503 or 504", a.StatusCode, a.text)
	}
	v.get("me").want(t, http.StatusOK, "joe@example.com")
}

func accessLog(t *testing.T, router string) {
	s := open(t, router, nil, nil)
	v := s.visitor()
	v.get("me").want(t, http.StatusUnauthorized, "")
	v.logIn()
	v.get("note?milk").want(t, http.StatusOK, "")
	s.broken.Store(true)
	v.get("note?bread").wantNothing(t)
	s.server.Close() // the lines are written
	me, note := v.request("me").URL.Path, v.request("note").URL.Path
	logIn := v.request("api/login").URL.Path
	for _, want := range []string{
		"path=" + me + " status=401 user=-", "path=" + logIn + " status=200 user=1",
		"path=" + note + " status=200 user=1", "path=" + note + " status=503 user=1",
	} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("no line with %q in\n%s", want, s.log)
		}
	}
}

func otelOutside(t *testing.T, router string) { traced(t, router, true) }
func otelInside(t *testing.T, router string)  { traced(t, router, false) }

// traced runs what a middleware that wraps the response writer could break.
func traced(t *testing.T, router string, outside bool) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	trace := otelhttp.NewMiddleware("app", otelhttp.WithTracerProvider(provider))
	around, inside := trace, trace
	if outside {
		inside = nil
	} else {
		around = nil
	}
	s := open(t, router, around, inside)
	v := s.visitor()
	v.logIn()
	v.get("note?milk").want(t, http.StatusOK, "notes: 1")
	s.broken.Store(true)
	v.get("note?bread").wantNothing(t)
	s.broken.Store(false)
	stream(s)
	talk(s)
	s.server.Close()
	seen := map[int64]int{}
	for _, span := range spans.Ended() {
		for _, attr := range span.Attributes() {
			if attr.Key == "http.response.status_code" {
				seen[attr.Value.AsInt64()]++
			}
		}
	}
	failures := 0 // whoever is inside of the commit does not see that it failed
	if outside {
		failures = 1
	}
	if seen[200] == 0 || seen[503] != failures {
		t.Fatalf("spans by status: got %v, want some with 200 and %d with 503", seen, failures)
	}
}
