// Command account is an application with the pages of an account: registration, log-in in five ways, a second
// factor, devices, keys, administration. Read it, run it, copy it.
//
//	go run ./examples/account
//
// README.md explains it, and says what to change first. Begin with app.go, which has the strategies, the
// guard and the routes. Each feature has a file, named after it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, o, func(url string) { fmt.Printf("open %s in a browser, Ctrl-C stops\n", url) })
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "account:", err)
		os.Exit(1)
	}
}

// options are the flags of the command line.
type options struct {
	addr, url, cert, key string
	db, redis, secret    string
	smtp, from           string
	admin, breached      string
	issuer, client       string
	clientSecret         string
	proxies              []netip.Prefix

	freshFor   time.Duration // the oldest log-in with which a user may change the account
	mailTime   time.Duration // how long the mail server may take for one mail
	fastHashes bool          // for tests
}

// parse reads the command line. Secrets can also come from the environment, which other users of the machine
// cannot see.
func parse(args []string) (o options, err error) {
	o.freshFor, o.mailTime = 10*time.Minute, 30*time.Second
	f := flag.NewFlagSet("account", flag.ContinueOnError)
	f.StringVar(&o.addr, "addr", "localhost:3000", "where to listen, as `host:port`")
	f.StringVar(&o.url, "url", "",
		"`URL` by which browsers know the site, if there is a proxy: https://app.example")
	f.StringVar(&o.cert, "tls-cert", "", "`file` of the certificate (PEM), to serve https")
	f.StringVar(&o.key, "tls-key", "", "`file` of the certificate's key (PEM)")
	f.StringVar(&o.db, "db", os.Getenv("DATABASE_URL"), "postgres://… or the name of an SQLite "+
		"`file`; $DATABASE_URL. Empty keeps all in memory")
	f.StringVar(&o.redis, "redis", os.Getenv("REDIS_URL"), "`URL` of a Redis for the sessions; $REDIS_URL. "+
		"Empty keeps them in the database")
	f.StringVar(&o.secret, "secret", os.Getenv("SESSION_SECRET"), "`text` of 32 random bytes or more, "+
		"which signs cookies and encrypts keys; $SESSION_SECRET. Empty makes one")
	f.StringVar(&o.smtp, "smtp", os.Getenv("SMTP_URL"), "smtp://user:password@host:port; $SMTP_URL. "+
		"Empty shows mails at /outbox, on localhost only")
	f.StringVar(&o.from, "from", "account@localhost", "`address` from which mails come")
	f.StringVar(&o.admin, "admin", "", "`address` whose owner is the administrator, and nobody else. "+
		"Empty leaves all roles as they are")
	f.StringVar(&o.breached, "breached", "https://api.pwnedpasswords.com/range/", "`URL` of a list "+
		"of stolen passwords. Empty asks none")
	f.StringVar(&o.issuer, "issuer", "", "`URL` of an OpenID provider to log in with; on localhost, "+
		"without it, an example is started")
	f.StringVar(&o.client, "client", "account", "what the provider calls this site")
	f.StringVar(&o.clientSecret, "client-secret", os.Getenv("CLIENT_SECRET"),
		"`text` that the provider gave it; $CLIENT_SECRET")
	f.Func("proxies", "`addresses` of proxies, such as 10.0.0.0/8,192.0.2.7", func(list string) error {
		proxies, err := guard.ParseProxies(list)
		o.proxies = append(o.proxies, proxies...)
		return err
	})
	if err = f.Parse(args); err == nil && f.NArg() > 0 {
		err = fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	return o, err
}
