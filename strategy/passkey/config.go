package passkey

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/signed"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// Config is what [New] needs. RPID, RPName, Origins, Secrets, Credentials and Account are
// required. It is copied and can be used again.
type Config[U any] struct {
	// RPID is the domain to which the passkeys belong: that of the site, or one above it, such
	// as "shop.example" for https://login.shop.example. It can never be changed: passkeys made
	// for another one are not found. "localhost" serves for development.
	RPID string

	// RPName is what the browser calls the site, such as "Shop".
	RPName string

	// Origins are the origins whose pages may make passkeys and log in, such as
	// "https://shop.example", as browsers write them. Each is at RPID or below it. http is
	// for localhost. An Android application is "android:apk-key-hash:…". An origin that the
	// requests of its pages go to from another one is in guard.Config.TrustedOrigins too.
	Origins []string

	// RelatedOrigins are further origins, at other domains, such as "https://shop.de". Browsers ask the
	// page of [Strategy.RelatedOrigins] about them, and accept five names. The host of each has to
	// serve the routes itself, since browsers do not send cookies from one site to another.
	RelatedOrigins []string

	// Secrets sign challenges. The first is used, all are accepted; each has at least 32
	// bytes. They may be those of the session. To replace one while several processes run:
	// {old, new} everywhere, then {new, old}, then {new}.
	Secrets []string

	// Credentials is the table of passkeys.
	Credentials Credentials[U]

	// Account returns what authenticators store about a user; required. It is asked at a registration,
	// and at each log-in for the handle. An error is an outage. It must be safe for concurrent use.
	Account func(ctx context.Context, user U) (Account, error)

	// WithoutPasskey reports whether user can log in without any passkey: has a password, or
	// an account at a provider. [Strategy.Remove] asks before it takes the last one. An error
	// is an outage. If nil, no user can: the last one stays. It must be safe for concurrent
	// use.
	WithoutPasskey func(ctx context.Context, user U) (bool, error)

	// Policy has the requirements for passkeys. Its zero value suits most sites.
	Policy Policy

	// FreshFor is how old the log-in may be when a passkey is added or removed. It must
	// have all factors that guard.Config.Factors returns for the user. Zero means 10
	// minutes.
	FreshFor time.Duration

	// MaxPerUser is how many passkeys a user may have. Zero means 20.
	MaxPerUser int

	// Timeout is how long the user may take. Zero means 5 minutes; at most 10.
	Timeout time.Duration

	// Once remembers which challenges were used. Nil keeps them in this process; the processes
	// of one program share one of package store. Only correct answers are counted.
	Once strategy.Counter

	// Logger gets the refusals of registrations; those of log-ins are the guard's events. Nil
	// means slog.Default(). Nothing in it is secret.
	Logger *slog.Logger

	// Name is the strategy's name, of letters, digits, "-" and "_". Empty means "passkey". It is
	// part of the names of the factors, of the cookie's, and of the challenges: two strategies
	// over one table, such as one for log-ins and one of less policy behind StepUp, have two names.
	Name string
}

// Policy has the requirements for passkeys.
type Policy struct {
	// UserVerification says whether the authenticator has to check a PIN, a finger or a face.
	// Empty means Required: at the registration and at each log-in, so that a key that was
	// registered without, by an earlier policy, is not accepted: a finder could set its PIN. With
	// Preferred and Discouraged a log-in may prove one factor only: see the names of the factors in the
	// package's documentation.
	UserVerification Requirement

	// ResidentKey says whether a passkey has to be found by the authenticator itself, so that its user
	// types no name. Empty means Preferred: a key without it can be used behind StepUp, but not to log
	// in. If users have no password or the like, use Required: [Strategy.Remove] cannot tell the two
	// kinds apart, and might leave a user no other passkey than such a key.
	ResidentKey Requirement

	// Algorithms are accepted for new passkeys, the best first. Nil means ES256, EdDSA and
	// RS256, which cover all of today's authenticators.
	Algorithms []Algorithm

	// Roots are the certificates of the makers whose authenticators are accepted. With them,
	// attestation is required: for a bank, say. Nil accepts all authenticators; it is the
	// default since password managers have no attestation. Existing passkeys stay valid.
	Roots []*x509.Certificate

	// DeviceBound refuses new passkeys that can be copied to other devices, as AAL3 wants it. That a key
	// cannot be copied is what it says of itself; with Roots its maker vouches for it.
	DeviceBound bool
}

// Requirement says how strongly something is required.
type Requirement string

// Values of Requirement.
const (
	Required    Requirement = "required"    // nothing else is accepted
	Preferred   Requirement = "preferred"   // if there is a choice
	Discouraged Requirement = "discouraged" // not, if there is a choice
)

// Algorithm is a signature algorithm, by its number in COSE.
type Algorithm int

// Values of Algorithm.
const (
	ES256 Algorithm = -7
	EdDSA Algorithm = -8 // Ed25519
	ES384 Algorithm = -35
	ES512 Algorithm = -36
	RS256 Algorithm = -257
)

var (
	requirements = []Requirement{Required, Preferred, Discouraged}
	algorithms   = []Algorithm{ES256, EdDSA, ES384, ES512, RS256}
)

const (
	defaultName     = "passkey"
	defaultTimeout  = 5 * time.Minute
	maxTimeout      = 10 * time.Minute
	defaultFreshFor = 10 * time.Minute
	defaultMax      = 20
	androidOrigin   = "android:apk-key-hash:"
)

// mistakes collects the mistakes in a Config.
type mistakes []error

func (m *mistakes) add(format string, args ...any) {
	*m = append(*m, fmt.Errorf("passkey: Config."+format, args...))
}

// complete makes c a copy, sets the defaults and returns the mistakes.
func (c *Config[U]) complete() error {
	var bad mistakes
	c.defaults()
	if !validName(c.Name) || strategy.ReservedName(c.Name) {
		bad.add("Name %q: use 1 to 32 letters, digits, - and _, and none of the guard's own names", c.Name)
	}
	if c.RPName == "" || !utf8.ValidString(c.RPName) {
		bad.add("RPName %q: say what browsers call the site", c.RPName)
	}
	if err := protocol.ValidateRPID(c.RPID); err != nil || c.RPID != strings.ToLower(c.RPID) || c.RPID != "localhost" && !strings.Contains(c.RPID, ".") {
		bad.add("RPID %q: give a domain in lower case without scheme and port, like shop.example, or localhost for development", c.RPID)
	}
	c.checkOrigins(&bad)
	if len(c.Secrets) == 0 {
		bad.add("Secrets is empty: give 32 random bytes, those of the session for instance")
	}
	signed.CheckSecrets(c.Secrets, bad.add)
	if c.Credentials == nil {
		bad.add("Credentials is nil: give the table of passkeys")
	}
	if c.Account == nil {
		bad.add("Account is nil: give the function that returns a user's handle and name")
	}
	if strategy.IsNilUser(c.Once) {
		bad.add("Once is a nil pointer: give a Counter, or nil for a MemoryCounter")
	}
	c.Policy.check(&bad)
	if c.FreshFor < 0 {
		bad.add("FreshFor is %v: give the age up to which a log-in is fresh, or 0 for %v", c.FreshFor, defaultFreshFor)
	}
	if c.MaxPerUser < 0 {
		bad.add("MaxPerUser is %d: give how many passkeys a user may have, or 0 for %d", c.MaxPerUser, defaultMax)
	}
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		bad.add("Timeout is %v: give 1s to %v, or 0 for %v", c.Timeout, maxTimeout, defaultTimeout)
	}
	return errors.Join(bad...)
}

// defaults makes c a copy and sets the fields that were left empty.
func (c *Config[U]) defaults() {
	c.Origins, c.RelatedOrigins, c.Secrets = slices.Clone(c.Origins), slices.Clone(c.RelatedOrigins), slices.Clone(c.Secrets)
	c.Policy.Algorithms, c.Policy.Roots = slices.Clone(c.Policy.Algorithms), slices.Clone(c.Policy.Roots)
	if c.Name == "" {
		c.Name = defaultName
	}
	if c.FreshFor == 0 {
		c.FreshFor = defaultFreshFor
	}
	if c.MaxPerUser == 0 {
		c.MaxPerUser = defaultMax
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Once == nil {
		c.Once = new(throttle.MemoryCounter)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Policy.UserVerification == "" {
		c.Policy.UserVerification = Required
	}
	if c.Policy.ResidentKey == "" {
		c.Policy.ResidentKey = Preferred
	}
	if c.Policy.Algorithms == nil {
		c.Policy.Algorithms = []Algorithm{ES256, EdDSA, RS256}
	}
}

func (p *Policy) check(bad *mistakes) {
	if !slices.Contains(requirements, p.UserVerification) {
		bad.add("Policy.UserVerification %q: use Required, Preferred or Discouraged", p.UserVerification)
	}
	if !slices.Contains(requirements, p.ResidentKey) {
		bad.add("Policy.ResidentKey %q: use Required, Preferred or Discouraged", p.ResidentKey)
	}
	if len(p.Algorithms) == 0 {
		bad.add("Policy.Algorithms is empty: leave it nil for ES256, EdDSA and RS256")
	}
	for i, a := range p.Algorithms {
		if !slices.Contains(algorithms, a) || slices.Contains(p.Algorithms[:i], a) {
			bad.add("Policy.Algorithms has %d: use each of ES256, EdDSA, ES384, ES512 and RS256 at most once", a)
		}
	}
	if p.Roots != nil && len(p.Roots) == 0 || slices.Contains(p.Roots, nil) {
		bad.add("Policy.Roots has no certificate: leave it nil to ask for no attestation")
	}
}

// checkOrigins requires origins in the form that browsers write, each at a host that its list allows.
func (c *Config[U]) checkOrigins(bad *mistakes) {
	if len(c.Origins) == 0 {
		bad.add("Origins is empty: give the site's own, like https://%s", c.RPID)
	}
	for i, origin := range c.Origins {
		if strings.HasPrefix(origin, androidOrigin) && protocol.IsKnownOpaqueOrigin(origin) {
			continue
		}
		if host, ok := c.checkOrigin(bad, fmt.Sprintf("Origins[%d]", i), origin); ok && host != c.RPID && !strings.HasSuffix(host, "."+c.RPID) {
			bad.add("Origins[%d] %q is not at RPID %q or below it: browsers refuse to use its passkeys there. Correct one of the two, or list the origin in RelatedOrigins", i, origin, c.RPID)
		}
	}
	for i, origin := range c.RelatedOrigins {
		if host, ok := c.checkOrigin(bad, fmt.Sprintf("RelatedOrigins[%d]", i), origin); ok && (host == c.RPID || strings.HasSuffix(host, "."+c.RPID)) {
			bad.add("RelatedOrigins[%d] %q is at RPID %q or below it: list it in Origins", i, origin, c.RPID)
		}
	}
	if len(c.RelatedOrigins) > 0 {
		if _, err := protocol.NewRelatedOrigins(c.RelatedOrigins...); err != nil {
			bad.add("RelatedOrigins: %v", err)
		}
	}
}

// checkOrigin requires an origin in the form that browsers write, and returns its host.
func (c *Config[U]) checkOrigin(bad *mistakes, field, origin string) (host string, ok bool) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || origin != u.Scheme+"://"+u.Host || origin != strings.ToLower(origin) ||
		strings.HasSuffix(u.Host, ":") || u.Port() == "443" && u.Scheme == "https" || u.Port() == "80" && u.Scheme == "http" {
		bad.add("%s %q: write it as a browser does, like https://shop.example: lower case, no path, no default port", field, origin)
		return "", false
	}
	if !asciiHost(u.Hostname()) || !validPort(u.Port()) {
		bad.add("%s %q: no browser is at this origin: give each host by itself, without *, names of other letters as xn--…, and a port up to 65535", field, origin)
		return "", false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && !strings.HasSuffix(u.Hostname(), ".localhost")) {
		bad.add("%s %q is not https: browsers have no passkeys there. http is for localhost", field, origin)
		return "", false
	}
	return u.Hostname(), true
}

// asciiHost reports whether host consists of letters, digits, - and _ separated by dots, as browsers write
// it.
func asciiHost(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && strconv.FormatUint(n, 10) == port
}

// insecureHTTP reports whether the site is served without TLS, which is allowed only at localhost.
func (c *Config[U]) insecureHTTP() bool {
	return !slices.ContainsFunc(slices.Concat(c.Origins, c.RelatedOrigins), func(origin string) bool {
		return !strings.HasPrefix(origin, "http://")
	})
}

func validName(name string) bool {
	return len(name) > 0 && len(name) <= 32 && !strings.ContainsFunc(name, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}
