package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// What the cases below send. Both kinds of secret are a password and a token.
const (
	rightSecret = "a-made-up-right-secret"
	wrongSecret = "a-made-up-wrong-secret"
	downSecret  = "a-made-up-secret-in-an-outage"
)

var errDown = errors.New("connection refused")

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

func checkPassword(ctx context.Context, _, password string) (*login, error) {
	return checkSecret(ctx, password)
}

// requests are a case's makers by the secret that they send, of what send makes.
func requests[U any](s strategy.Strategy[U], send func(secret string) *http.Request) strategytest.StrategyCase[U] {
	with := func(secret string) func() *http.Request {
		return func() *http.Request { return send(secret) }
	}
	return strategytest.StrategyCase[U]{
		Strategy: s, Good: with(rightSecret), Wrong: with(wrongSecret), Absent: with(""), Outage: with(downSecret), Secrets: sentSecrets,
	}
}

// whose is the name that goes with secret: an empty secret goes without one.
func whose(secret string) string {
	if secret == "" {
		return ""
	}
	return "joe@example.com"
}

func sendJSON(secret string) *http.Request {
	return post(js, fmt.Sprintf(`{"email":%q,"password":%q,"other":1}`, whose(secret), secret))
}

func sendForm(secret string) *http.Request {
	return post(form, "email="+whose(secret)+"&other=1&password="+secret)
}

func sendMultipart(secret string) *http.Request {
	return post(parts, multi(part(`name="email"`, whose(secret)), part(`name="password"`, secret)))
}

func sendBearer(secret string) *http.Request {
	if secret == "" {
		return withAuthorization()
	}
	return withAuthorization("Bearer " + secret)
}

func sendBasic(secret string) *http.Request {
	if secret == "" {
		return withAuthorization()
	}
	return withAuthorization(basic("joe:" + secret))
}

// TestEveryStrategyKeepsTheContract: those of this package, each in every form of body
// that it takes, and decorated. Anonymous has no credentials, so no case.
func TestEveryStrategyKeepsTheContract(t *testing.T) {
	local := strategy.NewLocal(checkPassword)
	bearer := strategy.NewBearer("r", checkSecret)
	for _, row := range []struct {
		name    string
		newCase func(t *testing.T) strategytest.StrategyCase[*login]
	}{
		{"Local with JSON", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](local, sendJSON) }},
		{"Local with a form", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](local, sendForm) }},
		{"Local with a multipart form", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](local, sendMultipart) }},
		{"Basic", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.NewBasic("the \"r\"", checkPassword), sendBasic)
		}},
		{"Bearer", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](bearer, sendBearer) }},
		{"Bearer with a token that lacks a scope", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.NewBearer("r", func(ctx context.Context, token string) (*login, error) {
				user, err := checkSecret(ctx, token)
				if errors.Is(err, strategy.ErrUnauthenticated) {
					err = strategy.InsufficientScope("read", "write:x")
				}
				return user, err
			}), sendBearer)
		}},
		{"Named", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.Named[*login]("other", bearer), sendBearer)
		}},
		{"Map", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.Map(local, func(_ context.Context, l *login) (*login, error) { return l, nil }), sendForm)
		}},
		{"Map that decides", func(*testing.T) strategytest.StrategyCase[*login] {
			all := strategy.NewBearer("r", func(_ context.Context, token string) (string, error) { return token, nil })
			return requests[*login](strategy.Map(all, checkSecret), sendBearer)
		}},
	} {
		t.Run(row.name, func(t *testing.T) { strategytest.RunStrategy(t, row.newCase) })
	}
}
