package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/examples/internal/provider"
)

// run serves until ctx ends. It calls ready with the site's URL as soon as it listens.
func run(ctx context.Context, o options, ready func(url string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	a, closeBackend, err := open(ctx, o, l.Addr().(*net.TCPAddr))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer closeBackend()
	server := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // a log-in may wait 15 s for its turn to hash
		MaxHeaderBytes:    64 << 10,
	}
	ended := make(chan error, 1)
	go func() {
		if o.cert != "" {
			ended <- server.ServeTLS(l, o.cert, o.key)
			return
		}
		ended <- server.Serve(l)
	}()
	ready(a.url)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx) // waits for requests in progress
}

// open returns the application that the command line describes, and a function that closes its backend.
func open(ctx context.Context, o options, listens *net.TCPAddr) (*app, func(), error) {
	if err := o.complete(listens); err != nil {
		return nil, nil, err
	}
	if o.smtp == "" && o.issuer == "" {
		example := provider.Config{
			ClientID: o.client, ClientSecret: rand.Text(), Home: o.url,
			Redirects: []string{o.url + "/login/provider/callback", o.url + "/account/linked/callback"},
		}
		issuer, err := provider.Start(ctx, example)
		if err != nil {
			return nil, nil, err
		}
		o.issuer, o.clientSecret = issuer, example.ClientSecret
	}
	b, err := openBackend(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	a, err := newApp(ctx, o, b)
	if err != nil {
		b.close()
		return nil, nil, err
	}
	return a, b.close, nil
}

// complete sets the defaults. It refuses options that would show secrets to others: passwords over plain
// http, or everybody's mails at /outbox.
func (o *options) complete(listens *net.TCPAddr) error {
	if (o.cert == "") != (o.key == "") {
		return errors.New("-tls-cert and -tls-key go together")
	}
	if o.url == "" {
		scheme := "http"
		if o.cert != "" {
			scheme = "https"
		}
		host, _, err := net.SplitHostPort(o.addr)
		if err != nil {
			return fmt.Errorf("-addr: %w", err)
		}
		o.url = scheme + "://" + net.JoinHostPort(host, fmt.Sprint(listens.Port))
	}
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" || u.Path != "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("-url is not like https://app.example")
	}
	local := u.Hostname() == "localhost" && listens.IP.IsLoopback()
	if !local && (!o.secure() || o.smtp == "" || o.secret == "") {
		return errors.New("others than localhost can reach the site: it needs https " +
			"(-url, or -tls-cert and -tls-key), -smtp and -secret")
	}
	if o.secret == "" {
		o.secret = rand.Text() + rand.Text()
	}
	return nil
}

// secure reports whether browsers reach the site by https.
func (o *options) secure() bool { return strings.HasPrefix(o.url, "https:") }
