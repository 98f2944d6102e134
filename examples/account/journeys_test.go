//go:build integration

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the protocol uses it
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// start runs the program on a free port and returns its address.
func start(t *testing.T, args ...string) string {
	t.Helper()
	stolen := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha1.Sum([]byte("stolen horse staple")) //nolint:gosec // the protocol uses it
		if text := strings.ToUpper(hex.EncodeToString(sum[:])); path.Base(r.URL.Path) == text[:5] {
			fmt.Fprintf(w, "%s:42\r\n", text[5:])
		}
	}))
	t.Cleanup(stolen.Close)
	args = append([]string{"-addr", "localhost:0", "-breached", stolen.URL + "/", "-admin", "admin@test.example"}, args...)
	return subprocess.Here(t, func(ctx context.Context, ready func(string)) error { return main.Run(ctx, ready, args...) })
}

// TestPeopleGoTheirWays runs testdata/browser/journeys.mjs: people use the site in Chromium, and axe checks
// each page. With PICTURES=1 it makes the README's pictures again, with WHOLE=DIR pictures of all pages.
func TestPeopleGoTheirWays(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("install Debian's package chromium: %v", err)
	}
	if _, err := os.Stat("testdata/browser/node_modules"); err != nil {
		t.Fatalf("run npm ci in examples/account/testdata/browser first: %v", err)
	}
	pictures, err := filepath.Abs("pictures")
	if os.Getenv("PICTURES") == "" {
		pictures, err = t.TempDir(), nil
	}
	if dir := os.Getenv("WHOLE"); dir != "" {
		pictures = dir
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := subprocess.Command(t, 12*time.Minute, "node", "journeys.mjs", chromium, start(t, "-proxies", "127.0.0.1/32,::1/128"), pictures)
	var log bytes.Buffer
	cmd.Dir, cmd.Stderr = "testdata/browser", &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for lines := bufio.NewScanner(out); lines.Scan(); ran++ {
		var journey struct {
			Name, Error string
			MS          int
		}
		if err := json.Unmarshal(lines.Bytes(), &journey); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		t.Run(journey.Name, func(t *testing.T) {
			t.Logf("%d ms", journey.MS)
			if journey.Error != "" {
				t.Error(journey.Error)
			}
		})
	}
	if err := cmd.Wait(); err != nil || ran == 0 {
		t.Errorf("%d journeys, %v: %s", ran, err, &log)
	}
	if os.Getenv("JOURNEY") != "" { // only some journeys
		return
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`pictures/[\w-]+\.png`).FindAllString(string(readme), -1) {
		if _, err := os.Stat(filepath.Join(pictures, filepath.Base(name))); err != nil {
			t.Errorf("no journey takes the README's %s: %v", name, err)
		}
		if _, err := os.Stat(name); err != nil {
			t.Errorf("PICTURES=1 takes it: %v", err)
		}
	}
}
