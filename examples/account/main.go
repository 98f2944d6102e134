// Command account is an application with the pages of an account: registration, log-in in five ways, a second
// factor, devices, keys, administration. Read it, run it, copy it.
//
//	go run ./examples/account
//
// README.md explains it, and says what to change first. Begin with app.go, which has the strategies, the
// guard and the routes. Each feature has a file, named after it.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL
	_ "modernc.org/sqlite"             // SQLite

	"github.com/seed-6f34412b/passport/examples/internal/provider"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/store/sqlstore"
	"github.com/seed-6f34412b/passport/strategy/password"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o, func(url string) { fmt.Printf("open %s in a browser, Ctrl-C stops\n", url) })
	}
	if stop(); err != nil {
		log.Fatalln("account:", err)
	}
}

// options are the flags of the command line.
type options struct {
	addr, url, cert, key, proxies, db, redis, secret, smtp, from, admin, breached, issuer, client string

	clientSecret string
	freshFor     time.Duration // the oldest log-in with which a user may change the account
	mailTime     time.Duration // how long the mail server may take for one mail
	hasher       password.Hasher
}

// parse reads the command line. Secrets can also come from the environment, which other users of the machine
// cannot see, nor readers of -h.
func parse(args []string) (options, error) {
	o := options{freshFor: 10 * time.Minute, mailTime: 30 * time.Second, hasher: &password.Argon2id{}}
	f := flag.NewFlagSet("account", flag.ExitOnError)
	env := func(to *string, name, variable, usage string) {
		f.StringVar(to, name, "", usage+"; $"+variable)
		*to = os.Getenv(variable) // not as the default, which -h shows
	}
	f.StringVar(&o.addr, "addr", "localhost:3000", "where to listen, as `host:port`")
	f.StringVar(&o.url, "url", "", "`URL` by which browsers know the site, if it is behind a proxy")
	f.StringVar(&o.cert, "tls-cert", "", "`file` of the certificate (PEM), to serve https")
	f.StringVar(&o.key, "tls-key", "", "`file` of the certificate's key (PEM)")
	f.StringVar(&o.proxies, "proxies", "", "`addresses` of proxies, such as 10.0.0.0/8,192.0.2.7")
	env(&o.db, "db", "DATABASE_URL", "postgres://… or an SQLite `file`; without it all is in memory")
	env(&o.redis, "redis", "REDIS_URL", "`URL` of a Redis for sessions; without it they are in the database")
	env(&o.secret, "secret", "SESSION_SECRET", "`text` of 32 random bytes, with which to sign and encrypt")
	env(&o.smtp, "smtp", "SMTP_URL", "smtp://user:password@host:port; without it mails are at /outbox")
	f.StringVar(&o.from, "from", "account@localhost", "`address` from which mails come")
	f.StringVar(&o.admin, "admin", "", "`address` of the only administrator; without it all roles stay")
	f.StringVar(&o.breached, "breached", "https://api.pwnedpasswords.com/range/", "`URL` of stolen passwords")
	f.StringVar(&o.issuer, "issuer", "", "`URL` of an OpenID provider; on localhost it may be an example")
	f.StringVar(&o.client, "client", "account", "what the provider calls this site")
	env(&o.clientSecret, "client-secret", "CLIENT_SECRET", "`text` that the provider gave it")
	_ = f.Parse(args) // it exits after a mistake
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	return o, nil
}

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

// openBackend opens the database, makes the tables that are missing, and chooses where sessions are kept.
// What else the library keeps, such as links that work once, is in the database. run closes it.
func openBackend(ctx context.Context, o options) (*sql.DB, *sqlstore.Stores, session.Store) {
	db, dialect, err := sqlstore.OpenDB(ctx, cmp.Or(o.db, ":memory:"))
	must(db, err)
	must(db.ExecContext(ctx, tables))
	s := must(sqlstore.New(ctx, db, sqlstore.Config{Dialect: dialect, Migrate: true}))
	go s.Upkeep(ctx, 0, nil) // removes what has expired
	if o.redis == "" {
		return db, s, s.Sessions
	}
	return db, s, must(store.OpenRedis(ctx, o.redis, store.RedisConfig{Name: "account"})).Sessions
}
