package throttle

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/internal/bounded"
)

// Config says how [New] and [NewLimiter] count. Its zero value can be used by a single
// process.
type Config struct {
	// Counter counts; nil means a new MemoryCounter. Several processes share one in a
	// database.
	Counter strategy.Counter
	// Purpose separates counters that would have the same name: if two guards have
	// strategies of one name for different users on one Counter, give each its own
	// Purpose.
	Purpose string
	// AccountAttempts is how many wrong attempts on one account are allowed without a
	// pause; zero means 10, the maximum is 100. Attempts in progress count too: a client
	// that sends Basic credentials with many requests at once needs more.
	AccountAttempts int
	// AddressAttempts is the same for one client address, over all accounts; zero means
	// 100, the maximum is 100,000. An IPv6 address counts by its /64.
	AddressAttempts int
	// Delay is the pause before the first attempt beyond these, doubled for each
	// further one; zero means 30 seconds; at least a second.
	Delay time.Duration
	// MaxDelay is the longest pause; zero means 15 minutes; at most 24 hours: more would
	// be a lock-out.
	MaxDelay time.Duration
	// Window is the time after which wrong attempts are forgotten, counted from the first;
	// zero means 24 hours; at least MaxDelay, at most 30 days. With the defaults some 110
	// wrong attempts a day are possible on one account, and as many for each known browser;
	// New refuses what allows more than 2,000.
	Window time.Duration
	// TrustedProxies are the proxies whose X-Forwarded-For is believed; see
	// strategy.ClientAddr. A prefix that contains every address is refused: a client
	// could then claim any address.
	TrustedProxies []netip.Prefix
	// Claims is used for a strategy that is no Claimant; if nil, each request of such a
	// strategy is counted, by address only. The account is in the spelling that is
	// looked up. A Limiter's Handler counts by it too.
	Claims func(r *http.Request) (account string, ok bool, err error)
	// Secrets sign the cookie by which a browser is known: 32 bytes or more each; the first
	// signs, all verify. Empty means a random one, which is enough for one process; those
	// that share a Counter share them too. To replace one while several run: {old, new}
	// everywhere, then {new, old}, then {new}; otherwise browsers are unknown in between.
	Secrets []string
	// KnownFor is how long a browser is known to an account after a log-in; zero means 90
	// days; at most 400. Below zero no browser is known: for clients that keep no cookies.
	KnownFor time.Duration
	// CookieName is the cookie's name; empty means "__Host-device", or "device" with
	// InsecureHTTP. Throttles of one application can share a name and secrets.
	CookieName string
	// InsecureHTTP leaves out the Secure attribute. It is for development on loopback.
	InsecureHTTP bool
	// Logger gets warnings for operators; nil means slog.Default().
	Logger *slog.Logger
}

// check sets the defaults of c, and returns every mistake in it.
func (c *Config) check(caller string) error {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("throttle: "+caller+": "+format, args...))
	}
	shared := false
	switch counter := c.Counter.(type) {
	case nil:
		c.Counter = &MemoryCounter{}
	case *MemoryCounter:
		if counter == nil {
			wrong("Counter is a nil pointer: give one that counts, or nil for a MemoryCounter")
		} else if err := counter.check(); err != nil {
			wrong("Counter: %w", err)
		}
	default:
		if shared = true; strategy.IsNilUser(c.Counter) {
			wrong("Counter is a nil pointer: give one that counts, or nil for a MemoryCounter")
		}
		c.Counter = bounded.Counter(c.Counter)
	}
	c.checkFigures(wrong)
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
	c.checkDevice(shared, wrong)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return errors.Join(mistakes...)
}

// checkFigures is check for the numbers and times of the schedule.
func (c *Config) checkFigures(wrong func(string, ...any)) {
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
		{"Window", &c.Window, time.Minute, day, 30 * day},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
		if *d.value < d.least || *d.value > d.most {
			wrong("%s is %v: give %v to %v, or 0 for %v", d.name, *d.value, d.least, d.most, d.fallback)
			fine = false
		}
	}
	switch {
	case !fine: // the remaining checks compare them
	case c.MaxDelay < c.Delay:
		wrong("MaxDelay %v is shorter than Delay %v: give a longer one", c.MaxDelay, c.Delay)
	case c.Window < c.MaxDelay:
		wrong("Window %v is shorter than MaxDelay %v, and would end the pause: give a longer one", c.Window, c.MaxDelay)
	default:
		if n := c.schedule().guessesADay(int64(c.AccountAttempts)); n > mostGuesses {
			wrong("AccountAttempts, Delay, MaxDelay and Window allow %d wrong attempts a day on one account: give longer pauses or a longer Window for at most %d, or 0 for some 110", n, mostGuesses)
		}
	}
}

func (c *Config) schedule() schedule { return schedule{c.Delay, c.MaxDelay, c.Window} }
