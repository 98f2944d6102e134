// Package chromium runs tests in a real browser. It needs Debian's package chromium.
package chromium

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// patience is the time limit of a script, including the browser's start.
const patience = time.Minute

// Run opens a page of app in a browser with an empty profile and runs script there, the body of an async
// JavaScript function. It returns what script returned, as JSON.
//
// app is served over https for every host name below example, so that scripts find the origins
// https://app.example, https://www.app.example and so on; nothing else is reachable.
func Run(t *testing.T, app http.Handler, script string) json.RawMessage {
	t.Helper()
	answer := make(chan json.RawMessage, 1)
	mux := http.NewServeMux()
	mux.Handle("/", app)
	mux.HandleFunc("GET /-/script", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<script>(async () => {%s})().catch(e => "failed: " + e).then(v => fetch("/-/answer", {method: "POST", body: JSON.stringify(v ?? null)}))</script>`, script)
	})
	mux.HandleFunc("POST /-/answer", func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			select {
			case answer <- body:
			default:
			}
		}
	})
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium-") //nolint:usetesting // Chromium still writes there when the test ends
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(profile) }() // not t.TempDir, because the browser's children may still write there
	var log bytes.Buffer
	cmd := command(t, patience, "--disable-popup-blocking", "--ignore-certificate-errors", "--user-data-dir="+profile,
		"--host-resolver-rules=MAP *.example "+address.Host+", MAP * ~NOTFOUND",
		"https://app.example/-/script")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = subprocess.Kill(cmd) }()
	select {
	case got := <-answer:
		if strings.HasPrefix(string(got), `"failed: `) {
			t.Fatalf("the script %s\n%s", got, script)
		}
		return got
	case err := <-ended:
		t.Fatalf("the browser ended without an answer: %v: %s", err, &log)
	}
	return nil
}

// command returns the command of a headless browser that makes no network requests of its own.
func command(t *testing.T, limit time.Duration, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("install Debian's package chromium: %v", err)
	}
	return subprocess.Command(t, limit, binary, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync",
	}, args...)...)
}
