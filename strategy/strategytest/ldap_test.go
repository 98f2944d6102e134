package strategytest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

func TestLDAPKeepsTheContract(t *testing.T) {
	asName := func(_ context.Context, name string) (string, error) { return name, nil }
	send := func(form string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	strategytest.RunStrategy(t, func(t *testing.T) strategytest.StrategyCase[string] {
		dir := &offices{}
		ldap, err := NewLDAP(dir, asName)
		if err != nil {
			t.Fatal(err)
		}
		return strategytest.StrategyCase[string]{
			Strategy: ldap,
			Good:     func() *http.Request { return send("username=jen&password=P4ssword!") },
			Wrong:    func() *http.Request { return send("username=jen&password=a-wrong-password") },
			Absent:   func() *http.Request { return send("") },
			Outage: func() *http.Request {
				dir.down = errors.New("no route to host")
				return send("username=jen&password=P4ssword!")
			},
			Secrets: []string{"P4ssword!", "a-wrong-password"},
		}
	})
}
