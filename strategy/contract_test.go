package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
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

func sendJSON(secret string) *http.Request {
	return post(js, fmt.Sprintf(`{"email":"joe@example.com","password":%q,"other":1}`, secret))
}

func sendForm(secret string) *http.Request {
	return post(form, "email=joe@example.com&other=1&password="+secret)
}

func sendMultipart(secret string) *http.Request {
	return post(parts, multi(part(`name="email"`, "joe"), part(`name="password"`, secret)))
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

// newPasswordCase has a table of users behind it that is down for one of them.
func newPasswordCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	hasher := &strategy.Bcrypt{InsecureFast: true, Cost: 4}
	hash := mustHash(t, hasher, rightSecret)
	s := strategy.NewPassword(strategy.LookupFunc[*login](func(_ context.Context, email string) (*login, string, error) {
		switch email {
		case "joe":
			return &login{email: email}, hash, nil
		case downSecret:
			return nil, "", errDown
		}
		return nil, "", strategy.ErrUnauthenticated
	}), hasher)
	return requests(s, func(secret string) *http.Request {
		email := "joe"
		if secret == downSecret {
			email = secret
		}
		return post(js, fmt.Sprintf(`{"email":%q,"password":%q}`, email, secret))
	})
}

func newThrottleCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	return requests[*login](mustThrottle(t, strategy.ThrottleConfig{AccountAttempts: 100}, strategy.NewLocal(checkPassword)), sendJSON)
}

// newThrottledCase: all attempts are used up, but for the account in good requests.
func newThrottledCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	throttle := mustThrottle(t, strategy.ThrottleConfig{AccountAttempts: 20}, strategy.NewLocal(checkPassword))
	attempt := func() *http.Request { return post(form, "email=jen@example.com&password="+wrongSecret) }
	for range 20 {
		if _, err := throttle.Authenticate(httptest.NewRecorder(), attempt()); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if _, err := throttle.Authenticate(httptest.NewRecorder(), attempt()); statusOf(err) != http.StatusTooManyRequests {
		t.Fatalf("got %v, want the throttle's refusal", err)
	}
	c := requests[*login](throttle, sendJSON)
	c.Wrong = attempt
	return c
}

func newMagicLinkCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	tokens := newSpy(t)
	oneTime := newOneTime(t, tokens, "log-in")
	s, err := strategy.NewMagicLink(strategy.MagicLinkConfig{Tokens: oneTime}, checkSecret)
	if err != nil {
		t.Fatal(err)
	}
	issued := issue(t, oneTime, downSecret)
	gone := issue(t, oneTime, "a user who is gone")
	send := func(token string) *http.Request { return post(form, "token="+token) }
	return strategytest.StrategyCase[*login]{
		Strategy: s,
		Good:     func() *http.Request { return send(issue(t, oneTime, rightSecret)) },
		Wrong:    func() *http.Request { return send(gone) },
		Absent:   func() *http.Request { return send("") },
		Outage: func() *http.Request {
			tokens.mu.Lock()
			defer tokens.mu.Unlock()
			tokens.err = errDown
			return send(issued)
		},
		Secrets: append([]string{issued, gone}, sentSecrets...),
	}
}

// newTOTPCase has a new account for each request with a good code, since a code is good
// once.
func newTOTPCase(t *testing.T) strategytest.StrategyCase[*login] {
	t.Helper()
	totp := newTOTP(t, strategy.TOTPConfig{})
	key := totp.NewKey()
	s, err := strategy.NewTOTPStrategy(strategy.TOTPStrategyConfig[*login]{TOTP: totp, Enrolled: func(r *http.Request) (strategy.Enrolled[*login], error) {
		account := r.Header.Get("X-Account")
		if account == downSecret {
			return strategy.Enrolled[*login]{}, errDown
		}
		return strategy.Enrolled[*login]{User: &login{email: account}, Account: account, Key: key}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	send := func(account, code string) *http.Request {
		r := post(js, fmt.Sprintf(`{"code":%q}`, code))
		r.Header.Set("X-Account", account)
		return r
	}
	return strategytest.StrategyCase[*login]{
		Strategy: s,
		Good: func() *http.Request {
			return send(fmt.Sprint("account ", n.Add(1)), totp.Code(key, time.Now()))
		},
		Wrong:   func() *http.Request { return send("joe", "not-a-code") },
		Absent:  func() *http.Request { return send("joe", "") },
		Outage:  func() *http.Request { return send(downSecret, "a-code-unread") },
		Secrets: []string{"not-a-code", "a-code-unread", string(key)},
	}
}

// TestEveryStrategyKeepsTheContract: those of this package, each in every form of body
// that it takes, and decorated. Anonymous has no credentials, so no case.
func TestEveryStrategyKeepsTheContract(t *testing.T) {
	local := strategy.NewLocal(checkPassword)
	bearer := strategy.NewBearer("r", checkSecret)
	for _, row := range []struct {
		name    string
		newCase func(t *testing.T) strategytest.StrategyCase[*login]
	}{
		{"Local with JSON", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](local, sendJSON) }},
		{"Local with a form", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](local, sendForm) }},
		{"Local with a multipart form", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](local, sendMultipart) }},
		{"Password", newPasswordCase},
		{"Basic", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.NewBasic("the \"r\"", checkPassword), sendBasic)
		}},
		{"Bearer", func(*testing.T) strategytest.StrategyCase[*login] { return requests[*login](bearer, sendBearer) }},
		{"Bearer with a token that lacks a scope", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.NewBearer("r", func(ctx context.Context, token string) (*login, error) {
				user, err := checkSecret(ctx, token)
				if errors.Is(err, strategy.ErrUnauthenticated) {
					err = strategy.InsufficientScope("read", "write:x")
				}
				return user, err
			}), sendBearer)
		}},
		{"Named", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.Named[*login]("other", bearer), sendBearer)
		}},
		{"Map", func(*testing.T) strategytest.StrategyCase[*login] {
			return requests[*login](strategy.Map(local, func(_ context.Context, l *login) (*login, error) { return l, nil }), sendForm)
		}},
		{"Map that decides", func(*testing.T) strategytest.StrategyCase[*login] {
			all := strategy.NewBearer("r", func(_ context.Context, token string) (string, error) { return token, nil })
			return requests[*login](strategy.Map(all, checkSecret), sendBearer)
		}},
		{"Throttle", newThrottleCase},
		{"Throttle that refuses", newThrottledCase},
		{"MagicLink", newMagicLinkCase},
		{"TOTP", newTOTPCase},
	} {
		t.Run(row.name, func(t *testing.T) { strategytest.RunStrategy(t, row.newCase) })
	}
}
