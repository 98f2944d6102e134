// Package peer runs the scripts of testdata/node for tests: a browser, and another implementation of a
// server. They need Debian's packages nodejs and chromium, and npm ci in that folder.
package peer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// limit is how long a script may take. It takes seconds, or longer beside other tests.
const limit = 8 * time.Minute

// Program is a script that answers each line with a line.
type Program struct {
	T      testing.TB // the test that fails
	in     io.Writer
	out    *bufio.Reader
	stderr bytes.Buffer
}

// Start starts a script of testdata/node; module is the module's folder.
func Start(t testing.TB, module, script string, args ...string) *Program {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(module, "testdata", "node"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("run npm ci in strategy/passkey/testdata/node first: %v", err)
	}
	p := &Program{T: t}
	cmd := subprocess.Command(t, limit, "node", append([]string{script}, args...)...)
	cmd.Dir, cmd.Stderr = dir, &p.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the script ends when its standard input does
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("%s: %v: %s", script, err, &p.stderr)
		}
	})
	return p
}

// Chromium starts a browser.
func Chromium(t testing.TB, module string) *Program {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("install Debian's package chromium: %v", err)
	}
	return Start(t, module, "driver.mjs", path)
}

// Ask sends a command and stores the result in value, if that is not nil.
func (p *Program) Ask(command map[string]any, value any) {
	p.T.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		p.T.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.T.Fatalf("%v: %s", err, &p.stderr)
	}
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		p.T.Fatalf("%s: %v", line, err)
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		p.T.Fatalf("%v: %s", err, text)
	}
	if answer.Error != "" {
		p.T.Fatalf("%s: %s", line, answer.Error)
	}
	if value == nil {
		return
	}
	if err := json.Unmarshal(answer.Value, value); err != nil {
		p.T.Fatalf("%v: %s", err, answer.Value)
	}
}

// Synced returns the options of the DevTools protocol for an authenticator whose passkeys are copied to
// other devices, like most.
func Synced() map[string]any {
	return map[string]any{
		"protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
		"isUserVerified": true, "automaticPresenceSimulation": true, "defaultBackupEligibility": true, "defaultBackupState": true,
	}
}
