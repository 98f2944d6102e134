package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

var binary string // the program under test

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "passport-server")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "server")
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// command returns the program with nothing of the tester's own settings.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	c := subprocess.Command(t, 0, binary, args...)
	c.Env = []string{"HOME=" + t.TempDir()}
	return c
}

// process is a running server.
type process struct {
	t       testing.TB
	cmd     *exec.Cmd
	url     string
	welcome string // what it printed before it served
	log     journal
	ended   bool
}

// start runs the program on a free port of loopback until the test ends.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, append([]string{"-addr", "localhost:0"}, args...)...)}
	p.cmd.Stderr = &p.log
	lines, err := subprocess.Lines(p.cmd, subprocess.Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop() })
	for !strings.Contains(p.welcome, "then:") {
		if !lines.Scan() {
			_ = p.cmd.Wait()
			p.ended = true
			t.Fatalf("the server ended early: %s%s", p.welcome, &p.log)
		}
		p.welcome += lines.Text() + "\n"
	}
	rest, _ := strings.CutPrefix(p.welcome, "listening on ")
	p.url, _, _ = strings.Cut(rest, ",")
	return p
}

// stop ends the server as a service manager does, and fails the test unless it ended well.
func (p *process) stop() {
	p.t.Helper()
	if p.ended {
		return
	}
	p.signal()
	p.wait()
}

// signal tells the server to stop.
func (p *process) signal() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("stop: %v", err)
	}
}

func (p *process) wait() {
	p.t.Helper()
	p.ended = true
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the server ended with %v: %s", err, &p.log)
	}
}

// journal is what a server logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
	more *sync.Cond
}

func (j *journal) lock() {
	j.mu.Lock()
	if j.more == nil {
		j.more = sync.NewCond(&j.mu)
	}
}

func (j *journal) Write(p []byte) (int, error) {
	j.lock()
	defer j.mu.Unlock()
	j.more.Broadcast()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// wait returns when text has been logged.
func (j *journal) wait(text string) {
	j.lock()
	defer j.mu.Unlock()
	for !strings.Contains(j.text.String(), text) {
		j.more.Wait()
	}
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
	return &visitor{p.t, http.Client{Jar: jar}, p.url}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) do(method, path, contentType, body string, header ...string) reply {
	v.t.Helper()
	r, err := v.send(method, path, contentType, body, header...)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// send is do for other goroutines than the test's own.
func (v *visitor) send(method, path, contentType, body string, header ...string) (reply, error) {
	r, err := http.NewRequest(method, v.base+path, strings.NewReader(body))
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
	protected = "You can only see this if you are authenticated"
	joe       = "joefoo@test.com"
	joesPass  = "Passw0rd!"
)
