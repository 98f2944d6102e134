//go:build integration

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// answers are what the printed commands show, in their order.
var answers = []string{
	"Express: hello Joe Foo", "Express: you are Joe Foo, visit 1", "Go: you are Joe Foo, visit 2", "Express: you are Joe Foo, visit 3",
	"Go: you are logged out", "Express: I do not know you",
	"Go: hello Jen Bar", "Express: you are Jen Bar, visit 1", "Express: you are logged out", `"status":401`,
}

// TestThePrintedCommands runs what the program prints, with the Redis inside it and
// with a real one.
func TestThePrintedCommands(t *testing.T) {
	program := filepath.Join(t.TempDir(), "node-peer")
	if out, err := subprocess.Command(t, 0, "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Run("embedded Redis", func(t *testing.T) { typeCommands(t, program) })
	t.Run("real Redis", func(t *testing.T) { typeCommands(t, program, "-redis", redistest.Start(t).URL()) })
}

func typeCommands(t *testing.T, program string, args ...string) {
	cmd := subprocess.Command(t, 0, program, append([]string{"-go", "0", "-express", "0"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	var log strings.Builder
	cmd.Stderr = &log
	lines, err := subprocess.Lines(cmd, subprocess.Start)
	if err != nil {
		t.Fatal(err)
	}

	var commands []string
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		if command, ok := strings.CutPrefix(lines.Text(), "  curl "); ok {
			commands = append(commands, "curl --silent --show-error "+command)
		}
	}
	if len(commands) != len(answers) {
		t.Fatalf("%d commands were printed, want %d\n%s", len(commands), len(answers), &log)
	}
	dir := t.TempDir()
	for i, command := range commands {
		c := subprocess.Command(t, time.Minute, "sh", "-c", command)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), answers[i]) {
			t.Errorf("%s\ngot %s, %v, want %s", command, out, err, answers[i])
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, &log)
	}
}
