package main

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// secondFactorAttacks are for a server with -totp and -trusted-proxies.
var secondFactorAttacks = []attack{
	{"ways around the second factor", withoutCode},
	{"codes guessed between log-ins", guessedCodes},
	{"addresses made up for a trusted proxy", madeUpAddresses},
}

const pass = "xkqj vwzp" //nolint:gosec // an example

// tab is a client with a cookie jar of one host.
type tab struct {
	*client
	jar map[string]string
}

func (c *client) tab() *tab { return &tab{c, map[string]string{}} }

func (t *tab) do(method, path, body string) (answer, error) {
	var pairs []string
	for name, value := range t.jar {
		pairs = append(pairs, name+"="+value)
	}
	a, err := t.send(method, path, body, "Cookie", strings.Join(pairs, "; "))
	for _, line := range a.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			t.jar[c.Name] = c.Value
		}
	}
	return a, err
}

// phone is an authenticator app that a user has just set up.
type phone struct {
	key      []byte
	recovery []string
	codes    *totp.Codes
}

func (p *phone) code(at time.Time) string { return p.codes.Code(p.key, at) }

// sendRegistration asks for an account.
func sendRegistration(c *client, email string) (answer, error) {
	return c.send(http.MethodPost, "/auth/register", form("email", email, "password", pass, "confirmationPassword", pass, "firstName", "F", "lastName", "L"))
}

// register makes an account.
func register(c *client, email string) error {
	a, err := sendRegistration(c, email)
	if err != nil || a.status != http.StatusCreated {
		return fmt.Errorf("register: %d, %w", a.status, err)
	}
	return nil
}

// enrolled registers a user, logs them in and sets up an app with its current code.
func enrolled(c *client, email string) (*tab, *phone, error) {
	if err := register(c, email); err != nil {
		return nil, nil, err
	}
	t := c.tab()
	a, err := t.do(http.MethodPost, "/auth/login", form("email", email, "password", pass))
	if err != nil || a.status != http.StatusOK {
		return nil, nil, fmt.Errorf("log in: %d, %w", a.status, err)
	}
	a, err = t.do(http.MethodPost, "/auth/totp/new", "")
	if err != nil {
		return nil, nil, err
	}
	var offer struct {
		URL           string   `json:"url"`
		RecoveryCodes []string `json:"recoveryCodes"`
	}
	if err := json.Unmarshal([]byte(a.body), &offer); err != nil || len(offer.RecoveryCodes) < 2 {
		return nil, nil, fmt.Errorf("begin the set-up: %d %s, %w", a.status, a.body, err)
	}
	u, err := url.Parse(offer.URL)
	if err != nil {
		return nil, nil, err
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil {
		return nil, nil, err
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		return nil, nil, err
	}
	codes, err := totp.NewCodes(totp.CodesConfig{Cells: memory.Cells, Issuer: "phone"})
	return t, &phone{key, offer.RecoveryCodes, codes}, err
}

// withoutCode knows the password of a user with an app, and codes that were used already (G10).
func withoutCode(c *client, report func(string, bool)) (string, error) {
	email := fmt.Sprintf("app%d@test.com", time.Now().UnixNano())
	owner, app, err := enrolled(c, email)
	if err != nil {
		return "", err
	}
	a, err := owner.do(http.MethodPost, "/auth/totp/confirm", form("code", app.recovery[0]))
	if err != nil {
		return "", err
	}
	report("a recovery code confirms an app", a.status == http.StatusUnauthorized)
	used := app.code(time.Now())
	if a, err = owner.do(http.MethodPost, "/auth/totp/confirm", form("code", used)); err != nil || a.status != http.StatusOK {
		return "", fmt.Errorf("confirm: %d %s, %w", a.status, a.body, err)
	}
	thief := c.tab()
	if a, err = thief.do(http.MethodPost, "/auth/login", form("email", email, "password", pass)); err != nil {
		return "", err
	}
	report("the password alone logs in", a.status == http.StatusUnauthorized)
	for _, try := range []struct{ method, path, body string }{
		{"GET", "/protected", ""}, {"GET", "/whoami", ""}, {"GET", "/vault", ""}, {"HEAD", "/vault", ""},
		{"POST", "/auth/totp/new", ""}, {"POST", "/auth/totp/confirm", form("code", used)}, {"POST", "/auth/totp", form("code", used)},
		{"POST", "/auth/totp", form("code", "")}, {"POST", "/auth/totp?code=" + used, ""}, {"POST", "/auth/totp", "code=000000&code=" + used},
		{"POST", "/auth/login", form("email", email, "password", pass)}, {"GET", "/protected", ""},
	} {
		a, err := thief.do(try.method, try.path, try.body)
		if err != nil {
			return "", err
		}
		report("with the password alone: "+try.method+" "+try.path, a.status >= 400 && a.status < 500 && !strings.Contains(a.body, email))
	}
	if a, err = owner.do(http.MethodPost, "/auth/totp", form("code", app.recovery[1])); err != nil || a.status != http.StatusOK {
		return "", fmt.Errorf("a recovery code: %d, %w", a.status, err)
	}
	a, err = thief.do(http.MethodPost, "/auth/totp", form("code", app.recovery[1]))
	report("a recovery code is good twice", a.status == http.StatusUnauthorized)
	return "", err
}

// guessedCodes knows the password, and logs in between guesses at the code (G2).
func guessedCodes(c *client, report func(string, bool)) (string, error) {
	email := fmt.Sprintf("guessed%d@test.com", time.Now().UnixNano())
	owner, app, err := enrolled(c, email)
	if err != nil {
		return "", err
	}
	if a, err := owner.do(http.MethodPost, "/auth/totp/confirm", form("code", app.code(time.Now()))); err != nil || a.status != http.StatusOK {
		return "", fmt.Errorf("confirm: %d, %w", a.status, err)
	}
	start, looked := time.Now(), int32(0)
	const guesses = 60
	thief := newClient(c.base, 120).tab()
	for i := range guesses {
		if i%9 == 0 { // nine codes, then a log-in with the right password
			if _, err := thief.do(http.MethodPost, "/auth/login", form("email", email, "password", pass)); err != nil {
				return "", err
			}
		}
		a, err := thief.do(http.MethodPost, "/auth/totp", form("code", fmt.Sprintf("%09d", i))) // never a valid code
		if err != nil {
			return "", err
		}
		if a.status != http.StatusTooManyRequests {
			looked++
		}
	}
	return verdict(start, looked, guesses, "codes", report), nil
}

// madeUpAddresses gives another client address with each guess, as somebody who comes through the trusted
// proxy and as somebody who does not (G6, G7).
func madeUpAddresses(c *client, report func(string, bool)) (string, error) {
	victim := fmt.Sprintf("proxied%d@test.com", time.Now().UnixNano()) // nobody has tried this account yet: pauses count from the first attempt
	if err := register(c, victim); err != nil {
		return "", err
	}
	start, looked := time.Now(), int32(0)
	const guesses = 60
	proxy, other := newClient(c.base, 9), newClient(c.base, 121)
	for i := range guesses {
		from := []*client{proxy, other}[i%2]
		made := fmt.Sprintf("198.51.100.%d", i)
		a, err := from.logIn(victim, fmt.Sprint("guess ", i), "X-Forwarded-For", made+", 203.0.113.7", "Forwarded", "for="+made, "X-Real-IP", made)
		if err != nil {
			return "", err
		}
		if a.status != http.StatusTooManyRequests {
			looked++
		}
	}
	return verdict(start, looked, guesses, "guesses", report), nil
}
