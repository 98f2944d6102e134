package main_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/examples/internal/articletest"
)

func TestMain(m *testing.M) { os.Exit(articletest.Build(m)) }

// command returns the program with nothing of the tester's own settings.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return articletest.Command(t, args...)
}

// process is a running server.
type process struct {
	*articletest.Process
	t testing.TB
}

// start runs the program on a free port of loopback until the test ends.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return &process{articletest.Start(t, args...), t}
}

// visitor is a client with a cookie jar.
type visitor struct {
	t    testing.TB
	http http.Client
	base string
}

func (p *process) visitor() *visitor {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &visitor{p.t, http.Client{Jar: jar}, p.URL}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) do(method, path, contentType, body string, header ...string) reply {
	v.t.Helper()
	r, err := v.send(v.t.Context(), method, path, contentType, body, header...)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// send is do for other goroutines than the test's own.
func (v *visitor) send(ctx context.Context, method, path, contentType, body string, header ...string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := v.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(text)}, errors.Join(err, res.Body.Close())
}

func (v *visitor) get(path string) reply {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", "")
}

// listen opens a stream of p with v's cookies, and returns its lines once it is there.
func (v *visitor) listen(p *process) *bufio.Scanner {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, p.URL+"/live", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		v.t.Fatalf("got %s of type %s, want a stream of events", res.Status, got)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: 20") {
			return lines
		}
	}
	v.t.Fatalf("the stream ended: %v", lines.Err())
	return nil
}

const form = "application/x-www-form-urlencoded"

// post sends a form, given as pairs of name and value.
func (v *visitor) post(path string, pairs ...string) reply {
	v.t.Helper()
	return v.do(http.MethodPost, path, form, encode(pairs...))
}

func encode(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

func (v *visitor) logIn(email, password string) reply {
	v.t.Helper()
	return v.post("/auth/login", "email", email, "password", password)
}

func (v *visitor) register(email, password string, more ...string) reply {
	v.t.Helper()
	return v.post("/auth/register", append([]string{"email", email, "password", password, "confirmationPassword", password, "firstName", "New", "lastName", "Test"}, more...)...)
}

// want fails the test unless the answer has the status and the body contains part.
func (r reply) want(t testing.TB, status int, part string) {
	t.Helper()
	if r.status != status || !strings.Contains(r.body, part) {
		t.Fatalf("got %d %q, want %d with %q", r.status, r.body, status, part)
	}
}

const (
	public    = "This message is public to all!"
	protected = articletest.Protected
	joe       = "joefoo@test.com"
	joesPass  = "Passw0rd!"
)
