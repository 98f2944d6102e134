// Command node-peer runs an Express application and a Go program that share their
// sessions, and prints curl commands that show one log-in on both.
//
//	go run ./examples/node-peer
//
// It needs Node 18 or later, and fetches Express's packages from npm the first time.
// Read express/app.mjs and app.go side by side: they are the same application.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/seed-6f34412b/passport/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "node-peer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("node-peer", flag.ContinueOnError)
	goPort := f.String("go", "3000", "`port` of the Go program, on loopback")
	expressPort := f.String("express", "3001", "`port` of the Express application, on loopback")
	redisURL := f.String("redis", "", "`URL` of the Redis for both; empty starts one inside this program")
	dir := f.String("dir", filepath.Join("examples", "node-peer", "express"), "`folder` of the Express application")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := install(ctx, *dir); err != nil {
		return err
	}
	about := "the Redis of -redis"
	if *redisURL == "" {
		server := miniredis.NewMiniRedis()
		if err := server.Start(); err != nil {
			return err
		}
		defer server.Close()
		server.ClockTTL(true) // sessions expire
		*redisURL = "redis://" + server.Addr()
		about = *redisURL + ", inside this program"
	}
	// Tombstones: a slow request of Express must not bring a log-out by Go back.
	records, err := store.OpenRedis(ctx, *redisURL, store.RedisConfig{Name: "example", Tombstones: true})
	if err != nil {
		return fmt.Errorf("-redis: %w", err)
	}
	defer func() { _ = records.Close() }()

	secret := rand.Text() + rand.Text() // one for both
	handler, err := newApp(records, secret)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("localhost", *goPort))
	if err != nil {
		return fmt.Errorf("-go: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	x, err := startExpress(ctx, *dir, *expressPort, *redisURL, secret)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	_, port, _ := net.SplitHostPort(listener.Addr().String()) // a listener's address has one
	fmt.Printf(welcome, "http://localhost:"+port, x.url, about)

	select {
	case err = <-served:
	case end := <-x.done:
		err = errors.Join(errors.New("the Express application ended"), end)
		x.done <- nil
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		err = nil // Ctrl-C
	}
	stop()
	<-x.done //nolint:errcheck // it was told to stop
	within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(within))
}

// welcome says what to try. %[1]s is Go's address, %[2]s Express's, %[3]s Redis's.
const welcome = `
Go       %[1]s
Express  %[2]s
Redis    %[3]s

Log in to Express, and Go knows you. They share the counter, too:

  curl %[2]s/auth/login -d email=joefoo@test.com -d 'password=Passw0rd!' -c joe.txt
  curl %[2]s/whoami -b joe.txt
  curl %[1]s/whoami -b joe.txt
  curl %[2]s/whoami -b joe.txt

Log out of Go, and Express does not know you any more:

  curl -X POST %[1]s/auth/logout -b joe.txt
  curl %[2]s/whoami -b joe.txt

The other way round:

  curl %[1]s/auth/login -d email=jenbar@test.com -d 'password=P4ssword!' -c jen.txt
  curl %[2]s/whoami -b jen.txt
  curl -X POST %[2]s/auth/logout -b jen.txt
  curl %[1]s/whoami -b jen.txt

Ctrl-C stops everything.
`
