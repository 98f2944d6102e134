package store

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// OpenRedis connects to the Redis that url names, and returns what a program keeps there:
//
//	shop, err := store.OpenRedis(ctx, "redis://user:password@localhost:6379/0", store.RedisConfig{Name: "shop"})
//
// rediss:// is TLS, unix:// is a socket, and [redis.ParseURL] has the parameters, such as ?pool_size=50. It
// calls [RedisStores.Check], and its error is every mistake in cfg, or all that Check finds. No error has the
// password in it. Call [RedisStores.Close] at the end. For a cluster, for Sentinel, and for a client that the
// program uses elsewhere too, there is [Redis].
func OpenRedis(ctx context.Context, url string, cfg RedisConfig) (*RedisStores, error) {
	opt, err := redis.ParseURL(url) // whose error may quote the password
	switch {
	case err != nil, opt.PoolSize < 0,
		strings.Contains(url, "#"), !strings.Contains(url, "://"), // ParseURL ignores what follows
		strings.Contains(opt.Addr, "@"): // of a socket whose path begins in the password
		return nil, errBadURL
	}
	opt.ContextTimeoutEnabled = true
	client := redis.NewClient(opt)
	s, err := Redis(client, cfg)
	if err == nil {
		err = s.Check(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	s.opened = client
	return s, nil
}

var errBadURL = errors.New("store: open: the URL is not like redis://user:password@localhost:6379/0: " +
	"a password's / and # are written %2F and %23")

// Close closes the connections of [OpenRedis]. If the client is the program's own, it does nothing.
func (s *RedisStores) Close() error {
	if s.opened == nil {
		return nil
	}
	return s.opened.Close()
}
