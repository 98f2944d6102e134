package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Start serves the provider of cfg on a free port of the loopback until ctx ends. Config.Issuer is ignored: it
// returns the provider's address.
func Start(ctx context.Context, cfg Config) (issuer string, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	cfg.Issuer = "http://" + l.Addr().String()
	h, err := New(cfg)
	if err != nil {
		return "", errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return cfg.Issuer, nil
}
