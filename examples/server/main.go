// Command server is the application of the article "Setting Up Sessions with NestJS,
// Passport, and Redis", in Go: the same paths, fields and texts, and a log-out.
//
//	go run ./examples/server
//	curl http://localhost:3000/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt
//	curl http://localhost:3000/protected -b cookie.joe.txt
//
// Read app.go first: it has the sessions, the guard and the routes. users.go is the
// users table, totp.go a second factor, register.go a route of the application's own, redis.go where sessions
// lie, and serve.go how a server starts and stops.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-6f34412b/passport/session"
)

func main() {
	err := run(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	secure, err := o.tlsConfig()
	if err != nil {
		return err
	}
	listener, err := listen(o)
	if err != nil {
		return err
	}
	redis, err := openRedis(ctx, o.redis)
	if err != nil {
		return err
	}
	defer redis.close()
	handler, err := newApp(ctx, settings{
		redis: redis.client, codec: codec(o, log), plainHTTP: !o.tls(), express: o.expressSecret != "", totp: o.totp, log: log,
		deviceSecret: deviceSecret(o), trustedProxies: o.proxies, article: !o.tls() && !o.insecureHTTP,
	})
	if err != nil {
		return err
	}
	fmt.Printf(welcome, o.url(listener), redis.about)
	return serve(ctx, listener, handler, secure, log)
}

// welcome says what a stranger wants to know first. %[1]s is the server's address,
// %[2]s the store.
const welcome = `listening on %[1]s, Ctrl-C stops
store: %[2]s
users: joefoo@test.com with Passw0rd!, jenbar@test.com with P4ssword!

try:   curl %[1]s/auth/login -d 'email=joefoo@test.com&password=Passw0rd!' -c cookie.joe.txt
then:  curl %[1]s/protected -b cookie.joe.txt

`

// codec says how cookies are signed: our own way, or Express's.
func codec(o options, log *slog.Logger) session.Codec {
	switch {
	case len(o.expressSecret) >= 32:
		return session.Express(o.expressSecret)
	case o.expressSecret != "":
		log.Warn("-express-secret has fewer than 32 bytes, and can be guessed from a cookie")
		return session.InsecureExpress(o.expressSecret)
	case o.secret == "":
		log.Warn("neither -secret nor $SESSION_SECRET is given: a random one signs the cookies, and a restart logs everyone out")
		return session.SecureCookie(rand.Text() + rand.Text())
	}
	return session.SecureCookie(o.secret)
}

// deviceSecret is made of the secret that signs sessions, so that there is one to keep.
func deviceSecret(o options) string {
	for _, secret := range []string{o.secret, o.expressSecret} {
		if secret != "" {
			return "known browsers, signed with " + secret
		}
	}
	return rand.Text() + rand.Text()
}
