package session

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// Config says how sessions are kept. Only Store and Codec are required; every zero
// value is the safe choice. [New] copies it.
type Config struct {
	// Store keeps the records. Its contexts have the request's values, except the session and its
	// user, which are locked during the call. Express: store.
	Store Store

	// Codec signs the id in the cookie: [SecureCookie], or [Express] to share
	// sessions with express-session. Express: secret.
	Codec Codec

	// AlsoAccept lists other cookies under which a session is still found, after the primary
	// one, in this order. Log-out ends their sessions and expires them too. So list every
	// earlier Name, Domain, Path, Partitioned and Codec here, for as long as browsers may have
	// such a cookie. While processes are replaced one after the other, all of them first
	// accept the new cookie: see docs/MIGRATING.md, step 5.
	AlsoAccept []Accept

	// Name is the cookie's name. Empty means "connect.sid" with an Express codec;
	// otherwise "__Host-sid", or "sid" where the __Host- prefix is not allowed:
	// with InsecureHTTP, Domain, or another Path than "/". Express: name.
	Name string

	// Domain lets the hosts below it see the cookie: a name with a dot in it, since browsers
	// refuse cookies for a whole top-level domain, and no public suffix, such as co.uk or
	// github.io. Letters beyond ASCII are written in punycode. Empty keeps the cookie to the host
	// that set it. Express: cookie.domain.
	Domain string

	// Path is the path below which the cookie is sent. Empty means "/". Express: cookie.path.
	Path string

	// SameSite says which requests from other sites carry the cookie. Zero and
	// http.SameSiteDefaultMode mean Lax: links do, forms, frames and scripts do not. Express:
	// cookie.sameSite.
	//
	// A request that comes without the cookie for that reason (Sec-Fetch-Site: cross-site)
	// makes no session, whose cookie would replace the visitor's: its changes are visible in
	// that request alone, and a line in the log says so. Only a log-in by credentials is
	// stored. So a page to which another site posts, such as a payment provider, answers 303 to
	// a page of its own, where the browser sends the cookie. Under Strict it does not send it
	// there, nor with links from elsewhere, until the visitor's next click; guards answer such
	// a browser with a page that repeats the request from this site.
	SameSite http.SameSite

	// InsecureHTTP leaves out the Secure attribute, so that the cookie also travels over plain
	// http. It is for development on loopback. Express: the opposite of cookie.secure.
	InsecureHTTP bool

	// ScriptReadable leaves out the HttpOnly attribute, so that scripts in the page can
	// read the cookie. Express: the opposite of cookie.httpOnly.
	ScriptReadable bool

	// Partitioned keeps a cookie in an embedded page apart for each embedding site
	// (CHIPS). Express: cookie.partitioned.
	Partitioned bool

	// Priority is "Low", "Medium", "High" or empty for none: which cookies Chromium
	// drops first. Express: cookie.priority.
	Priority string

	// Persistent makes the browser keep the cookie when it closes, until the log-in's
	// absolute deadline: by Expires, and by Max-Age too unless Codec is Express's, which never
	// sends that. A session's own [Session.SetMaxAge] takes precedence. Express: a cookie.maxAge.
	Persistent bool

	// Rolling sends the cookie again whenever the session is refreshed, with the idle
	// deadline as its Expires, as express-session does. A response that arrives late can then
	// bring an older cookie back. It extends persistent cookies: those of Persistent, of
	// [Session.SetMaxAge], or with Node's maxAge. So it is allowed without Persistent; for
	// sessions that end with the browser it only sends the same cookie again. Express:
	// rolling.
	Rolling bool

	// IdleTimeout ends a session that was not used for this long. Zero means 24 hours.
	// A record's own cookie.originalMaxAge takes precedence. Express: cookie.maxAge and
	// connect-redis ttl.
	IdleTimeout time.Duration

	// AbsoluteTimeout ends a log-in this long after its credentials were checked, even
	// if it is used. Zero means 30 days. Express has none.
	AbsoluteTimeout time.Duration

	// RefreshAfter is how long after the last refresh a request that uses the session
	// refreshes it, that is, moves its idle deadline. Zero means a tenth of
	// IdleTimeout. Express: touch, on every request.
	RefreshAfter time.Duration

	// WatchInterval is how often guard.Guard.Watch reads the sessions it watches: the longest
	// delay until it notices the end of a log-in, if the store sent no notice (see [Notifier]).
	// Zero means 30 seconds; at most five minutes: a store without tombstones forgets after ten
	// where a session went on that was renewed, and its streams would end with the old id.
	WatchInterval time.Duration

	// StoreTimeout limits how long a request waits for the store at each step: the
	// load, and the commit with its retries. Zero means 2 seconds; at most a minute.
	StoreTimeout time.Duration

	// DeviceBound has browsers bind sessions to a key of their device. Its zero value binds none.
	// It is experimental. Express has none.
	DeviceBound DeviceBound

	// Logger gets warnings and errors for operators. Nil means slog.Default(). No id, cookie
	// or value is ever logged; a session appears as its [Session.Ref]. A line may be written
	// while its session is locked: a Handler that asks for the session gets an error from
	// [FromContext] then, and a panic from the methods of a Session that it has already.
	Logger *slog.Logger

	// ErrorHandler answers a request whose commit failed; nothing of the handler's own
	// response is sent. Nil leaves that to the guard whose middleware is around the
	// handler, which answers as it does every other refusal: by guard.Config.Error, or
	// guard.Guard.Error. If there is no guard, a fixed text is sent. By default
	// [ErrSessionEnded] and [ErrSessionChanged] are 409 and other errors 503. If an
	// ErrorHandler writes nothing, the answer is the one for nil. The cause is already
	// in the log.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)
}

// Accept is another cookie under which sessions are found.
type Accept struct {
	// Name is the cookie's name. Empty means the usual one for its Codec, Domain and Path, as in
	// Config.Name.
	Name string
	// Codec reads the cookie.
	Codec Codec
	// Domain, Path and Partitioned are that cookie's attributes: a browser forgets a cookie only
	// when they are the same. Empty Domain means none, empty Path "/". A name that was used with
	// several of them, the primary one included, has an entry for each, with the same Codec.
	Domain, Path string
	Partitioned  bool
	// Reissue sends a session that came under this cookie back under the primary name
	// and codec, with the same id, so that the old cookie can be retired. It costs no
	// store command.
	Reissue bool
}

// Defaults of Config, and the longest life a browser grants a cookie
// (RFC 6265bis §5.5: 400 days).
const (
	defaultIdle     = 24 * time.Hour
	defaultAbsolute = 30 * 24 * time.Hour
	defaultWatch    = 30 * time.Second
	maxWatch        = 5 * time.Minute
	defaultStore    = 2 * time.Second
	maxStoreTimeout = time.Minute // with a longer one an outage would look like a hang
)

// usualName returns the default name of a cookie.
func (c *Config) usualName(codec Codec, domain, path string) string {
	switch {
	case codec != nil && codec.codec().Kind() == cookies.KindExpress:
		return "connect.sid"
	case c.InsecureHTTP || domain != "" || path != "/":
		return "sid"
	}
	return "__Host-sid"
}

// complete fills in the defaults and returns every mistake.
func (c *Config) complete() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf("session: Config."+format, a...)) }

	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	if v := reflect.ValueOf(c.Store); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		bad("Store is nil: use store.Redis or store.Memory")
	}
	if c.Codec == nil {
		bad("Codec is nil: use session.SecureCookie(secret), or session.Express(secret) to share sessions with Node")
	} else {
		errs = append(errs, checkCodec(c.Codec)...)
	}
	if c.Name == "" {
		c.Name = c.usualName(c.Codec, c.Domain, c.Path)
	}
	c.checkCookie(bad)
	errs = append(errs, c.checkAccepted(bad)...)
	c.checkTimes(bad)
	c.checkBound(bad)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return errors.Join(errs...)
}
