package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
	"github.com/seed-6f34412b/passport/strategy/throttle"
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

// sendJSON sends no name with an empty secret.
func sendJSON(secret string) *http.Request {
	if secret == "" {
		return post(js, `{"other":1}`)
	}
	return post(js, fmt.Sprintf(`{"email":"joe@example.com","password":%q,"other":1}`, secret))
}

func newThrottleCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	return requests[*login](mustThrottle(t, throttle.Config{AccountAttempts: 100}, strategy.NewLocal(checkPassword)), sendJSON)
}

// newThrottledCase: all attempts are used up, but for the account in good requests.
func newThrottledCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	throttled := mustThrottle(t, throttle.Config{AccountAttempts: 20}, strategy.NewLocal(checkPassword))
	attempt := func() *http.Request { return post(form, "email=jen@example.com&password="+wrongSecret) }
	for range 20 {
		if _, err := throttled.Authenticate(httptest.NewRecorder(), attempt()); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if _, err := throttled.Authenticate(httptest.NewRecorder(), attempt()); statusOf(err) != http.StatusTooManyRequests {
		t.Fatalf("got %v, want the throttle's refusal", err)
	}
	c := requests[*login](throttled, sendJSON)
	c.Wrong = attempt
	return c
}

func TestThrottleKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newThrottleCase)
}

func TestAThrottleThatRefusesKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newThrottledCase)
}
