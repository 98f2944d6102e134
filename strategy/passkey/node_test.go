//go:build integration

package passkey_test

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

// The tests with the build tag integration need Debian's packages nodejs and chromium, and npm ci in testdata/node.

// scriptLimit is how long a script may take. It takes seconds.
const scriptLimit = 2 * time.Minute

// program is a script of testdata/node that answers a line with a line.
type program struct {
	t      *testing.T
	in     io.Writer
	out    *bufio.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, script string, args ...string) *program {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", "node"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("run npm ci in strategy/passkey/testdata/node first: %v", err)
	}
	p := &program{t: t}
	cmd := subprocess.Command(t, scriptLimit, "node", append([]string{script}, args...)...)
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
	t.Cleanup(func() { // its standard input ends, and so does it
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("%s: %v: %s", script, err, &p.stderr)
		}
	})
	return p
}

// ask sends a command and puts what came of it into value, if that is not nil.
func (p *program) ask(command map[string]any, value any) {
	p.t.Helper()
	if err := p.try(command, value); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) try(command map[string]any, value any) error {
	p.t.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatalf("%v: %s", err, &p.stderr)
	}
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Value, value); err != nil {
		p.t.Fatalf("%v: %s", err, answer.Value)
	}
	return nil
}

func chromium(t *testing.T) *program {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("install Debian's package chromium: %v", err)
	}
	return start(t, "driver.mjs", path)
}
