package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// install fetches Express's packages from npm, the first time.
func install(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "package-lock.json")); err != nil {
		return fmt.Errorf("-dir: the Express application is not in %s: start this from the top of the repository, or say where it is", dir)
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed: Node 18 or later brings it (https://nodejs.org)", program)
		}
	}
	_, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fmt.Printf("installing Express's packages: npm ci, in %s\n", dir)
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-progress")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci, in %s: %w\n%s", dir, err, out)
	}
	return nil
}

// express is the running Express application.
type express struct {
	url  string
	done chan error // its end
}

// startExpress starts Node, which ends with ctx, or when this program does, however it
// ends.
func startExpress(ctx context.Context, dir, port, redisURL, secret string) (*express, error) {
	cmd := exec.CommandContext(ctx, "node", "app.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "REDIS_URL="+redisURL, "SESSION_SECRET="+secret, "PORT="+port)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if _, err := cmd.StdinPipe(); err != nil { // nothing is written: Node ends when it closes
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the Express application does not start: %w", errors.Join(err, cmd.Wait()))
	}
	x := &express{"http://localhost:" + strings.TrimSpace(line), make(chan error, 1)}
	go func() { x.done <- cmd.Wait() }()
	return x, nil
}
