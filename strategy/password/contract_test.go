package password_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

var errDown = errors.New("connection refused")

// What the cases below send.
const (
	rightSecret = "a-made-up-right-secret"
	wrongSecret = "a-made-up-wrong-secret"
	downSecret  = "a-made-up-secret-in-an-outage"
)

// requests are a case's makers by the secret that they send, of what send makes.
func requests[U any](s strategy.Strategy[U], send func(secret string) *http.Request) strategytest.StrategyCase[U] {
	with := func(secret string) func() *http.Request {
		return func() *http.Request { return send(secret) }
	}
	return strategytest.StrategyCase[U]{
		Strategy: s, Good: with(rightSecret), Wrong: with(wrongSecret), Absent: with(""), Outage: with(downSecret), Secrets: []string{rightSecret, wrongSecret, downSecret},
	}
}

// newPasswordCase has a table of users behind it that is down for one of them.
func newPasswordCase(t *testing.T) strategytest.StrategyCase[*account] {
	t.Helper()
	hasher := &password.Bcrypt{InsecureFast: true, Cost: 4}
	hash := mustHash(t, hasher, rightSecret)
	s, err := password.New(password.LookupFunc[*account](func(_ context.Context, email string) (*account, string, error) {
		switch email {
		case "joe":
			return &account{email: email}, hash, nil
		case downSecret:
			return nil, "", errDown
		}
		return nil, "", strategy.ErrUnauthenticated
	}), password.Config{Hasher: hasher})
	if err != nil {
		t.Fatal(err)
	}
	return requests(s, func(secret string) *http.Request {
		email := "joe"
		if secret == downSecret || secret == "" {
			email = secret
		}
		return post("application/json", fmt.Sprintf(`{"email":%q,"password":%q}`, email, secret))
	})
}

func TestThePasswordStrategyKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newPasswordCase)
}

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/login?email=query&password=query", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

// statusOf returns the status that err asks for: 200 for none, 500 for an outage.
func statusOf(err error) int {
	var f *strategy.Failure
	switch {
	case err == nil:
		return http.StatusOK
	case !errors.Is(err, strategy.ErrUnauthenticated):
		return http.StatusInternalServerError
	case errors.As(err, &f) && f.Status != 0:
		return f.Status
	}
	return http.StatusUnauthorized
}

// challengeOf returns the challenge that err asks for.
func challengeOf(err error) string {
	var f *strategy.Failure
	if errors.As(err, &f) {
		return f.Challenge
	}
	return ""
}

// hold occupies one place of l until the returned function is called.
func hold(l *limit.Limit) (release func()) {
	gate := make(chan struct{})
	go func() { _ = l.Do(context.Background(), func() uint64 { <-gate; return 1 }) }()
	synctest.Wait()
	return sync.OnceFunc(func() { close(gate); synctest.Wait() })
}
