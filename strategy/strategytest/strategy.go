package strategytest

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
)

// StrategyCase is a [strategy.Strategy] and requests to try it with. Each maker returns
// a new request at every call; that of a one-time credential brings a new one each time.
// A maker may change what the strategy depends on, such as take its database down,
// since every rule is tried on a case of its own.
type StrategyCase[U any] struct {
	// Strategy is what is tried; required.
	Strategy strategy.Strategy[U]
	// Good makes a request that the strategy finds a user for; required.
	Good func() *http.Request
	// Wrong makes a request with credentials that are not valid; required.
	Wrong func() *http.Request
	// Absent makes a request without the strategy's kind of credential. Nil means that
	// there is none that it refuses: it redirects those.
	Absent func() *http.Request
	// Outage makes a request that is answered while something is down that the strategy
	// needs. Nil means that nothing can be.
	Outage func() *http.Request
	// Redirect makes a request that the strategy sends elsewhere. Nil means none.
	Redirect func() *http.Request
	// Secrets are the credentials in the requests, and what else must not be logged. What
	// the Authorization and Cookie headers carry is known without.
	Secrets []string
}

// RunStrategy runs every rule of [strategy.Strategy] as a subtest, and those of the
// types that it returns, and of [strategy.CrossSite] and [strategy.Claimant] where it has
// them. newCase is called for each rule. Run it with -race: one rule
// is that the strategy is safe for concurrent use.
func RunStrategy[U any](t *testing.T, newCase func(t *testing.T) StrategyCase[U]) {
	run(t, strategyRules, func(t *testing.T) trial { return newTrial(t, newCase(t)) })
}

// trial is a StrategyCase of any user type.
type trial struct {
	strategy interface{ Name() string }
	// authenticate calls the strategy. nobody says that the user is nil.
	authenticate func(w http.ResponseWriter, r *http.Request) (nobody bool, err error)
	allows       func(r *http.Request) bool
	claimant     strategy.Claimant // nil for a strategy that is no Claimant

	good, wrong, absent, outage, redirect func() *http.Request
	secrets                               []string
}

func newTrial[U any](t reporter, c StrategyCase[U]) trial {
	t.Helper()
	if c.Strategy == nil || c.Good == nil || c.Wrong == nil {
		t.Fatalf("StrategyCase: Strategy, Good or Wrong is nil: all three are required")
	}
	claimant, _ := strategy.Ability[strategy.Claimant](c.Strategy)
	return trial{
		c.Strategy,
		func(w http.ResponseWriter, r *http.Request) (bool, error) {
			user, err := c.Strategy.Authenticate(w, r)
			return strategy.IsNilUser(user), err
		},
		func(r *http.Request) bool {
			x, ok := strategy.Ability[strategy.CrossSite](c.Strategy)
			return ok && x.AllowCrossSite(r)
		},
		claimant,
		c.Good, c.Wrong, c.Absent, c.Outage, c.Redirect, c.Secrets,
	}
}

// maker makes requests of one kind.
type maker struct {
	kind string
	make func() *http.Request
}

// refusals returns the kinds of requests that are refused.
func (c trial) refusals() []maker {
	return present(maker{"wrong credentials", c.wrong}, maker{"no credentials", c.absent})
}

// failures returns the kinds of requests for which there is an error.
func (c trial) failures() []maker {
	return append(c.refusals(), present(maker{"a redirect", c.redirect}, maker{"an outage", c.outage})...)
}

// all returns all kinds. An outage comes last, because its maker may take something down.
func (c trial) all() []maker {
	return append([]maker{{"good credentials", c.good}}, c.failures()...)
}

func present(list ...maker) (there []maker) {
	for _, m := range list {
		if m.make != nil {
			there = append(there, m)
		}
	}
	return there
}

// headersOnly is a ResponseWriter that records what a strategy must not do.
type headersOnly struct {
	header http.Header
	wrote  string
}

// Header implements [http.ResponseWriter].
func (w *headersOnly) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *headersOnly) WriteHeader(int) { w.wrote = "a status" }

// Write implements [http.ResponseWriter].
func (w *headersOnly) Write(p []byte) (int, error) {
	w.wrote = "a body"
	return len(p), nil
}

func newHeadersOnly() *headersOnly { return &headersOnly{header: http.Header{}} }

// ask calls the strategy with r.
func (c trial) ask(r *http.Request) (nobody bool, err error) {
	return c.authenticate(newHeadersOnly(), r)
}
