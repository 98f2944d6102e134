package onetime_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// What the cases below send. Both kinds of secret are a password and a token.
const (
	rightSecret = "a-made-up-right-secret"
	wrongSecret = "a-made-up-wrong-secret"
	downSecret  = "a-made-up-secret-in-an-outage"
)

var sentSecrets = []string{rightSecret, wrongSecret, downSecret}

// checkSecret is a validate function for all secrets.
func checkSecret(_ context.Context, secret string) (*login, error) {
	switch secret {
	case rightSecret:
		return &login{email: "joe"}, nil
	case downSecret:
		return nil, errDown
	}
	return nil, fmt.Errorf("%w: no such secret", strategy.ErrUnauthenticated)
}

func newMagicLinkCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	tokens := newSpy(t)
	oneTime := newOneTime(t, tokens, "log-in")
	s, err := onetime.NewMagicLink(onetime.MagicLinkConfig{Tokens: oneTime}, checkSecret)
	if err != nil {
		t.Fatal(err)
	}
	issued := issue(t, oneTime, downSecret)
	gone := issue(t, oneTime, "a user who is gone")
	send := func(token string) *http.Request { return post(form, "token="+token) }
	return strategytest.StrategyCase[*login]{
		Strategy: s,
		Good:     func() *http.Request { return send(issue(t, oneTime, rightSecret)) },
		Wrong:    func() *http.Request { return send(gone) },
		Absent:   func() *http.Request { return send("") },
		Outage: func() *http.Request {
			tokens.mu.Lock()
			defer tokens.mu.Unlock()
			tokens.err = errDown
			return send(issued)
		},
		Secrets: append([]string{issued, gone}, sentSecrets...),
	}
}

func TestMagicLinkKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newMagicLinkCase)
}
