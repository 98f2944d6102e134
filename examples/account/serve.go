package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/examples/internal/provider"
)

// run serves until ctx ends. It calls ready with the site's URL as soon as it listens.
func run(ctx context.Context, o options, ready func(url string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, o, l.Addr().(*net.TCPAddr))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { _ = a.users.db.Close() }()
	server := &http.Server{
		Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		MaxHeaderBytes: 64 << 10, WriteTimeout: 30 * time.Second, // a log-in may wait 15 s to hash
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx) // waits for requests in progress
	})
	ready(a.url)
	if o.cert == "" {
		err = server.Serve(l)
	} else {
		err = server.ServeTLS(l, o.cert, o.key)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	return err
}

// complete sets the defaults, for a server that listens there. It refuses options that would show secrets to
// others: passwords over plain http, or everybody's mails at /outbox.
func (o *options) complete(ctx context.Context, listens *net.TCPAddr) {
	scheme := "http://"
	if o.cert != "" || o.key != "" {
		must(tls.LoadX509KeyPair(o.cert, o.key)) // before ready is called
		scheme = "https://"
	}
	host, _, _ := net.SplitHostPort(o.addr)
	o.url = cmp.Or(o.url, scheme+net.JoinHostPort(host, strconv.Itoa(listens.Port)))
	u := must(url.Parse(o.url)) // passkey.New refuses what is not an origin
	local := u.Hostname() == "localhost" && listens.IP.IsLoopback()
	if !local && (!o.secure() || o.smtp == "" || o.secret == "") {
		must(0, errors.New("others than localhost can reach the site: it needs https "+
			"(-url, or -tls-cert and -tls-key), -smtp and -secret"))
	}
	o.secret = cmp.Or(o.secret, rand.Text()+rand.Text())
	if o.smtp == "" && o.issuer == "" {
		o.clientSecret = rand.Text()
		o.issuer = must(provider.Start(ctx, provider.Config{
			ClientID: o.client, ClientSecret: o.clientSecret, Home: o.url,
			Redirects: []string{o.url + "/login/provider/callback", o.url + "/account/linked/callback"},
		}))
	}
}

// secure reports whether browsers reach the site by https.
func (o *options) secure() bool { return strings.HasPrefix(o.url, "https:") }
