//go:build integration

package subprocess_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// recorder is a testing.TB that records its failures, with a time limit of its own.
type recorder struct {
	testing.TB
	until    time.Time
	failures []string
	cleanups []func()
}

func (r *recorder) Deadline() (time.Time, bool) { return r.until, !r.until.IsZero() }
func (r *recorder) Errorf(f string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(f, args...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Helper()          {}

func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

// sleeper leaves a child running that keeps standard output open, as a browser does.
const sleeper = `sleep 600 & echo $!; wait`

func TestAProgramThatHangsIsKilledWithItsChildren(t *testing.T) {
	for _, row := range []struct {
		name  string
		limit time.Duration
		test  time.Duration // how long the test binary has left; 0 means no limit
	}{
		{"after its own limit", 50 * time.Millisecond, 0},
		{"before the test binary's", 0, subprocess.Reserve + 50*time.Millisecond},
		{"before the test binary's, which is nearer", time.Hour, subprocess.Reserve + 50*time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &recorder{TB: t}
			if row.test != 0 {
				r.until = time.Now().Add(row.test)
			}
			out, err := subprocess.Command(r, row.limit, "sh", "-c", sleeper).Output()
			if err == nil || len(r.failures) != 1 || !strings.Contains(r.failures[0], "still ran after") {
				t.Errorf("got the error %v and the failures %q, want one that says so", err, r.failures)
			}
			if text := strings.TrimSpace(string(out)); text != "" {
				gone(t, text)
			}
			r.end()
		})
	}
}

func TestAProgramIsKilledWithItsTest(t *testing.T) {
	r := &recorder{TB: t}
	cmd := subprocess.Command(r, 0, "sh", "-c", sleeper)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var child string
	if _, err := fmt.Fscan(stdout, &child); err != nil {
		t.Fatal(err)
	}
	r.end()
	if err := cmd.Wait(); err == nil || len(r.failures) != 0 {
		t.Errorf("got %v and the failures %q, want a killed program and none", err, r.failures)
	}
	gone(t, child)
}

func TestAProgramThatEndsInTime(t *testing.T) {
	r := &recorder{TB: t}
	out, err := subprocess.Command(r, time.Minute, "echo", "done").Output()
	r.end()
	if err != nil || string(out) != "done\n" || len(r.failures) != 0 {
		t.Errorf("got %q, %v and the failures %q, want done and no failures", out, err, r.failures)
	}
}

func TestAProgramThatNeverSaysItIsReady(t *testing.T) {
	r := &recorder{TB: t}
	cmd := subprocess.Command(r, 0, "sh", "-c", `exec sleep 600`)
	lines, err := subprocess.Lines(cmd, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if lines.Scan() {
		t.Errorf("got the line %q, want none", lines.Text())
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the program ended without an error, want it killed")
	}
	r.end()
}

func TestAProgramThatIsReadyStays(t *testing.T) {
	r := &recorder{TB: t}
	cmd := subprocess.Command(r, 0, "sh", "-c", `echo ready; read line; echo "$line"`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	const limit = 500 * time.Millisecond
	lines, err := subprocess.Lines(cmd, limit)
	if err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("got %q, %v, want ready", lines.Text(), lines.Err())
	}
	<-time.After(2 * limit) // the limit applies to the first line only
	if _, err := fmt.Fprintln(in, "still here"); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "still here" {
		t.Errorf("got %q, %v, want the second line", lines.Text(), lines.Err())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v, want no error", err)
	}
	r.end()
}

// gone waits until there is no process with the id, or only one whose parent has not waited for it yet.
func gone(t *testing.T, id string) {
	t.Helper()
	pid, err := strconv.Atoi(id)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil && syscall.Kill(pid, 0) != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
}

// TestAProgramThatRunsHereEndsWithItsTest: the test fails if it ends with an error.
func TestAProgramThatRunsHereEndsWithItsTest(t *testing.T) {
	for _, want := range []error{nil, errors.New("it ended with an error")} {
		r := &recorder{TB: t}
		url := subprocess.Here(r, func(ctx context.Context, ready func(string)) error {
			ready("http://localhost:1")
			<-ctx.Done()
			return want
		})
		if url != "http://localhost:1" || len(r.failures) > 0 {
			t.Fatalf("got %q and %q, want the address", url, r.failures)
		}
		if r.end(); (len(r.failures) > 0) != (want != nil) {
			t.Errorf("the program ended with %v: got the failures %q", want, r.failures)
		}
	}
}
