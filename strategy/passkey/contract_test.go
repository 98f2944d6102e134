package passkey_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/passkeytest"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// TestPasskeysKeepTheContractOfStrategies: each good answer has a challenge of its own.
func TestPasskeysKeepTheContractOfStrategies(t *testing.T) {
	strategytest.RunStrategy(t, func(t *testing.T) strategytest.StrategyCase[*User] {
		w := newWorld(t)
		v := w.registered(newAuthenticator(t))
		request := func(edit func(*authenticator)) *http.Request {
			text := v.options("/passkey/options")
			edit(v.authenticator)
			defer func() { v.json = nil }()
			r := v.Request(http.MethodPost, "/passkey", v.get(text))
			r.Header.Set("Content-Type", "application/json")
			return r
		}
		return strategytest.StrategyCase[*User]{
			Strategy: w.passkeys,
			Good:     func() *http.Request { return request(func(*authenticator) {}) },
			Wrong:    func() *http.Request { return request(respond("signature", "AAAA")) },
			Absent:   func() *http.Request { return v.Request(http.MethodPost, "/passkey", "") },
			Outage: func() *http.Request {
				r := request(func(*authenticator) {})
				w.table.fail(errDown)
				return r
			},
			Secrets: []string{cookieSecret},
		}
	})
}

func TestTheTableOfTheTestsKeepsTheContract(t *testing.T) {
	passkeytest.RunCredentials(t, func(t *testing.T) (passkey.Credentials[*User], *User, *User) {
		w := newWorld(t)
		return w.table, w.joe, w.jen
	})
}
