package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// TestTheContractOfStrategies: the callback is the request with credentials; a request without credentials is
// sent to the provider. Each valid callback has its own flow.
func TestTheContractOfStrategies(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*oidc.Config)
	}{
		{"an OpenID provider", func(*oidc.Config) {}},
		{"one that answers by a form", func(c *oidc.Config) { c.FormPost = true }},
	} {
		t.Run(row.name, func(t *testing.T) {
			strategytest.RunStrategy(t, func(t *testing.T) strategytest.StrategyCase[*User] {
				return newContractCase(t, row.edit)
			})
		})
	}
}

func newContractCase(t *testing.T, edit func(*oidc.Config)) strategytest.StrategyCase[*User] {
	t.Helper()
	w := newWorld(t, edit)
	const code = "a-made-up-code"
	start := func() *http.Request { return httptest.NewRequest(http.MethodGet, "/login/op?return_to=/cart", nil) }
	answer := func() *http.Request {
		rec := httptest.NewRecorder()
		_, err := w.strategy.Authenticate(rec, start())
		var to *strategy.Redirect
		if !errors.As(err, &to) {
			t.Fatalf("got %v, want a redirect to the provider", err)
		}
		r := httptest.NewRequest(http.MethodGet, callback+"?"+w.op.authorize(to.URL).Encode(), nil)
		for _, c := range rec.Result().Cookies() {
			r.AddCookie(c)
		}
		return r
	}
	return strategytest.StrategyCase[*User]{
		Strategy: w.strategy,
		Good:     answer,
		Wrong: func() *http.Request {
			r := answer()
			q := r.URL.Query()
			q.Set("code", code)
			r.URL.RawQuery = q.Encode()
			return r
		},
		Outage: func() *http.Request {
			r := answer()
			w.op.mu.Lock()
			defer w.op.mu.Unlock()
			w.op.network = func(*http.Request) error { return errors.New("connection refused") }
			return r
		},
		Redirect: start,
		Secrets:  []string{code, clientSecret, cookieSecret},
	}
}
