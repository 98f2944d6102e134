package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/examples/internal/article"
	"github.com/seed-6f34412b/passport/store"
)

// open returns the store in the Redis at url. Its errors say what is wrong with the Redis.
func open(ctx context.Context, url string, o article.StorageOptions) (article.Storage, error) {
	b, err := openRedis(ctx, url)
	if err != nil {
		return article.Storage{}, err
	}
	// Tombstones: a slow request of Express must not bring a log-out by Go back. Notify: a log-out ends streams
	// in every process.
	shared, err := store.Redis(b.client, store.RedisConfig{Name: "example", Tombstones: o.Express, Notify: true})
	if err == nil {
		err = shared.Check(ctx)
	}
	if err != nil {
		b.close()
		return article.Storage{}, err
	}
	return article.Storage{Sessions: shared.Sessions, Counter: shared.Counter, Cells: shared.Cells, About: b.about, Close: b.close}, nil
}

// backend is the Redis that keeps the sessions.
type backend struct {
	client *redis.Client
	about  string // for people
	close  func()
}

// openRedis connects to the Redis at url, or to one inside this program for "".
func openRedis(ctx context.Context, url string) (backend, error) {
	if url == "" {
		return embedded()
	}
	opt, err := redis.ParseURL(url)
	if err != nil {
		return backend{}, errors.New("-redis is not a URL like redis://localhost:6379/0") // err may quote the password in it
	}
	opt.ContextTimeoutEnabled = true
	client := redis.NewClient(opt)
	if err := client.Ping(ctx).Err(); err != nil {
		_ = client.Close() // the error above says more
		return backend{}, fmt.Errorf("-redis: no answer from %s: %w", opt.Addr, err)
	}
	about := fmt.Sprintf("Redis at %s, database %d", opt.Addr, opt.DB)
	return backend{client, about, func() { _ = client.Close() }}, nil
}

// embedded returns a Redis inside this program. Its clock runs, so that sessions expire. It listens on a port
// of loopback, since a pipeline needs a connection with buffers, and a random password keeps others out.
func embedded() (backend, error) {
	server, password := miniredis.NewMiniRedis(), rand.Text()
	server.ClockTTL(true)
	server.RequireAuth(password)
	if err := server.Start(); err != nil {
		return backend{}, fmt.Errorf("the Redis inside this program: %w", err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: password, ContextTimeoutEnabled: true})
	about := "a Redis inside this program, which forgets everything when it ends (see -redis)"
	return backend{client, about, func() {
		_ = client.Close()
		server.Close()
	}}, nil
}
