package totp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

const downSecret = "a-made-up-secret-in-an-outage"

// newTOTPCase has a new account for each request with a good code, because a code is valid once.
func newTOTPCase(t *testing.T) strategytest.StrategyCase[*phone] {
	t.Helper()
	codes := newTOTP(t, totp.CodesConfig{})
	key := codes.NewKey()
	s, err := totp.New(totp.Config[*phone]{Codes: codes, Enrolled: func(r *http.Request) (totp.Enrolled[*phone], error) {
		account := r.Header.Get("X-Account")
		if account == downSecret {
			return totp.Enrolled[*phone]{}, credtest.ErrDown
		}
		return totp.Enrolled[*phone]{User: &phone{account}, Account: account, Key: key}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	send := func(account, code string) *http.Request {
		r := post(fmt.Sprintf(`{"code":%q}`, code))
		r.Header.Set("X-Account", account)
		return r
	}
	return strategytest.StrategyCase[*phone]{
		Strategy: s,
		Good: func() *http.Request {
			return send(fmt.Sprint("account ", n.Add(1)), codes.Code(key, time.Now()))
		},
		Wrong:   func() *http.Request { return send("joe", "not-a-code") },
		Absent:  func() *http.Request { return send("joe", "") },
		Outage:  func() *http.Request { return send(downSecret, "a-code-unread") },
		Secrets: []string{"not-a-code", "a-code-unread", string(key)},
	}
}

func TestTOTPKeepsTheContract(t *testing.T) {
	strategytest.RunStrategy(t, newTOTPCase)
}

func post(json string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/login/totp", strings.NewReader(json))
	r.Header.Set("Content-Type", "application/json")
	return r
}
