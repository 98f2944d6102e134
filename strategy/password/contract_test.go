package password_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/password"
	"github.com/seed-6f34412b/passport/strategy/password/limit"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// newPasswordCase uses a table of users that fails for one of them.
func newPasswordCase(t *testing.T) strategytest.StrategyCase[*account] {
	t.Helper()
	hasher := &password.Bcrypt{InsecureFast: true, Cost: 4}
	hash := mustHash(t, hasher, credtest.Right)
	s, err := password.New(password.LookupFunc[*account](func(_ context.Context, email string) (*account, string, error) {
		switch email {
		case "joe":
			return &account{email: email}, hash, nil
		case credtest.Outage:
			return nil, "", credtest.ErrDown
		}
		return nil, "", strategy.ErrUnauthenticated
	}), password.Config{Hasher: hasher})
	if err != nil {
		t.Fatal(err)
	}
	return credtest.Case(s, func(secret string) *http.Request {
		email := "joe"
		if secret == credtest.Outage || secret == "" {
			email = secret
		}
		return credtest.Post("application/json", fmt.Sprintf(`{"email":%q,"password":%q}`, email, secret))
	})
}

func TestThePasswordStrategyKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newPasswordCase)
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
