package store_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/store"
)

// Redis takes whatever go-redis offers: a Client, a ClusterClient, a failover
// client, a Ring. ContextTimeoutEnabled lets the client keep session.Config's
// StoreTimeout by itself.
func ExampleRedis() {
	server, err := miniredis.Run() // in production: a Redis server
	if err != nil {
		panic(err)
	}
	defer server.Close()

	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer client.Close()
	kept, err := store.Redis(client, store.RedisConfig{Name: "shop"})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	if err := kept.Sessions.Create(ctx, "some-id", []byte(`{"cookie":{}}`), time.Hour); err != nil {
		panic(err)
	}
	n, err := kept.Sessions.Count(ctx)
	fmt.Println(server.Keys(), n, err)
	// Output: [sess:some-id] 1 <nil>
}

func ExampleOpenRedis() {
	server, err := miniredis.Run() // in production: os.Getenv("REDIS_URL")
	if err != nil {
		panic(err)
	}
	defer server.Close()

	ctx := context.Background()
	kept, err := store.OpenRedis(ctx, "redis://"+server.Addr()+"/0", store.RedisConfig{Name: "shop"})
	if err != nil {
		panic(err)
	}
	defer func() { _ = kept.Close() }()
	n, err := kept.Sessions.Count(ctx)
	fmt.Println(n, err)
	// Output: 0 <nil>
}
