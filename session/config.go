package session

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Config says how sessions are kept. Only Store and Codec are required; every zero
// value is the safe choice. It is copied by [New] and can be used again.
type Config struct {
	// Store keeps the records. Express: store.
	Store Store

	// Codec signs the id in the cookie: [SecureCookie], or [Express] to share
	// sessions with express-session. Express: secret.
	Codec Codec

	// AlsoAccept lists other cookies under which a session is still found, after the
	// primary one, in this order. Log-out ends what they carry and expires them too.
	AlsoAccept []Accept

	// Name is the cookie's name. Empty means "connect.sid" with an Express codec;
	// otherwise "__Host-sid", or "sid" where the __Host- prefix is not allowed:
	// with InsecureHTTP, Domain, or another Path than "/". Express: name.
	Name string

	// Domain lets the hosts below it see the cookie. Empty keeps it to the host that
	// set it. Express: cookie.domain.
	Domain string

	// Path is the path below which the cookie is sent. Empty means "/". Express: cookie.path.
	Path string

	// SameSite says which requests from other sites carry the cookie. Zero and
	// http.SameSiteDefaultMode mean Lax. Express: cookie.sameSite.
	SameSite http.SameSite

	// InsecureHTTP leaves out the Secure attribute, so that the cookie also travels
	// over plain http. It is for development on loopback. Express: cookie.secure, turned round.
	InsecureHTTP bool

	// ScriptReadable leaves out the HttpOnly attribute, so that scripts in the page
	// can read the cookie. Express: cookie.httpOnly, turned round.
	ScriptReadable bool

	// Partitioned keeps a cookie in an embedded page apart for each embedding site
	// (CHIPS). Express: cookie.partitioned.
	Partitioned bool

	// Priority is "Low", "Medium", "High" or empty for none: which cookies Chromium
	// drops first. Express: cookie.priority.
	Priority string

	// Persistent makes the browser keep the cookie when it closes, until the log-in's
	// absolute deadline. A session's own [Session.SetMaxAge] goes first. Express: a
	// cookie.maxAge.
	Persistent bool

	// Rolling sends a persistent cookie again whenever the session is refreshed, with
	// the idle deadline as its Expires, as express-session does. A response that
	// arrives late can then bring an older cookie back. Express: rolling.
	Rolling bool

	// IdleTimeout ends a session that is not used for so long. Zero means 24 hours.
	// A record's own cookie.originalMaxAge goes first. Express: cookie.maxAge and
	// connect-redis ttl.
	IdleTimeout time.Duration

	// AbsoluteTimeout ends a log-in so long after its credentials were checked,
	// however much it is used. Zero means 30 days. Express has none.
	AbsoluteTimeout time.Duration

	// RefreshAfter is how old the idle timeout's start may grow before a request that
	// uses the session moves it. Zero means a tenth of IdleTimeout. Express: touch, on
	// every request.
	RefreshAfter time.Duration

	// StoreTimeout bounds what one request waits for the store at each step: the load,
	// and the commit with its retries. Zero means 2 seconds.
	StoreTimeout time.Duration

	// Logger gets what operators should see. Nil means slog.Default(). No id, cookie
	// or value is ever logged; a session appears as its [Session.Ref].
	Logger *slog.Logger

	// ErrorHandler answers a request whose commit failed; nothing of the handler's own
	// response is sent. Nil answers 409 for [ErrSessionEnded] and [ErrSessionChanged],
	// 503 otherwise, with a fixed text.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)
}

// Accept is another cookie under which sessions are found.
type Accept struct {
	// Name is the cookie's name. Empty means the codec's usual one, as in Config.Name.
	Name string
	// Codec reads the cookie.
	Codec Codec
	// Domain and Path are that cookie's attributes: a browser forgets a cookie only when
	// they are the same. Empty Domain means none, empty Path "/". A name that was used
	// with several of them has an entry for each.
	Domain, Path string
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
	defaultStore    = 2 * time.Second
	maxCookieAge    = 400 * 24 * time.Hour
)

// usualName is the cookie's name where none is given.
func (c *Config) usualName(codec Codec) string {
	switch {
	case codec != nil && codec.kind() == "express":
		return "connect.sid"
	case c.InsecureHTTP || c.Domain != "" || c.Path != "/":
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
	if c.Store == nil {
		bad("Store is nil: use store.NewRedis or store.NewMemory")
	}
	if c.Codec == nil {
		bad("Codec is nil: use session.SecureCookie(secret), or session.Express(secret) to share sessions with Node")
	} else {
		errs = append(errs, c.Codec.check()...)
	}
	if c.Name == "" {
		c.Name = c.usualName(c.Codec)
	}
	c.checkCookie(bad)
	c.AlsoAccept = append([]Accept(nil), c.AlsoAccept...)
	for i := range c.AlsoAccept {
		a := &c.AlsoAccept[i]
		if a.Codec == nil {
			bad("AlsoAccept[%d].Codec is nil: name the codec that signed those cookies", i)
			continue
		}
		errs = append(errs, a.Codec.check()...)
		if a.Name == "" {
			a.Name = c.usualName(a.Codec)
		}
		if a.Path == "" {
			a.Path = "/"
		}
		if a.Domain != "" && !validDomain(a.Domain) {
			bad("AlsoAccept[%d].Domain %q is not a domain name", i, a.Domain)
		}
		if !validPath(a.Path) {
			bad("AlsoAccept[%d].Path %q is not a path that begins with /", i, a.Path)
		}
		if !validCookieName(a.Name) {
			bad("AlsoAccept[%d].Name %q is not a cookie name (RFC 6265 §4.1.1)", i, a.Name)
		}
		if a.Name == c.Name && c.Codec != nil && a.Codec.kind() == c.Codec.kind() {
			bad("AlsoAccept[%d] has the name and kind of the primary cookie: add its secrets behind the first of Codec instead", i)
		}
		if a.Name == c.Name && a.Reissue {
			bad("AlsoAccept[%d].Reissue needs another name than the primary %q, or the old and the new cookie cannot be told apart", i, c.Name)
		}
	}
	c.checkTimes(bad)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.ErrorHandler == nil {
		c.ErrorHandler = answerError
	}
	return errors.Join(errs...)
}

func (c *Config) checkCookie(bad func(string, ...any)) {
	if !validCookieName(c.Name) {
		bad("Name %q is not a cookie name (RFC 6265 §4.1.1): use letters, digits, - _ and .", c.Name)
	}
	if c.Domain != "" && !validDomain(c.Domain) {
		bad("Domain %q is not a domain name", c.Domain)
	}
	if !validPath(c.Path) {
		bad("Path %q is not a path that begins with / (RFC 6265 §4.1.1)", c.Path)
	}
	lower := strings.ToLower(c.Name)
	if strings.HasPrefix(lower, "__host-") {
		if c.InsecureHTTP {
			bad("Name %q needs the Secure attribute: drop InsecureHTTP or the __Host- prefix", c.Name)
		}
		if c.Domain != "" {
			bad("Name %q does not go with Domain: drop Domain or the __Host- prefix", c.Name)
		}
		if c.Path != "/" {
			bad("Name %q needs Path \"/\": drop Path or the __Host- prefix", c.Name)
		}
	}
	if strings.HasPrefix(lower, "__secure-") && c.InsecureHTTP {
		bad("Name %q needs the Secure attribute: drop InsecureHTTP or the __Secure- prefix", c.Name)
	}
	switch c.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if c.InsecureHTTP {
			bad("SameSite None needs the Secure attribute: drop InsecureHTTP or use Lax")
		}
	default:
		bad("SameSite %d is unknown: use http.SameSiteLaxMode", int(c.SameSite))
	}
	if c.Partitioned && c.InsecureHTTP {
		bad("Partitioned needs the Secure attribute: drop InsecureHTTP or Partitioned")
	}
	switch c.Priority {
	case "", "Low", "Medium", "High":
	default:
		bad("Priority %q is unknown: use Low, Medium, High or nothing", c.Priority)
	}
}

func (c *Config) checkTimes(bad func(string, ...any)) {
	for _, f := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"IdleTimeout", &c.IdleTimeout, defaultIdle},
		{"AbsoluteTimeout", &c.AbsoluteTimeout, defaultAbsolute},
		{"RefreshAfter", &c.RefreshAfter, 0},
		{"StoreTimeout", &c.StoreTimeout, defaultStore},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 || *f.value > 0 && *f.value < time.Millisecond {
			bad("%s is %v: want at least a millisecond, or 0 for the default", f.name, *f.value)
		}
	}
	if c.RefreshAfter == 0 {
		c.RefreshAfter = max(c.IdleTimeout/10, time.Millisecond)
	}
	if c.IdleTimeout > c.AbsoluteTimeout {
		bad("IdleTimeout %v is longer than AbsoluteTimeout %v: no session lives that long", c.IdleTimeout, c.AbsoluteTimeout)
	}
	if c.RefreshAfter >= c.IdleTimeout {
		bad("RefreshAfter %v must be shorter than IdleTimeout %v, or sessions in use end", c.RefreshAfter, c.IdleTimeout)
	}
	if c.AbsoluteTimeout > maxCookieAge {
		bad("AbsoluteTimeout %v is over 400 days, longer than a browser keeps a cookie (RFC 6265bis §5.5)", c.AbsoluteTimeout)
	}
}
