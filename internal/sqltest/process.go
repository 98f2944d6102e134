// Package sqltest starts real PostgreSQL and MariaDB servers on the loopback interface for tests, and opens
// their databases and those of SQLite. It is a separate module, so that the drivers are no dependencies of
// the core.
package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// account is the system user that runs the servers if the tests run as root: they refuse to run as root.
const account = "nobody"

// Server is a running database server. Its data is in its own folder. It ends with the test, also if the test
// process dies.
type Server struct {
	Addr string // host:port on 127.0.0.1

	kind kind
	args []string
	dir  string
	cmd  *exec.Cmd
	life io.Closer // the watcher's standard input; closing it ends the server
	log  *subprocess.Log
}

// kind says how to initialize and start a server.
type kind struct {
	name    string
	signal  string // makes it shut down fast but cleanly
	prepare func(t testing.TB, dir string)
	command func(dir, port string) []string
	ready   func(ctx context.Context, addr, dir string) error
}

// startServer initializes a new data folder and starts the server, with args added to its command line.
func startServer(t testing.TB, k kind, args ...string) *Server {
	t.Helper()
	s := &Server{kind: k, args: args, dir: folder(t)}
	k.prepare(t, s.dir)
	t.Cleanup(s.Stop)
	var err error
	for range 3 { // another process may take the free port first
		s.Addr = subprocess.FreeAddr(t)
		if err = s.Restart(t); err == nil {
			return s
		}
	}
	t.Fatalf("%s does not start: %v\n%s", k.name, err, s.log)
	return nil
}

// Restart starts the server again with its address and data, after [Server.Kill] or [Server.Stop].
func (s *Server) Restart(t testing.TB) error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	// The watcher ends when this process ends or calls Stop.
	watcher := `"$@" & pid=$!; echo $pid >` + filepath.Join(s.dir, "watched") + `; read -r word; kill -${word:-` + s.kind.signal + `} $pid 2>/dev/null; wait $pid`
	args := append([]string{"sh", "-c", watcher, "sh"}, s.kind.command(s.dir, port)...)
	s.cmd = as(t, append(args, s.args...)...)
	s.log = new(subprocess.Log)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if s.life, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	err = Poll(func(ctx context.Context) error {
		if strings.Contains(s.log.String(), "in use") {
			return subprocess.ErrTaken
		}
		return s.kind.ready(ctx, s.Addr, s.dir)
	})
	if err != nil {
		s.Stop()
	}
	return err
}

// Stop shuts the server down cleanly: it notifies its clients. It does nothing if the server has ended.
func (s *Server) Stop() { s.end("") }

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() { s.end("KILL") }

func (s *Server) end(signal string) {
	if s.life == nil {
		return
	}
	if signal != "" {
		if w, ok := s.life.(io.Writer); ok {
			_, _ = io.WriteString(w, signal+"\n")
		}
	}
	_ = s.life.Close()
	_ = s.cmd.Wait()
	s.life = nil
}

// Freeze stops the server's main process without closing its connections (SIGSTOP), until [Server.Thaw]. In
// PostgreSQL each connection has its own process, which goes on; only new connections hang.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	pid := s.send(t, syscall.SIGSTOP)
	err := Poll(func(context.Context) error { // until all of its threads have stopped
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(threads) == 0 {
			return fmt.Errorf("find the threads of process %d: %w", pid, err)
		}
		for _, name := range threads {
			if text, err := os.ReadFile(name); err == nil && !strings.Contains(string(text), ") T ") { //nolint:gosec // below /proc
				return errors.New("a thread has not stopped")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Thaw undoes Freeze.
func (s *Server) Thaw(t testing.TB) { s.send(t, syscall.SIGCONT) }

func (s *Server) send(t testing.TB, sig syscall.Signal) (pid int) {
	t.Helper()
	pid = s.PID(t)
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("send %v to %s: %v", sig, s.kind.name, err)
	}
	return pid
}

// PID returns the id of the server's main process.
func (s *Server) PID(t testing.TB) (pid int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "watched"))
	if err != nil {
		t.Fatalf("find the process of %s: %v", s.kind.name, err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		t.Fatalf("find the process of %s: %v", s.kind.name, err)
	}
	return pid
}

// as returns a command that does not run as root.
func as(t testing.TB, args ...string) *exec.Cmd {
	if os.Getuid() == 0 {
		u := owner(t)
		args = append([]string{"setpriv", "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}, args...)
	}
	cmd := subprocess.Command(t, 0, args[0], args[1:]...)
	cmd.Dir = "/"
	return cmd
}

func owner(t testing.TB) *user.User {
	t.Helper()
	u, err := user.Lookup(account)
	if err != nil {
		t.Fatalf("find the user that runs the servers: %v", err)
	}
	return u
}

// run runs a program and waits for it.
func run(t testing.TB, args ...string) {
	t.Helper()
	cmd := as(t, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
}

// folder makes a folder for a server's data. One of t.TempDir would not be accessible to other users.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sqltest") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		u := owner(t)
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// program returns the path of the first of names that exists; names may be patterns.
func program(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		found, err := filepath.Glob(name)
		if err == nil && len(found) > 0 {
			return found[len(found)-1]
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("no %s: apt-get install -y %s", names[0], install)
	return ""
}

// Poll is [subprocess.Poll].
func Poll(f func(context.Context) error) error { return subprocess.Poll(f) }

// initFile writes the statements that MariaDB runs when it starts: they make the tests' user.
func initFile(t testing.TB, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "init.sql")
	write(t, name, "CREATE USER IF NOT EXISTS app@'%' IDENTIFIED BY 'app';\nGRANT ALL ON *.* TO app@'%' WITH GRANT OPTION;\n")
	return name
}

// write writes a file for a server.
func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil { //nolint:gosec // the server's user reads it
		t.Fatal(err)
	}
}
