package live

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// node is a process of Node that runs one stack.
type node struct {
	stack   string
	control string // URL
	stop    func() // stops the process
}

// startNode starts Node in dir until the end of the test. It fails the test if Node or the packages are
// missing.
func startNode(t *testing.T, dir, stack, address string) *node {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err != nil {
		t.Fatal("the npm packages are missing: cd internal/interop/live/node && npm ci")
	}
	cmd := subprocess.Command(t, 0, "node", "main.mjs", stack, address)
	cmd.Dir = dir
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdin, err := cmd.StdinPipe() // the process ends when it closes, also if this one dies
	if err != nil {
		t.Fatal(err)
	}
	lines, err := subprocess.Lines(cmd, subprocess.Start)
	if err != nil {
		t.Fatalf("start Node: %v", err)
	}
	stop := sync.OnceFunc(func() {
		_ = stdin.Close() // Node stops at its end
		if err := cmd.Wait(); err != nil {
			t.Errorf("Node (%s) ended with an error: %v\n%s", stack, err, &complaints)
		}
	})
	t.Cleanup(stop)
	if !lines.Scan() {
		t.Fatalf("Node (%s) did not start\n%s", stack, &complaints)
	}
	port := lines.Text()
	go func() { // a full pipe would block Node
		for lines.Scan() {
		}
	}()
	return &node{stack, "http://127.0.0.1:" + port, stop}
}

// options are the options of an application of Node.
type options struct {
	Session  map[string]any `json:"session"`  // express-session's
	Store    map[string]any `json:"store"`    // its store's
	Identity string         `json:"identity"` // number, string or object; empty means number
}

// app makes an application. Without secrets it uses Go's.
func (n *node) app(t *testing.T, o options) peer {
	t.Helper()
	session := map[string]any{"secret": secrets[:1]}
	maps.Copy(session, o.Session)
	o.Session = session
	if o.Identity == "" {
		o.Identity = "number"
	}
	body, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.control, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("Node (%s) did not make an application: %d %v\n%s", n.stack, res.StatusCode, err, text)
	}
	return peer("http://127.0.0.1:" + string(text))
}
