// Command attack tries the usual attacks on the example server, and prints how many of
// them were refused. It ends with a failure unless all were.
//
//	go run ./internal/attack                             start a server of its own
//	go run ./internal/attack -url http://localhost:3000  attack one that runs, freshly started
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	address := flag.String("url", "", "attack the server at this `address` instead of one of its own")
	flag.Parse()
	if err := run(os.Stdout, *address); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

// run attacks the server at address, or one that it starts for the purpose.
func run(out io.Writer, address string) error {
	if address == "" {
		started, stop, err := start()
		if err != nil {
			return err
		}
		defer stop()
		address = started
	}
	return attackAll(out, strings.TrimSuffix(address, "/"))
}

func attackAll(out io.Writer, address string) error {
	tries, refused := 0, 0
	for i, a := range attacks {
		n, ok := 0, 0
		statistics, err := a.try(newClient(address, byte(i+2)), func(what string, good bool) {
			n++
			if good {
				ok++
			} else {
				_, _ = fmt.Fprintf(out, "NOT REFUSED: %s: %s\n", a.name, what)
			}
		})
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		_, _ = fmt.Fprintf(out, "%4d of %4d refused: %s\n", ok, n, a.name)
		if statistics != "" {
			_, _ = fmt.Fprintf(out, "                      %s\n", statistics)
		}
		tries, refused = tries+n, refused+ok
	}
	_, _ = fmt.Fprintf(out, "%d of %d refused\n", refused, tries)
	if refused < tries {
		return fmt.Errorf("%d attacks succeeded", tries-refused)
	}
	return nil
}

// start builds the example server and runs it on a free port of loopback.
func start() (address string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "attack")
	if err != nil {
		return "", nil, err
	}
	program := filepath.Join(dir, "server")
	remove := func() { _ = os.RemoveAll(dir) }
	build := exec.Command("go", "build", "-o", program, "github.com/seed-6f34412b/passport/examples/server") //nolint:gosec,noctx // a constant command into our own folder, which ends by itself
	if text, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the example: %w\n%s", err, text)
	}
	server := exec.Command(program, "-addr", "localhost:0") //nolint:gosec,noctx // what was just built; stop ends it
	server.Env = []string{"HOME=" + dir}
	stdout, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		remove()
		return "", nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
		remove()
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			address, _, _ = strings.Cut(rest, ",")
			go func() { // or the server would wait for a reader
				for lines.Scan() {
				}
			}()
			return address, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("the example did not start: %w", lines.Err())
}
