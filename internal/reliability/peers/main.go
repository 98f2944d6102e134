// Command peers runs the races of package scenario with other session libraries, and with this one, each
// used as its documentation shows, all on one Redis. It prints how many times each broke the promises, as
// Markdown. It needs redis-server, node and npm. It is a module of its own, so that the core module does
// not require the other libraries:
//
//	cd internal/reliability/peers && GOWORK=off go run .
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/store"
)

func main() {
	size := flag.Int("size", 1000, "rounds of each race; 0 for none, and streams alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *size); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// peer is a library and a function that starts a program with it, which listens at the returned address
// until ctx ends.
type peer struct {
	name  string
	start func(ctx context.Context, redisAddr string) (url string, err error)
}

var peers = []peer{
	{"this library", inGo(ours)},
	{"scs 2.9.0 + goredisstore", inGo(withSCS)},
	{"gorilla/sessions 1.4.0 + boj/redistore 1.4.1", inGo(withGorilla)},
	{"express-session 1.19.0 + connect-redis 10.0.0 + passport 0.7.0", inNode},
}

// run runs every scenario with every peer.
func run(ctx context.Context, size int) error {
	addr, err := startRedis(ctx)
	if err != nil {
		return err
	}
	if size == 0 {
		return streams(ctx, addr)
	}
	results := make([][]scenario.Result, len(peers))
	for i, p := range peers {
		fmt.Fprintln(os.Stderr, "#", p.name)
		url, err := p.start(ctx, addr)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		target, err := scenario.At(url)
		if err != nil {
			return err
		}
		results[i] = scenario.All(ctx, target, size)
		target.Close()
	}
	fmt.Print("### 8. The same races, other libraries\n\n| Promise: none of")
	for _, p := range peers {
		fmt.Print(" | ", p.name)
	}
	fmt.Print(" |\n|", strings.Repeat("---|", len(peers)+1), "\n")
	for k := range results[0] {
		fmt.Print("| ", results[0][k].Name)
		for i := range peers {
			fmt.Print(" | ", results[i][k])
			if n := results[i][k].Failed; n > 0 {
				fmt.Printf(" (%d refused)", n)
			}
		}
		fmt.Println(" |")
	}
	fmt.Println()
	if err := streams(ctx, addr); err != nil {
		return err
	}
	return ctx.Err()
}

// startRedis starts a redis-server without persistence, until ctx ends.
func startRedis(ctx context.Context) (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr = l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err = errors.Join(err, l.Close()); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	cmd.Stderr = os.Stderr
	if err := startWithUs(cmd); err != nil {
		return "", err
	}
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer c.Close()
	for range 100 {
		if err = c.Ping(ctx).Err(); err == nil {
			return addr, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("redis-server does not answer: %w", err)
}

// inGo serves, in this process, the handler that make returns.
func inGo(make func(redisAddr string) (http.Handler, error)) func(context.Context, string) (string, error) {
	return func(ctx context.Context, redisAddr string) (string, error) {
		h, err := make(redisAddr)
		if err != nil {
			return "", err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
		go func() { _ = srv.Serve(l) }() // until the program ends
		return "http://" + l.Addr().String(), nil
	}
}

// ours is this library, used as in package rig.
func ours(redisAddr string) (http.Handler, error) {
	st, err := store.Redis(redis.NewClient(&redis.Options{Addr: redisAddr}), store.RedisConfig{Name: "test"})
	if err != nil {
		return nil, err
	}
	return rig.New(st.Sessions)
}

// inNode starts node/server.mjs.
func inNode(ctx context.Context, redisAddr string) (string, error) {
	return node(ctx, "server.mjs", "redis://"+redisAddr)
}

// node starts a program of the folder node, which prints its port.
func node(ctx context.Context, args ...string) (string, error) {
	if err := install(ctx); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir, cmd.Stderr = "node", os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := startWithUs(cmd); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("node: %w", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(line), nil
}

var installed bool

// install installs the packages of the folder node, once.
func install(ctx context.Context) error {
	if installed {
		return nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir, cmd.Stderr = "node", os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	installed = true
	return nil
}
