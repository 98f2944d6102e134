package article

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// hostPort splits -addr. Without a host it means loopback, and not every address of the
// machine as in package net.
func (o *options) hostPort() (host, port string, err error) {
	host, port, err = net.SplitHostPort(o.addr)
	if host == "" {
		host = "localhost"
	}
	return host, port, err
}

// listen opens the port, unless passwords would travel over the network in the clear.
func listen(o options) (*net.TCPListener, error) {
	host, port, err := o.hostPort()
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !addr.IP.IsLoopback() && !o.tls() && !o.insecureHTTP {
		return nil, fmt.Errorf("-addr %s can be reached from other machines, and plain http shows them passwords and cookies: give -tls-cert and -tls-key, or -insecure-http if a proxy in front speaks https", o.addr)
	}
	return net.ListenTCP("tcp", addr)
}

// tlsConfig returns the certificate to serve with, or nil for plain http.
func (o *options) tlsConfig() (*tls.Config, error) {
	if !o.tls() {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, fmt.Errorf("-tls-cert, -tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}, nil
}

// url returns where a client finds the server.
func (o *options) url(l *net.TCPListener) string {
	scheme := "http"
	if o.tls() {
		scheme = "https"
	}
	host, _, _ := o.hostPort() // listen checked it
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// serve serves until ctx ends, and then lets the requests under way finish.
func serve(ctx context.Context, l net.Listener, h http.Handler, secure *tls.Config, log *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		TLSConfig:         secure,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a log-in may wait 15 s for its turn to hash
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() {
		if secure != nil {
			ended <- server.ServeTLS(l, "", "")
			return
		}
		ended <- server.Serve(l)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: no new requests are accepted, and those under way may finish")
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}
