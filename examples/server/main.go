// Command server is the application of the article "Setting Up Sessions with NestJS,
// Passport, and Redis", in Go: the same paths, fields and texts, and a log-out.
//
//	go run ./examples/server
//	curl http://localhost:3000/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt
//	curl http://localhost:3000/protected -b cookie.joe.txt
//
// Read examples/internal/article/app.go first: it has the sessions, the guard and the routes. redis.go has
// the store. examples/sql is the same application on a database.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/seed-6f34412b/passport/examples/internal/article"
)

func main() {
	var url string
	article.Program{
		Name: "server", Embeds: "a Redis inside the program", Shares: "the same Redis",
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&url, "redis", os.Getenv("REDIS_URL"), "`URL` of the Redis that keeps the sessions, such as redis://localhost:6379/0. The default is $REDIS_URL; empty starts one inside this program, which forgets everything when it ends.")
		},
		Open: func(ctx context.Context, o article.StorageOptions) (article.Storage, error) { return open(ctx, url, o) },
	}.Main()
}
