// Command attack tries common attacks on the example server, and prints how many of them were refused. It
// fails unless all were.
//
//	go run ./internal/attack                             start servers of its own, with all flags between them
//	go run ./internal/attack -url http://localhost:3000  attack a running server that was just started
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	address := flag.String("url", "", "attack the server at this `address` instead of one of its own")
	flag.Parse()
	if err := run(os.Stdout, *address); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

// run attacks the server at address. If that is "", it starts servers of its own, one after another, which
// together use all flags of the example.
func run(out io.Writer, address string) error {
	if address != "" {
		return attackAll(out, strings.TrimSuffix(address, "/"), attacks)
	}
	dir, err := os.MkdirTemp("", "attack")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program, err := build(dir)
	if err != nil {
		return err
	}
	redis, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer redis.Close()
	list, err := settings(dir, redis)
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range list {
		address, stop, err := start(program, dir, s.flags)
		if err != nil {
			return fmt.Errorf("start with %q: %w", s.flags, err)
		}
		_, _ = fmt.Fprintf(out, "== the server with %s\n", flagNames(s.flags))
		if err := attackAll(out, address, s.attacks); err != nil {
			failed = append(failed, fmt.Errorf("with %s: %w", flagNames(s.flags), err))
		}
		stop()
	}
	return errors.Join(failed...)
}

// flagNames returns the flags without their values.
func flagNames(flags []string) string {
	var names []string
	for _, f := range flags {
		if strings.HasPrefix(f, "-") {
			names = append(names, f)
		}
	}
	if names == nil {
		return "no flags"
	}
	return strings.Join(names, " ")
}

func attackAll(out io.Writer, address string, attacks []attack) error {
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

// build builds the example server in dir.
func build(dir string) (program string, err error) {
	program = filepath.Join(dir, "server")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/seed-6f34412b/passport/examples/server") //nolint:gosec // a constant command into our own folder
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the example: %w\n%s", err, text)
	}
	return program, nil
}

// start runs the example server on a free port of loopback.
func start(program, dir string, flags []string) (address string, stop func(), err error) {
	server := exec.Command(program, append([]string{"-addr", "localhost:0"}, flags...)...) //nolint:gosec,noctx // built above; stop ends it
	server.Env = []string{"HOME=" + dir}
	stdout, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			address, _, _ = strings.Cut(rest, ",")
			go func() { // otherwise the server would block on its output
				for lines.Scan() {
				}
			}()
			return address, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("the example server did not start: %w", lines.Err())
}
