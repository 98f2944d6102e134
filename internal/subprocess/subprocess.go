// Package subprocess starts programs for tests, with time limits, so that no program can block its test for
// ever. It has what packages that start servers need: a free address, a waiting time, and the server's
// output.
package subprocess

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// Reserve is how long before the time limit of the test binary (go test -timeout) a program is killed,
	// so that its test can still report what it was doing.
	Reserve = 20 * time.Second

	// Start is how long a program may take until it prints its first line. A second or two are normal; the
	// rest is for a busy machine.
	Start = 2 * time.Minute

	// drain is how long Wait continues to read what a killed program's children still have open.
	drain = 5 * time.Second
)

// Command is exec.Command for tests. The program runs in a process group of its own, which is killed when
// limit is over, when the test binary's time limit is near, and at the end of the test. In the first two
// cases the test fails with a message. A limit of 0 or less means only the test binary's.
//
// The caller may set every field except Cancel, WaitDelay and SysProcAttr.
func Command(t testing.TB, limit time.Duration, name string, args ...string) *exec.Cmd {
	t.Helper()
	until, limited := time.Now().Add(limit), limit > 0
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if all, ok := d.Deadline(); ok {
			if all = all.Add(-Reserve); !limited || all.Before(until) {
				until, limited = all, true
			}
		}
	}
	ctx, end := context.WithCancel(context.Background())
	if limited {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, until)
		t.Cleanup(stop)
	}
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // programs of the tests
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = drain
	began := time.Now()
	var mu sync.Mutex
	ended := false
	cmd.Cancel = func() error {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			t.Errorf("%.100s still ran after %v: killed", cmd, time.Since(began).Round(time.Second))
		}
		return Kill(cmd)
	}
	t.Cleanup(func() {
		mu.Lock()
		ended = true
		mu.Unlock()
		_ = Kill(cmd)
		end()
	})
	return cmd
}

// Lines starts a program made by [Command] and returns its output. If the first line does not come within
// limit, usually [Start], the program is killed: the lines end, and so does the caller's wait for the line
// that says that it is ready.
//
// The caller must read the lines before it calls Wait, and may set cmd.Stdin and cmd.Stderr before the
// call.
func Lines(cmd *exec.Cmd, limit time.Duration) (*bufio.Scanner, error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	impatient := time.AfterFunc(limit, func() { _ = Kill(cmd) })
	lines := bufio.NewScanner(stdout)
	lines.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		n, line, err := bufio.ScanLines(data, atEOF)
		if n > 0 || atEOF {
			impatient.Stop()
		}
		return n, line, err
	})
	return lines, nil
}

// Kill kills a program made by [Command] and what it started. It is no error if nothing runs any more.
func Kill(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill the group of %s: %w", cmd.Path, err)
	}
	return nil
}
