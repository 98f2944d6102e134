package onetime_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// checkSecret is a validate function for all secrets.
func checkSecret(_ context.Context, secret string) (*login, error) {
	return credtest.Check(&login{email: "joe"}, secret)
}

func newMagicLinkCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	tokens := newSpy(t)
	oneTime := newOneTime(t, tokens, "log-in")
	s, err := onetime.NewMagicLink(onetime.MagicLinkConfig{Tokens: oneTime}, checkSecret)
	if err != nil {
		t.Fatal(err)
	}
	issued := issue(t, oneTime, credtest.Outage)
	gone := issue(t, oneTime, "a user who is gone")
	send := func(token string) *http.Request { return postForm("token=" + token) }
	return strategytest.StrategyCase[*login]{
		Strategy: s,
		Good:     func() *http.Request { return send(issue(t, oneTime, credtest.Right)) },
		Wrong:    func() *http.Request { return send(gone) },
		Absent:   func() *http.Request { return send("") },
		Outage: func() *http.Request {
			tokens.mu.Lock()
			defer tokens.mu.Unlock()
			tokens.err = credtest.ErrDown
			return send(issued)
		},
		Secrets: append([]string{issued, gone}, credtest.Secrets()...),
	}
}

func TestMagicLinkKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newMagicLinkCase)
}
