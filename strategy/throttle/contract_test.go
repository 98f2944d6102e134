package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// checkSecret is a validate function for all secrets.
func checkSecret(_ context.Context, secret string) (*login, error) {
	return credtest.Check(&login{email: "joe"}, secret)
}

func checkPassword(ctx context.Context, _, password string) (*login, error) {
	return checkSecret(ctx, password)
}

// sendJSON sends no name if the secret is empty.
func sendJSON(secret string) *http.Request {
	if secret == "" {
		return credtest.Post(js, `{"other":1}`)
	}
	return credtest.Post(js, fmt.Sprintf(`{"email":"joe@example.com","password":%q,"other":1}`, secret))
}

func newThrottleCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	return credtest.Case[*login](mustThrottle(t, throttle.Config{AccountAttempts: 100}, strategy.NewLocal(checkPassword)), sendJSON)
}

// newThrottledCase has no attempts left, except for the account in good requests.
func newThrottledCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	throttled := mustThrottle(t, throttle.Config{AccountAttempts: 20}, strategy.NewLocal(checkPassword))
	attempt := func() *http.Request {
		return credtest.Post(form, "email=jen@example.com&password="+credtest.Wrong)
	}
	for range 20 {
		if _, err := throttled.Authenticate(httptest.NewRecorder(), attempt()); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if _, err := throttled.Authenticate(httptest.NewRecorder(), attempt()); credtest.StatusOf(err) != http.StatusTooManyRequests {
		t.Fatalf("got %v, want the throttle's refusal", err)
	}
	c := credtest.Case[*login](throttled, sendJSON)
	c.Wrong = attempt
	return c
}

func TestThrottleKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newThrottleCase)
}

func TestAThrottleThatRefusesKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newThrottledCase)
}
