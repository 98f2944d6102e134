package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	main "github.com/seed-6f34412b/passport/examples/node-peer"
)

func TestWhatIsMissingIsNamed(t *testing.T) {
	installed := t.TempDir()
	for _, name := range []string{"package-lock.json", filepath.Join("node_modules", ".package-lock.json")} {
		if err := os.MkdirAll(filepath.Join(installed, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(installed, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	programs := t.TempDir()
	for _, name := range []string{"node", "npm"} {
		if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		name, path string
		args       []string
		want       string
	}{
		{"another folder", programs, []string{"-dir", t.TempDir()}, "start this from the top of the repository"},
		{"no Node", t.TempDir(), []string{"-dir", installed}, "node is not installed"},
		{"no Redis", programs, []string{"-dir", installed, "-redis", "redis://127.0.0.1:1"}, "-redis: store: check: dial tcp 127.0.0.1:1"},
		{"an odd Redis", programs, []string{"-dir", installed, "-redis", "http://user:hunter2@x"}, "-redis: store: open: the URL is not like redis://"},
		{"a port that is none", programs, []string{"-dir", installed, "-go", "x"}, "-go:"},
		{"an Express that does not start", programs, []string{"-dir", installed, "-go", "0"}, "the Express application does not start"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("PATH", row.path)
			err := main.Run(t.Context(), row.args)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want it to contain %q", err, row.want)
			}
		})
	}
}
