package article

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
	"github.com/seed-6f34412b/passport/strategy"
)

// Program is one of the programs that run the application. They differ in their store.
type Program struct {
	Name   string // of the command
	Embeds string // the store that is used without flags, in the words "keeps its sessions in …"
	Shares string // what an Express application must use too, in the words "uses the same secret and …"

	// Flags adds the program's own flags to those that all have.
	Flags func(*flag.FlagSet)

	// Open opens the store, after the flags have been read. Its errors name the flag, and no password.
	Open func(ctx context.Context, o StorageOptions) (Storage, error)
}

// StorageOptions is what a store has to know of the application.
type StorageOptions struct {
	Express bool         // Express or NestJS writes the same sessions
	Logger  *slog.Logger // never nil
}

// Storage is where an application stores what it keeps.
type Storage struct {
	Sessions session.Store
	Counter  strategy.Counter // of attempts, for all processes on this store
	Cells    strategy.Cells   // used codes of authenticator apps
	About    string           // for people: what it is, and where
	Close    func()
}

// Main is the function main of a program.
func (p Program) Main() {
	err := p.run(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, p.Name+":", err)
		os.Exit(1)
	}
}

func (p Program) run(args []string) error {
	o, err := p.parse(args)
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
	storage, err := p.Open(ctx, StorageOptions{Express: o.expressSecret != "", Logger: log})
	if err != nil {
		return err
	}
	defer storage.Close()
	handler, err := newApp(settings{
		storage: storage, codec: codec(o, log), plainHTTP: !o.tls(), totp: o.totp, log: log,
		deviceSecret: deviceSecret(o), trustedProxies: o.proxies, article: !o.tls() && !o.insecureHTTP, deviceBound: o.deviceBound,
	})
	if err != nil {
		return err
	}
	fmt.Printf(welcome, o.url(listener), storage.About)
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

// deviceSecret is derived from the secret that signs sessions, so that only one has to be kept.
func deviceSecret(o options) string {
	for _, secret := range []string{o.secret, o.expressSecret} {
		if secret != "" {
			return "known browsers, signed with " + secret
		}
	}
	return rand.Text() + rand.Text()
}
