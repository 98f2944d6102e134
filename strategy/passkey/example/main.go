// Command example is an application whose users log in with a password or with a passkey.
//
//	go run ./strategy/passkey/example
//
// It needs nothing else: http://localhost is enough for passkeys. Read app.go first: it has the strategies,
// the guard and the routes. users.go has the users table and the table of passkeys, passkeys.js the whole
// script that passkeys need, and page.js what these two pages do with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-6f34412b/passport/strategy/password"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "where to listen: a `port` of localhost")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr, &password.Bcrypt{}, func(url string) {
		fmt.Printf("open %s in a browser, Ctrl-C stops\nusers: %s with %s, or register\n", url, exampleEmail, examplePassword)
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// run serves the application until ctx ends. It calls ready when it can be reached.
func run(ctx context.Context, addr string, hasher password.Hasher, ready func(url string)) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "localhost" {
		return fmt.Errorf("-addr %s: give localhost and a port: without TLS browsers have passkeys there alone", addr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("localhost", port))
	if err != nil {
		return err
	}
	url := "http://localhost:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	handler, err := newApp(url, hasher)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready(url)
	select {
	case err = <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // time for requests in progress
	defer cancel()
	return server.Shutdown(ctx)
}
