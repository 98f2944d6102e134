package jwt_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/jwt"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// TestTheContractOfStrategies runs the contract for tokens in the header and in a cookie. Tokens are refused
// for the signature and by validate; outages are those of the keys and of the users table.
func TestTheContractOfStrategies(t *testing.T) {
	now := time.Now().Unix()
	token := func(subject string) string {
		return hs256(atJWT, with(claims{"sub": subject, "iat": now, "exp": now + 300, "auth_time": now}))
	}
	forged := sign(gojwt.SigningMethodHS256, []byte("another secret, of 32 bytes or more"), atJWT, with(claims{"iat": now, "exp": now + 300}))
	validate := func(_ context.Context, c jwt.AccessClaims) (string, error) {
		switch c.Subject {
		case "gone":
			return "", strategy.ErrUnauthenticated
		case "down":
			return "", errors.New("connection refused")
		}
		return c.Subject, nil
	}
	inHeader := func(token string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			return r
		}
	}
	inCookie := func(token string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			if token != "" {
				r.AddCookie(&http.Cookie{Name: "__Host-token", Value: token})
			}
			return r
		}
	}
	for _, row := range []struct {
		name, cookie string
		send         func(token string) func() *http.Request
		wrong        string
	}{
		{"a forged token in the header", "", inHeader, forged},
		{"a token of a user who is gone", "", inHeader, token("gone")},
		{"what is no token", "", inHeader, "not-a-token"},
		{"a forged token in a cookie", "__Host-token", inCookie, forged},
	} {
		t.Run(row.name, func(t *testing.T) {
			strategytest.RunStrategy(t, func(t *testing.T) strategytest.StrategyCase[string] {
				cfg := configOf(keyOf(t, "", jwt.HS256))
				cfg.Cookie = row.cookie
				s, err := jwt.New(cfg, validate)
				if err != nil {
					t.Fatal(err)
				}
				return strategytest.StrategyCase[string]{
					Strategy: s, Good: row.send(token("42")), Wrong: row.send(row.wrong), Absent: row.send(""), Outage: row.send(token("down")),
					Secrets: []string{string(secretOf(jwt.HS256))},
				}
			})
		})
	}
	t.Run("the keys are down", func(t *testing.T) {
		strategytest.RunStrategy(t, func(t *testing.T) strategytest.StrategyCase[string] {
			down := false
			cfg := configOf(keyOf(t, "", jwt.HS256))
			cfg.Keys = jwt.KeysFunc(func(context.Context) ([]*jwt.Key, error) {
				if down {
					return nil, errors.New("no route to host")
				}
				return []*jwt.Key{keyOf(t, "", jwt.HS256)}, nil
			})
			return strategytest.StrategyCase[string]{
				Strategy: subjects(t, cfg), Good: inHeader(token("42")), Wrong: inHeader(forged), Absent: inHeader(""),
				Outage: func() *http.Request {
					down = true
					return inHeader(token("42"))()
				},
			}
		})
	})
}
