package article

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/guard"
)

// options are what the command line says.
type options struct {
	addr          string
	secret        string
	expressSecret string
	tlsCert       string
	tlsKey        string
	insecureHTTP  bool
	totp          bool
	deviceBound   time.Duration
	proxies       []netip.Prefix
}

func (o *options) tls() bool { return o.tlsCert != "" }

// parse reads the command line. The error is flag.ErrHelp after -h.
func (p Program) parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	f.StringVar(&o.addr, "addr", ":3000", "where to listen, as `host:port`; without a host, on this machine's loopback only. The default is :3000.")
	f.StringVar(&o.secret, "secret", os.Getenv("SESSION_SECRET"), "`text` of at least 32 random bytes that signs the cookies. The default is $SESSION_SECRET, which other users of the machine do not see; empty makes a random one.")
	f.StringVar(&o.expressSecret, "express-secret", "", "speak connect.sid with this secret, a `text`, instead of our own cookie: the sessions are then shared with an Express or NestJS application that uses the same secret and "+p.Shares+".")
	f.StringVar(&o.tlsCert, "tls-cert", "", "`file` of the certificate (PEM), to serve https. Needs -tls-key.")
	f.StringVar(&o.tlsKey, "tls-key", "", "`file` of the certificate's key (PEM).")
	f.BoolVar(&o.insecureHTTP, "insecure-http", false, "serve plain http on other addresses than loopback too. Passwords and cookies can be read on the way, unless a proxy in front speaks https.")
	f.BoolVar(&o.totp, "totp", false, "offer a second factor: POST /auth/totp/new and POST /auth/totp/confirm set up an authenticator app. Who has one is asked for its code, by POST /auth/totp, after each log-in; GET /vault asks everyone.")
	f.DurationVar(&o.deviceBound, "device-bound", 0, "bind sessions to a key of the browser's device, so that a copied cookie is of use for no longer than this `time`, such as 10m, or 12s to see it. The default, 0, binds none. Needs -tls-cert and -tls-key. See docs/DEVICE-BOUND.md.")
	f.Func("trusted-proxies", "`addresses` of the proxies in front, such as 10.0.0.0/8,192.0.2.7: what they say in X-Forwarded-For is believed. Without them all clients of a proxy count as one, and a stranger can use up the log-in attempts of all.", func(list string) error {
		proxies, err := guard.ParseProxies(list)
		o.proxies = append(o.proxies, proxies...)
		return err
	})
	p.Flags(f)
	f.Usage = func() { p.usage(f) }
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is not a flag: see -h", f.Arg(0))
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return o, errors.New("-tls-cert and -tls-key go together: give both, or none for plain http")
	case o.deviceBound != 0 && !o.tls():
		return o, errors.New("-device-bound needs https, or no browser binds a session: give -tls-cert and -tls-key, too")
	}
	return o, nil
}

// usage prints the flags without their values, two of which can be secrets.
func (p Program) usage(f *flag.FlagSet) {
	text := "Usage: " + p.Name + ` [flags]

An application with registration, log-in and log-out, and pages for those who
are logged in. Without flags it needs nothing installed: it listens on
http://localhost:3000 and keeps its sessions in ` + p.Embeds + ".\n\n"
	f.VisitAll(func(x *flag.Flag) {
		value, about := flag.UnquoteUsage(x)
		text += strings.TrimRight("  -"+x.Name+" "+value, " ") + "\n" + wrapped(about) + "\n"
	})
	_, _ = io.WriteString(f.Output(), text)
}

// wrapped breaks text into indented lines.
func wrapped(text string) string {
	const indent, width = "        ", 80
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
