package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"

	"github.com/alicebob/miniredis/v2"

	"github.com/seed-6f34412b/passport/examples/internal/article"
	"github.com/seed-6f34412b/passport/store"
)

// open returns the store in the Redis at address, or in one inside this program for "". Its errors say what is
// wrong with the Redis.
func open(ctx context.Context, address string, o article.StorageOptions) (article.Storage, error) {
	about, stop := "a Redis inside this program, which forgets everything when it ends (see -redis)", func() {}
	if address == "" {
		var err error
		if address, stop, err = embedded(); err != nil {
			return article.Storage{}, err
		}
	} else if u, err := url.Parse(address); err == nil {
		about = "Redis at " + u.Redacted()
	}
	// Tombstones: a slow request of Express must not bring a log-out by Go back. Notify: a log-out ends streams
	// in every process.
	s, err := store.OpenRedis(ctx, address, store.RedisConfig{Name: "example", Tombstones: o.Express, Notify: true})
	if err != nil {
		stop()
		return article.Storage{}, fmt.Errorf("-redis: %w", err)
	}
	return article.Storage{Sessions: s.Sessions, Counter: s.Counter, Cells: s.Cells, About: about, Close: func() {
		_ = s.Close()
		stop()
	}}, nil
}

// embedded starts a Redis inside this program, and returns its URL. Its clock runs, so that sessions expire. It
// listens on a port of loopback, since a pipeline needs a connection with buffers, and a random password keeps
// others out.
func embedded() (address string, stop func(), err error) {
	server, password := miniredis.NewMiniRedis(), rand.Text()
	server.ClockTTL(true)
	server.RequireAuth(password)
	if err := server.Start(); err != nil {
		return "", nil, fmt.Errorf("the Redis inside this program: %w", err)
	}
	return "redis://:" + password + "@" + server.Addr(), server.Close, nil
}
