package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// checkSecret is a validate function for all secrets.
func checkSecret(_ context.Context, secret string) (*login, error) {
	return credtest.Check(&login{email: "joe"}, secret)
}

func checkPassword(ctx context.Context, _, password string) (*login, error) {
	return checkSecret(ctx, password)
}

// whose returns the login name for secret; an empty secret has none.
func whose(secret string) string {
	if secret == "" {
		return ""
	}
	return "joe@example.com"
}

func sendJSON(secret string) *http.Request {
	return credtest.Post(js, fmt.Sprintf(`{"email":%q,"password":%q,"other":1}`, whose(secret), secret))
}

func sendForm(secret string) *http.Request {
	return credtest.Post(form, "email="+whose(secret)+"&other=1&password="+secret)
}

func sendMultipart(secret string) *http.Request {
	return credtest.Post(parts, multi(part(`name="email"`, whose(secret)), part(`name="password"`, secret)))
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

// TestEveryStrategyKeepsTheContract: those of this package, with every form of body, and decorated.
// Anonymous has no credentials and so no case.
func TestEveryStrategyKeepsTheContract(t *testing.T) {
	local := strategy.NewLocal(checkPassword)
	bearer := strategy.NewBearer("r", checkSecret)
	for _, row := range []struct {
		name    string
		newCase func(t *testing.T) strategytest.StrategyCase[*login]
	}{
		{"Local with JSON", func(*testing.T) strategytest.StrategyCase[*login] { return credtest.Case[*login](local, sendJSON) }},
		{"Local with a form", func(*testing.T) strategytest.StrategyCase[*login] { return credtest.Case[*login](local, sendForm) }},
		{"Local with a multipart form", func(*testing.T) strategytest.StrategyCase[*login] { return credtest.Case[*login](local, sendMultipart) }},
		{"Basic", func(*testing.T) strategytest.StrategyCase[*login] {
			return credtest.Case[*login](strategy.NewBasic("the \"r\"", checkPassword), sendBasic)
		}},
		{"Bearer", func(*testing.T) strategytest.StrategyCase[*login] { return credtest.Case[*login](bearer, sendBearer) }},
		{"Bearer with a token that lacks a scope", func(*testing.T) strategytest.StrategyCase[*login] {
			return credtest.Case[*login](strategy.NewBearer("r", func(ctx context.Context, token string) (*login, error) {
				user, err := checkSecret(ctx, token)
				if errors.Is(err, strategy.ErrUnauthenticated) {
					err = strategy.InsufficientScope("read", "write:x")
				}
				return user, err
			}), sendBearer)
		}},
		{"Named", func(*testing.T) strategytest.StrategyCase[*login] {
			return credtest.Case[*login](strategy.Named[*login]("other", bearer), sendBearer)
		}},
		{"Map", func(*testing.T) strategytest.StrategyCase[*login] {
			return credtest.Case[*login](strategy.Map(local, func(_ context.Context, l *login) (*login, error) { return l, nil }), sendForm)
		}},
		{"Map that decides", func(*testing.T) strategytest.StrategyCase[*login] {
			all := strategy.NewBearer("r", func(_ context.Context, token string) (string, error) { return token, nil })
			return credtest.Case[*login](strategy.Map(all, checkSecret), sendBearer)
		}},
	} {
		t.Run(row.name, func(t *testing.T) { strategytest.RunStrategy(t, row.newCase) })
	}
}
