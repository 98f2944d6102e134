package throttle

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// Config says how [New] counts. Its zero value is ready for use by one
// process.
type Config struct {
	// Counter counts; nil means a new MemoryCounter. Several processes share one in a
	// database.
	Counter strategy.Counter
	// AccountAttempts is how many wrong attempts on one account are free; zero means
	// 10, and 100 is the most. Attempts that are under way count too: whoever sends Basic
	// credentials with many requests at once needs more.
	AccountAttempts int
	// AddressAttempts is the same for one client address, on whatever accounts; zero
	// means 100, and 100,000 is the most. For IPv6 it is the /64 that counts.
	AddressAttempts int
	// Delay is the pause before the first attempt that is not free, doubled for each
	// further one; zero means 30 seconds; at least a second.
	Delay time.Duration
	// MaxDelay is the longest pause; zero means 15 minutes; at most 24 hours, or it would
	// be a lock-out.
	MaxDelay time.Duration
	// Window is the time after which wrong attempts are forgotten, counted from the
	// first; zero means 24 hours; at least MaxDelay, at most 30 days. With the defaults, one
	// account allows some 110 wrong attempts a day; what allows more than 2,000 is a
	// mistake. NIST SP 800-63B-4 §3.2.2 wants an authenticator disabled after 100 in a row
	// at most: see Throttle.
	Window time.Duration
	// Familiar is how long an address stays familiar to an account after a log-in from
	// it; zero means 30 days; at most 400.
	Familiar time.Duration
	// TrustedProxies are the proxies whose X-Forwarded-For is believed; see ClientAddr.
	// A prefix of everybody is a mistake: whoever is believed can be anyone.
	TrustedProxies []netip.Prefix
	// Claims stands in for the Claimant of a strategy that has none; nil means that
	// such a strategy is counted by address only, every request of it.
	Claims func(r *http.Request) (account string, ok bool)
}

// Throttle slows the guessing of credentials down, by account and by client address
// (OWASP ASVS 5.0, 6.3.1). It is made by [New] around any other strategy and
// safe for concurrent use.
//
// Each attempt takes its place in the counters before it is looked at, so that a
// hundred at once get no further than one after another. When the free attempts are
// used up, the next one is allowed after a pause, each pause twice as long as the one
// before up to a bound. Until then the answer is a [*strategy.Failure] with status 429 and
// RetryAfter, whether or not the credentials are right: they are not looked at.
//
// Nobody is locked out for good. An attempt from an address that is familiar to the
// account, by a log-in from it, is counted apart from those of the rest of the world:
// a stranger who guesses at an account without end slows down its owner only where
// the owner has not been before. Where NIST SP 800-63B-4 §3.2.2 has to be followed,
// count the failures of each account in the users table too, and refuse it after 100 in
// a row.
//
// A success makes the account's count start again; the address's count it only does
// not raise, or an attacker's own account would buy any number of guesses. Requests
// without credentials, malformed ones and outages do not count.
type Throttle[U any] struct {
	inner strategy.Strategy[U]
	cfg   Config
}

var _ strategy.Strategy[any] = (*Throttle[any])(nil)

// New returns inner, throttled. It returns every mistake in cfg at once.
func New[U any](cfg Config, inner strategy.Strategy[U]) (*Throttle[U], error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("throttle: new throttle: "+format, args...))
	}
	if cfg.Counter == nil {
		cfg.Counter = &MemoryCounter{}
	} else if strategy.NoUser(cfg.Counter) {
		wrong("Counter is a nil pointer: give one that counts, or nil for a MemoryCounter")
	}
	if c, ok := cfg.Counter.(*MemoryCounter); ok && c != nil && c.check() != nil {
		wrong("Counter: %w", c.check())
	}
	cfg.check(wrong)
	if strategy.NoUser(inner) {
		wrong("the strategy is nil: give the one to throttle")
	}
	if mistakes != nil {
		return nil, errors.Join(mistakes...)
	}
	return &Throttle[U]{inner, cfg}, nil
}

// check fills in the defaults of the figures in c, and names every mistake in them.
func (c *Config) check(wrong func(string, ...any)) {
	fine := true
	for _, n := range []struct {
		name           string
		value          *int
		fallback, most int
	}{{"AccountAttempts", &c.AccountAttempts, 10, 100}, {"AddressAttempts", &c.AddressAttempts, 100, 100_000}} {
		if *n.value == 0 {
			*n.value = n.fallback
		}
		if *n.value < 0 || *n.value > n.most {
			wrong("%s is %d: give a number of attempts, at most %d, or 0 for %d", n.name, *n.value, n.most, n.fallback)
			fine = false
		}
	}
	const day = 24 * time.Hour
	for _, d := range []struct {
		name                  string
		value                 *time.Duration
		least, fallback, most time.Duration
	}{
		{"Delay", &c.Delay, time.Second, 30 * time.Second, day}, {"MaxDelay", &c.MaxDelay, time.Second, 15 * time.Minute, day},
		{"Window", &c.Window, time.Minute, day, 30 * day}, {"Familiar", &c.Familiar, time.Minute, 30 * day, 400 * day},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
		if *d.value < d.least || *d.value > d.most {
			wrong("%s is %v: give %v to %v, or 0 for %v", d.name, *d.value, d.least, d.most, d.fallback)
			fine = false
		}
	}
	for _, p := range c.TrustedProxies {
		switch {
		case !p.IsValid():
			wrong("TrustedProxies has a prefix that is none: give the proxies' addresses, like 10.0.0.0/8")
		case p.Bits() == 0:
			wrong("TrustedProxies has %v, which is everybody, and each client could give itself another address: give the proxies' own", p)
		case p.Addr().Is4In6():
			wrong("TrustedProxies has %v, which no address matches: give it as IPv4", p)
		}
	}
	switch {
	case !fine: // what follows compares them
	case c.MaxDelay < c.Delay:
		wrong("MaxDelay %v is shorter than Delay %v: give a longer one", c.MaxDelay, c.Delay)
	case c.Window < c.MaxDelay:
		wrong("Window %v is shorter than MaxDelay %v, and would end the pause: give a longer one", c.Window, c.MaxDelay)
	default:
		if n := c.guessesADay(); n > mostGuesses {
			wrong("AccountAttempts, Delay, MaxDelay and Window allow %d wrong attempts a day on one account: give longer pauses or a longer Window for at most %d, or 0 for some 110", n, mostGuesses)
		}
	}
}

// mostGuesses is how many wrong attempts a day on one account New lets a
// configuration allow: of a million codes, one in 500.
const mostGuesses = 2000

// guessesADay returns how many wrong attempts a day on one account c allows, more or less.
func (c *Config) guessesADay() int64 {
	plan := schedule{c.Delay, c.MaxDelay, c.Window}
	n, free := int64(c.AccountAttempts), int64(c.AccountAttempts)
	for n <= mostGuesses && plan.opensAt(n+1, free) <= min(c.Window, 24*time.Hour) {
		n++
	}
	return int64(float64(n) * max(1, (24*time.Hour).Seconds()/c.Window.Seconds()))
}

// Name implements [strategy.Strategy].
func (t *Throttle[U]) Name() string { return t.inner.Name() }

// Unwrap returns the strategy without its throttle.
func (t *Throttle[U]) Unwrap() strategy.Strategy[U] { return t.inner }

// Authenticate implements [strategy.Strategy]. An outage of the Counter is an error: nobody
// logs in uncounted.
func (t *Throttle[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	account, ok := t.claims(r)
	if !ok {
		return t.inner.Authenticate(w, r)
	}
	from := network(strategy.ClientAddr(r, t.cfg.TrustedProxies)).String()
	try := attempt{
		counter: t.cfg.Counter, schedule: schedule{t.cfg.Delay, t.cfg.MaxDelay, t.cfg.Window},
		account: strings.ToLower(strings.TrimSpace(account)), from: from, familiar: t.cfg.Familiar,
	}
	if err := try.begin(r.Context(), t.cfg.AddressAttempts, t.cfg.AccountAttempts); err != nil {
		return nobody, err
	}
	user, err := t.inner.Authenticate(w, r)
	switch {
	case err == nil:
		try.succeed(r.Context())
	case !isGuess(err, account):
		try.withdraw(r.Context())
	}
	return user, err
}

// isGuess reports whether err refuses credentials that were looked at. A 403 does so
// for a password; for a token, which names no account, it means that the token is good.
func isGuess(err error, account string) bool {
	var f *strategy.Failure
	switch {
	case !errors.Is(err, strategy.ErrUnauthenticated):
		return false
	case !errors.As(err, &f) || f.Status == 0 || f.Status == http.StatusUnauthorized:
		return true
	}
	return f.Status == http.StatusForbidden && account != ""
}

func (t *Throttle[U]) claims(r *http.Request) (string, bool) {
	if t.cfg.Claims != nil {
		return t.cfg.Claims(r)
	}
	return strategy.ClaimsOf(t.inner, r)
}
