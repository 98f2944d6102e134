package throttle

import (
	"net/http"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// core is what Throttle and Limiter share.
type core struct {
	cfg    Config
	names  []string // the purpose and the strategy, part of every key and every note
	warned sync.Once
}

func newCore(cfg Config, name string) *core {
	return &core{cfg: cfg, names: []string{cfg.Purpose, name}}
}

func (c *core) attempt() attempt {
	return attempt{counter: c.cfg.Counter, schedule: c.cfg.schedule(), names: c.names}
}

// try is an attempt by a browser, known to the account or not.
type try struct {
	attempt
	core    *core
	account string // if empty, counted by address only
	browser device
	noted   time.Time // the time of the browser's note; zero if it is not known
	own     string    // the key of the browser's own counter, if it is known
}

// begin counts a request: in the counter of the browser if that is known to the account, otherwise in those
// of its address and of the account.
func (c *core) begin(r *http.Request, account string) (*try, error) {
	c.warnOfProxies(r)
	t := &try{attempt: c.attempt(), core: c, account: account}
	if account != "" {
		t.browser = c.cfg.deviceOf(r)
		if at, _, ok := c.cfg.knows(t.browser, c.names, account, time.Now()); ok {
			t.noted, t.own = at, t.key("device", account, t.browser.name)
			return t, t.attempt.begin(r.Context(), place{t.own, int64(c.cfg.AccountAttempts), "too many attempts on one account by a known browser"})
		}
	}
	from := network(strategy.ClientAddr(r, c.cfg.TrustedProxies)).String()
	places := []place{{t.key("address", from), int64(c.cfg.AddressAttempts), "too many attempts from one address"}}
	if account != "" {
		places = append(places, place{t.key("account", account), int64(c.cfg.AccountAttempts), "too many attempts on one account"})
	}
	return t, t.attempt.begin(r.Context(), places...)
}

// succeed subtracts the attempt from the counters, forgets the browser's other attempts, and makes the
// browser known.
func (t *try) succeed(w http.ResponseWriter, r *http.Request) {
	if t.own != "" {
		t.settle(r.Context(), t.own, -1<<30)
	} else {
		t.withdraw(r.Context())
	}
	now := time.Now()
	if t.account != "" && t.core.cfg.KnownFor > 0 && now.Sub(t.noted) >= renewNote {
		strategy.SendCookie(w, r, t.core.cfg.known(t.browser, t.core.names, t.account, now))
	}
}

// CookieNames returns the name of the cookie by which a browser is known, for guard.Guard.ProxyTransport.
func (c *core) CookieNames() []string { return []string{c.cfg.CookieName} }

// warnOfProxies warns once that requests come through a proxy that is not trusted: all its clients then
// count as one address, and one of them can use up the attempts of all.
func (c *core) warnOfProxies(r *http.Request) {
	if len(c.cfg.TrustedProxies) > 0 || r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == "" {
		return
	}
	c.warned.Do(func() {
		c.cfg.Logger.WarnContext(r.Context(), "throttle: a request was forwarded by a proxy that is not trusted: all clients of a proxy count as one address. "+
			"Set Config.TrustedProxies to the addresses of your proxies, or have them drop X-Forwarded-For and Forwarded", "peer", r.RemoteAddr)
	})
}
