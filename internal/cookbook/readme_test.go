//go:build integration

package cookbook_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// TestTheFirstProgramOfREADME builds and runs it, and types the commands beside it. Each has to be answered as
// README says; … stands for anything.
func TestTheFirstProgramOfREADME(t *testing.T) {
	text := read(t, "../../README.md")
	block := func(language string) string {
		m := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$").FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("README.md has no block of %s", language)
		}
		return m[1]
	}
	addr, dir := subprocess.FreeAddr(t), t.TempDir()
	here := func(text string) string { return strings.ReplaceAll(text, "localhost:3000", addr) }
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, []byte(here(block("go"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := subprocess.Command(t, 0, "go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var log subprocess.Log
	program := subprocess.Command(t, 0, binary)
	program.Stdout, program.Stderr = &log, &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	err := subprocess.Poll(func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}

	commands := 0
	for entry := range strings.SplitSeq("\n"+block("console"), "\n$ ") {
		command, want, _ := strings.Cut(strings.TrimSpace(entry), "\n")
		command, isCurl := strings.CutPrefix(command, "curl ")
		if !isCurl {
			continue
		}
		commands++
		typed := subprocess.Command(t, subprocess.Start, "sh", "-c", here("curl --silent --show-error "+command))
		typed.Dir = dir
		got, err := typed.Output()
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$"
		if err != nil || !regexp.MustCompile(pattern).MatchString(strings.TrimSpace(string(got))) {
			t.Errorf("curl %s\ngot %s and %v, want %s", command, got, err, want)
		}
	}
	if commands != 4 {
		t.Errorf("%d commands were run, want 4", commands)
	}
	_ = subprocess.Kill(program)
	_ = program.Wait() // it was killed
}
