// Command social is an application whose users log in by a password or with an OpenID
// provider, and can connect the two. It starts the provider too, so that nothing needs to
// be installed or registered.
//
//	go run ./examples/social
//
// Read app.go first: it has the strategies, the guards and the routes. users.go is the
// users table. The provider is examples/internal/provider, which is only for examples.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-6f34412b/passport/examples/internal/provider"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "where the application listens: a port of the loopback")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr, func(s *site) {
		fmt.Printf("open %s in a browser, Ctrl-C stops\n", s.app)
		fmt.Printf("users: %s with %s; at the provider (%s) whom you like\n", exampleEmail, examplePassword, s.provider)
	})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "social:", err)
		os.Exit(1)
	}
}

// site says where the two sites are.
type site struct{ app, provider string }

// run serves both sites until ctx ends. It calls ready when they can be reached.
func run(ctx context.Context, addr string, ready func(*site)) error {
	appListener, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	providerListener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, appListener.Close())
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.Join(err, appListener.Close(), providerListener.Close())
	}
	s := &site{
		app:      "http://" + net.JoinHostPort(host, strconv.Itoa(appListener.Addr().(*net.TCPAddr).Port)),
		provider: "http://" + providerListener.Addr().String(),
	}
	op, err := provider.New(provider.Config{
		Issuer: s.provider, ClientID: clientID, ClientSecret: clientSecret, Redirects: []string{s.app + callbackPath, s.app + linkPath},
		Home: s.app + "/", BackChannel: s.app + backChannelPath,
	})
	if err != nil {
		return errors.Join(err, appListener.Close(), providerListener.Close())
	}
	app, err := newApp(s)
	if err != nil {
		return errors.Join(err, appListener.Close(), providerListener.Close())
	}
	ended := make(chan error, 2)
	servers := []*http.Server{serve(appListener, app, ended), serve(providerListener, op, ended)}
	ready(s)
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	// The requests under way may finish.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(ctx))
	}
	return err
}

// listen opens a port of the loopback: passwords and cookies travel in the clear here.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("-addr %s can be reached from other machines: this example is for localhost", addr)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

func serve(l net.Listener, h http.Handler, ended chan<- error) *http.Server {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			ended <- err
		}
	}()
	return server
}
