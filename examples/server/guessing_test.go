package main_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// at returns a visitor from another loopback address.
func (p *process) at(addr string) *visitor {
	v := p.visitor()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
	v.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(to)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	p.t.Cleanup(v.http.CloseIdleConnections)
	return v
}

// TestASVS_6_3_1_NobodyBuysGuesses against the running server, from many addresses: joe's
// password is looked at ten times, and once more after a pause, however it is tried; his
// browser gets in all the while.
func TestASVS_6_3_1_NobodyBuysGuesses(t *testing.T) {
	p := start(t)
	owner := p.visitor()
	owner.logIn(joe, joesPass).want(t, http.StatusOK, "")

	mallory := p.at("127.0.2.1")
	mallory.register(joe+" ", "xkqj vwzp").want(t, http.StatusBadRequest, "unique") // G1
	mallory.register("mallory@test.com", "xkqj vwzp").want(t, http.StatusCreated, "")
	begun, looked, refused := time.Now(), 0, 0
	for i := range 60 {
		if i%20 == 0 { // an account of one's own, logged in to between the guesses
			mallory.logIn("mallory@test.com", "xkqj vwzp").want(t, http.StatusOK, "")
		}
		spelled := []string{joe, "JOEFOO@test.com", " joefoo@test.com", "joefoo@TEST.com\u00a0", "joe\u200bfoo@test.com"}[i%5] // G7
		v := p.at(fmt.Sprintf("127.0.3.%d", i+1))
		if i%2 == 0 {
			v = mallory
		}
		got := v.logIn(spelled, "guess "+fmt.Sprint(i))
		switch got.status {
		case http.StatusUnauthorized:
			looked++
		case http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("a guess: got %d %s, want 401 or 429", got.status, got.body)
		}
	}
	pauses := int(time.Since(begun) / (30 * time.Second)) // after each of them one more guess is looked at
	if looked < 10 || looked > 10+pauses || looked+refused != 60 {
		t.Errorf("%d of 60 guesses were looked at and %d refused, want 10 and 50; %d pauses were over", looked, refused, pauses)
	}
	p.at("127.0.4.1").logIn(joe, joesPass).want(t, http.StatusTooManyRequests, "")
	for range 3 {
		owner.logIn("JoeFoo@test.com", joesPass).want(t, http.StatusOK, "")
	}
}

// TestRegistrationsDoNotStarveLogIns (G9): 120 at once, from many addresses, and every
// log-in is answered.
func TestRegistrationsDoNotStarveLogIns(t *testing.T) {
	p := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	var registrations, logIns sync.WaitGroup
	var once sync.Once
	full := make(chan struct{}) // closed when no more registrations can wait
	for i := range 120 {
		v := p.at(fmt.Sprintf("127.0.5.%d", i+1))
		registrations.Go(func() {
			body := encode("email", fmt.Sprintf("user%d@test.com", i), "password", "xkqj vwzp", "confirmationPassword", "xkqj vwzp", "firstName", "F", "lastName", "L")
			got, err := v.send(ctx, http.MethodPost, "/auth/register", form, body)
			if err != nil || got.status == http.StatusServiceUnavailable {
				once.Do(func() { close(full) })
			}
		})
	}
	<-full
	for range 8 {
		v := p.visitor()
		logIns.Go(func() {
			got, err := v.send(ctx, http.MethodPost, "/auth/login", form, encode("email", joe, "password", joesPass))
			if err != nil || got.status != http.StatusOK {
				t.Errorf("a log-in meanwhile: got %d %s, %v, want 200", got.status, got.body, err)
			}
		})
	}
	logIns.Wait()
	cancel() // those that still wait need not be hashed
	registrations.Wait()
}

// TestRegistrationsAreCounted by address: the hundred and first waits.
func TestRegistrationsAreCounted(t *testing.T) {
	v := start(t).visitor()
	for range 100 {
		v.register("joe", "x").want(t, http.StatusBadRequest, "")
	}
	if got := v.register("joe", "x"); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("the 101st: got %d with Retry-After %q, want 429 with one", got.status, got.header.Get("Retry-After"))
	}
}

// TestTrustedProxiesSayWhoAsks (G6): without them a warning, once, and all are one address.
func TestTrustedProxiesSayWhoAsks(t *testing.T) {
	for _, row := range []struct {
		name     string
		args     []string
		warnings int
	}{{"nobody is trusted", nil, 1}, {"loopback is trusted", []string{"-trusted-proxies", "127.0.0.0/8,::1"}, 0}} {
		p := start(t, row.args...)
		v := p.visitor()
		for i := range 3 {
			got := v.do(http.MethodPost, "/auth/login", form, encode("email", "nobody@test.com", "password", "guess"), "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
			got.want(t, http.StatusUnauthorized, "")
		}
		p.Stop()
		if got := strings.Count(p.Log.String(), "forwarded by a proxy that is not trusted"); got != row.warnings {
			t.Errorf("%s: %d warnings, want %d: %s", row.name, got, row.warnings, p.Log.String())
		}
	}
}
