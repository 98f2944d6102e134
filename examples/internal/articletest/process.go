// Package articletest runs the programs of package article for tests: each is built once, and runs on a free
// port of loopback.
package articletest

import (
	"context"
	"fmt"
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

// Build builds the program whose folder the tests run in, runs the tests, and returns their exit code.
func Build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "passport-example")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "example")
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Command returns the program with nothing of the tester's own settings.
func Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	c := subprocess.Command(t, 0, binary, args...)
	c.Env = []string{"HOME=" + t.TempDir()}
	return c
}

// Process is a running server.
type Process struct {
	t       testing.TB
	cmd     *exec.Cmd
	URL     string
	Welcome string // what it printed before it served
	Log     Journal
	ended   bool
}

// Start runs the program on a free port of loopback until the test ends.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: Command(t, append([]string{"-addr", "localhost:0"}, args...)...)}
	p.cmd.Stderr = &p.Log
	lines, err := subprocess.Lines(p.cmd, subprocess.Start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop() })
	for !strings.Contains(p.Welcome, "then:") {
		if !lines.Scan() {
			_ = p.cmd.Wait()
			p.ended = true
			t.Fatalf("the server ended early: %s%s", p.Welcome, &p.Log)
		}
		p.Welcome += lines.Text() + "\n"
	}
	rest, _ := strings.CutPrefix(p.Welcome, "listening on ")
	p.URL, _, _ = strings.Cut(rest, ",")
	return p
}

// Stop ends the server as a service manager does, and fails the test unless it ended well.
func (p *Process) Stop() {
	p.t.Helper()
	if p.ended {
		return
	}
	p.Signal()
	p.Wait()
}

// Signal tells the server to stop.
func (p *Process) Signal() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("stop: %v", err)
	}
}

// Wait waits for the end of a server that was told to stop, and fails the test unless it ended well.
func (p *Process) Wait() {
	p.t.Helper()
	p.ended = true
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the server ended with %v: %s", err, &p.Log)
	}
}

// Journal is what a server logs.
type Journal struct {
	mu   sync.Mutex
	text strings.Builder
	more *sync.Cond
}

func (j *Journal) lock() {
	j.mu.Lock()
	if j.more == nil {
		j.more = sync.NewCond(&j.mu)
	}
}

// Write adds p to the journal.
func (j *Journal) Write(p []byte) (int, error) {
	j.lock()
	defer j.mu.Unlock()
	j.more.Broadcast()
	return j.text.Write(p)
}

// String returns what has been logged.
func (j *Journal) String() string {
	j.lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// Wait returns when text has been logged.
func (j *Journal) Wait(text string) {
	j.lock()
	defer j.mu.Unlock()
	for !strings.Contains(j.text.String(), text) {
		j.more.Wait()
	}
}
