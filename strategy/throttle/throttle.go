package throttle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// Throttle slows down guessing of credentials, by account and by client address (OWASP
// ASVS 5.0, 6.3.1). [New] puts it around another strategy. It is safe for concurrent
// use.
//
// Each attempt is counted before it is checked, so a hundred at once get no further than a
// hundred in sequence. After the allowed attempts there is a pause before each further
// one, twice as long each time, up to a maximum. During a pause the answer is a
// *strategy.Failure with status 429 and RetryAfter, and the credentials are not checked.
//
// Nobody is locked out for good, and the owner's browsers not at all: a browser that has
// logged in to an account has a signed cookie and a budget of its own for that account,
// whatever others do to the account or from the address. An attacker who keeps using up
// the account's attempts does keep the owner out in browsers that have not logged in
// before; for those there are [Throttle.Unlock] and [Throttle.MakeKnown], for a link that
// is mailed. Where NIST SP 800-63B-4 §3.2.2 has to be followed, count the failures of each
// account in the users table too, and refuse it after 100 in a row.
//
// A success does not count, and makes the browser known. It clears the wrong attempts of
// that browser alone, not those of others. Requests without credentials, malformed ones
// and outages do not count.
type Throttle[U any] struct {
	*core
	inner strategy.Strategy[U]
}

var _ strategy.Strategy[any] = (*Throttle[any])(nil)

// New returns inner, throttled. It returns every mistake in cfg at once.
func New[U any](cfg Config, inner strategy.Strategy[U]) (*Throttle[U], error) {
	err := cfg.check("new")
	if strategy.IsNilUser(inner) {
		return nil, errors.Join(err, errors.New("throttle: new: the strategy is nil: give the one to throttle"))
	}
	if err != nil {
		return nil, err
	}
	if cfg.Claims != nil {
		inner = &claimed[U]{inner, cfg.Claims}
	}
	return &Throttle[U]{newCore(cfg, inner.Name()), inner}, nil
}

// claimed is a strategy with Config.Claims as its Claims, also for a guard.
type claimed[U any] struct {
	strategy.Strategy[U]
	claims func(r *http.Request) (account string, ok bool, err error)
}

// Claims implements [strategy.Claimant].
func (c *claimed[U]) Claims(r *http.Request) (string, bool, error) { return c.claims(r) }

// Unwrap returns the strategy itself, for its other abilities.
func (c *claimed[U]) Unwrap() strategy.Strategy[U] { return c.Strategy }

// Name implements [strategy.Strategy].
func (t *Throttle[U]) Name() string { return t.inner.Name() }

// Unwrap returns the strategy without its throttle.
func (t *Throttle[U]) Unwrap() strategy.Strategy[U] { return t.inner }

// Authenticate implements [strategy.Strategy]. An outage of the Counter, or of the Claimant,
// is an error: no log-in is possible without counting.
func (t *Throttle[U]) Authenticate(w http.ResponseWriter, r *http.Request) (U, error) {
	var nobody U
	account, ok, err := t.claims(r)
	if err != nil {
		return nobody, fmt.Errorf("throttle: whose credentials: %w", err)
	}
	if !ok {
		return t.inner.Authenticate(w, r)
	}
	try, err := t.begin(r, account)
	if err != nil {
		return nobody, err
	}
	user, err := t.inner.Authenticate(w, r)
	switch {
	case err == nil:
		try.succeed(w, r)
	case !isGuess(err, account):
		try.withdraw(r.Context())
	}
	return user, err
}

// Unlock clears the wrong attempts of unknown browsers on an account: for its owner, who
// has proved by a mailed link that it is theirs. account is spelled as at a log-in. Any
// error is an outage.
func (t *Throttle[U]) Unlock(ctx context.Context, account string) error {
	a := t.attempt()
	return a.forget(ctx, a.key("account", t.spelled(account)))
}

// MakeKnown sends the cookie that makes the browser of r known to account from now on: for
// a browser in which the owner has opened a mailed link. account is spelled as at a log-in.
// It does nothing when Config.KnownFor is below zero.
func (t *Throttle[U]) MakeKnown(w http.ResponseWriter, r *http.Request, account string) {
	if t.cfg.KnownFor > 0 {
		http.SetCookie(w, t.cfg.known(t.cfg.deviceOf(r), t.names, t.spelled(account), time.Now()))
	}
}

// isGuess reports whether err refuses credentials that were checked. A 403 does so for a password; for a
// token, which names no account, it means that the token is valid.
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

func (t *Throttle[U]) claims(r *http.Request) (string, bool, error) {
	if c, ok := strategy.Ability[strategy.Claimant](t.inner); ok {
		return c.Claims(r)
	}
	return "", true, nil
}

// spelled returns the canonical spelling of a login name by which the strategy looks up accounts.
func (t *Throttle[U]) spelled(account string) string {
	if a, ok := strategy.Ability[interface{ Account(name string) string }](t.inner); ok {
		return a.Account(account)
	}
	return account
}
