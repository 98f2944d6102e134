package strategytest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func TestAPIKeyKeepsTheContract(t *testing.T) {
	const good, wrong, down = "a-good-api-key", "a-wrong-api-key", "a-key-in-an-outage"
	find := func(_ context.Context, hash [sha256.Size]byte) (string, error) {
		switch hash {
		case sha256.Sum256([]byte(good)):
			return "Marvin", nil
		case sha256.Sum256([]byte(down)):
			return "", errors.New("connection refused")
		}
		return "", strategy.ErrUnauthenticated
	}
	send := func(key string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("X-API-Key", key)
			return r
		}
	}
	strategytest.RunStrategy(t, func(*testing.T) strategytest.StrategyCase[string] {
		return strategytest.StrategyCase[string]{
			Strategy: NewAPIKey(find),
			Good:     send(good), Wrong: send(wrong), Absent: send(""), Outage: send(down),
			Secrets: []string{good, wrong, down},
		}
	})
}
