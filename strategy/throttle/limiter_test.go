package throttle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

func mustLimiter(t *testing.T, cfg throttle.Config) *throttle.Limiter {
	t.Helper()
	l, err := throttle.NewLimiter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func from(addr string) *http.Request {
	r := credtest.Post(form, "email=joe@test.com&password=new")
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(addr), 4711).String()
	return r
}

// TestALimiterIsAMiddleware for routes without a strategy, such as a registration.
func TestALimiterIsAMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := strategy.NewLocal(accept)
		for _, row := range []struct {
			name string
			cfg  throttle.Config
			from func(i int) string
		}{
			{"by address", throttle.Config{Purpose: "register", AddressAttempts: 3}, func(int) string { return here }},
			{"by account", throttle.Config{Purpose: "forgot", AccountAttempts: 3, Claims: local.Claims}, address},
		} {
			served := 0
			h := mustLimiter(t, row.cfg).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				served++
				if r.FormValue("password") != "new" {
					t.Errorf("%s: the body is gone", row.name)
				}
			}))
			ask := func(i int) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, from(row.from(i)))
				return w
			}
			for i := range 10 {
				w := ask(i)
				if i < 3 && w.Code != 200 || i >= 3 && (w.Code != 429 || w.Header().Get("Retry-After") != "30") {
					t.Errorf("%s: request %d: status %d, Retry-After %q", row.name, i+1, w.Code, w.Header().Get("Retry-After"))
				}
			}
			time.Sleep(30 * time.Second)
			if w := ask(11); w.Code != 200 || served != 4 {
				t.Errorf("%s: after Retry-After: status %d with %d served, want 200 and 4", row.name, w.Code, served)
			}
		}
	})
}

// TestALimiterCountsWhatIsGuessed: wrong guesses stay counted, right ones and outages do not.
func TestALimiterCountsWhatIsGuessed(t *testing.T) {
	l := mustLimiter(t, throttle.Config{Purpose: "present password", AccountAttempts: 2})
	for i, row := range []struct{ err, want error }{
		{nil, nil}, {errCounter, errCounter}, {strategy.ErrUnauthenticated, strategy.ErrUnauthenticated}, {nil, nil},
		{strategy.ErrUnauthenticated, strategy.ErrUnauthenticated},
	} {
		if err := l.Attempt(from(here), "joe", func(context.Context) error { return row.err }); !errors.Is(err, row.want) || err == nil != (row.want == nil) {
			t.Errorf("attempt %d: got %v, want %v", i+1, err, row.want)
		}
	}
	err := l.Attempt(from(there), "joe", func(context.Context) error { t.Error("it was looked at"); return nil })
	if credtest.StatusOf(err) != 429 {
		t.Errorf("after two wrong ones: got %v, want 429", err)
	}
	if err := l.Take(from(there), "jen"); err != nil {
		t.Errorf("another account: got %v", err)
	}
}

// TestLimitersOfTwoPurposesCountApart, and apart from log-ins, with one Counter.
func TestLimitersOfTwoPurposesCountApart(t *testing.T) {
	var counter throttle.MemoryCounter
	cfg := func(purpose string) throttle.Config {
		return throttle.Config{Counter: &counter, Purpose: purpose, AccountAttempts: 1, AddressAttempts: 1}
	}
	register, forgot := mustLimiter(t, cfg("register")), mustLimiter(t, cfg("forgot"))
	var g guesses
	customers, staff := mustThrottle(t, cfg(""), strategy.NewLocal(g.validate)), mustThrottle(t, cfg("staff"), strategy.NewLocal(g.validate))
	for _, want := range []int{200, 429} {
		for name, err := range map[string]error{"register": register.Take(from(here), "joe"), "forgot": forgot.Take(from(here), "joe")} {
			if credtest.StatusOf(err) != want {
				t.Errorf("%s: got %v, want status %d", name, err, want)
			}
		}
	}
	for _, want := range []int{401, 429} {
		for name, s := range map[string]strategy.Strategy[login]{"customers": customers, "staff": staff} {
			if status, _ := try(s, here, "joe", "wrong"); status != want {
				t.Errorf("%s: status %d, want %d", name, status, want)
			}
		}
	}
}

func TestALimiterWithoutItsCounterLetsNobodyIn(t *testing.T) {
	down := func(purpose string) throttle.Config { return throttle.Config{Counter: &broken{n: 1}, Purpose: purpose} }
	w := httptest.NewRecorder()
	mustLimiter(t, down("register")).Handler(http.NotFoundHandler()).ServeHTTP(w, from(here))
	if w.Code != 503 || strings.Contains(w.Body.String(), "refused") {
		t.Errorf("got %d, %q, want 503 without the cause", w.Code, w.Body)
	}
	claims := throttle.Config{Purpose: "x", Claims: func(*http.Request) (string, bool, error) { return "", false, errCounter }}
	w = httptest.NewRecorder()
	mustLimiter(t, claims).Handler(http.NotFoundHandler()).ServeHTTP(w, from(here))
	if w.Code != 503 {
		t.Errorf("an outage of Claims: got %d, want 503", w.Code)
	}
	if _, err := throttle.NewLimiter(throttle.Config{AccountAttempts: -1}); err == nil || !strings.Contains(err.Error(), "Purpose is empty") || !strings.Contains(err.Error(), "AccountAttempts") {
		t.Errorf("got %v, want both mistakes", err)
	}
}

// TestAnOutageOfTheClaimantLetsNoGuessThrough: of a thousand, none is checked (G14).
func TestAnOutageOfTheClaimantLetsNoGuessThrough(t *testing.T) {
	asked := 0
	custom := strategy.Func("custom", func(http.ResponseWriter, *http.Request) (login, error) {
		asked++
		return login{}, strategy.ErrUnauthenticated
	})
	s := mustThrottle(t, throttle.Config{Claims: func(*http.Request) (string, bool, error) { return "", false, errCounter }}, custom)
	for range 1000 {
		if _, err := s.Authenticate(httptest.NewRecorder(), from(here)); !errors.Is(err, errCounter) || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Fatalf("got %v, want the outage", err)
		}
	}
	if asked != 0 {
		t.Errorf("%d of 1000 were looked at, want none", asked)
	}
}

// TestRetryAfterIsExact, even while attempts are in progress and a thousand requests come at once (G14).
func TestRetryAfterIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := mustThrottle(t, throttle.Config{}, strategy.NewLocal(func(_ context.Context, _, password string) (login, error) {
			if password == "slow" {
				<-release
			}
			return login{}, strategy.ErrUnauthenticated
		}))
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() { _, _ = try(s, address(i), "joe", "slow") })
		}
		synctest.Wait()
		for _, want := range []time.Duration{30 * time.Second, 60 * time.Second, 120 * time.Second, 240 * time.Second} {
			time.Sleep(time.Second)
			var mu sync.Mutex
			waits := map[time.Duration]int{}
			for i := range 1000 {
				wg.Go(func() {
					_, wait := try(s, address(i), "joe", "wrong")
					mu.Lock()
					defer mu.Unlock()
					waits[wait]++
				})
			}
			synctest.Wait()
			if waits[want-time.Second] != 1000 {
				t.Errorf("got the waits %v, want %v of all", waits, want-time.Second)
			}
			time.Sleep(want - time.Second - time.Millisecond)
			if status, wait := try(s, here, "joe", "wrong"); status != 429 || wait != time.Millisecond {
				t.Errorf("a millisecond too early: status %d, wait %v, want 429 and a millisecond", status, wait)
			}
			time.Sleep(time.Millisecond)
			if status, _ := try(s, here, "joe", "wrong"); status != 401 {
				t.Errorf("at the announced time: status %d, want the credentials checked", status)
			}
		}
		close(release)
		wg.Wait()
	})
}

// TestAProxyThatNobodyTrustsIsNamedOnce (G6): without trusted proxies, a hundred wrong attempts by anybody
// block the log-in for all unknown browsers.
func TestAProxyThatNobodyTrustsIsNamedOnce(t *testing.T) {
	for _, row := range []struct {
		name, header string
		trusted      []netip.Prefix
		want         int
	}{
		{"X-Forwarded-For", "X-Forwarded-For", nil, 1},
		{"Forwarded", "Forwarded", nil, 1},
		{"no such header", "X-Request-Id", nil, 0},
		{"a proxy that is trusted", "X-Forwarded-For", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, 0},
	} {
		var log bytes.Buffer
		var g guesses
		s := mustThrottle(t, throttle.Config{TrustedProxies: row.trusted, Logger: slog.New(slog.NewTextHandler(&log, nil))}, strategy.NewLocal(g.validate))
		for i := range 20 {
			r := credtest.Post(form, fmt.Sprintf("email=user%d&password=wrong", i))
			r.Header.Set(row.header, "for=198.51.100.1")
			if _, err := s.Authenticate(httptest.NewRecorder(), r); err == nil {
				t.Fatal("it succeeds")
			}
		}
		if got := strings.Count(log.String(), "TrustedProxies"); got != row.want || strings.Contains(log.String(), "198.51.100.1") {
			t.Errorf("%s: %d lines, want %d:\n%s", row.name, got, row.want, log.String())
		}
	}
}

// TestALimiterCountsWhatClaimsDoesNotUnderstand by address.
func TestALimiterCountsWhatClaimsDoesNotUnderstand(t *testing.T) {
	served := 0
	cfg := throttle.Config{Purpose: "forgot", AddressAttempts: 3, Claims: strategy.NewLocal(accept).Claims}
	h := mustLimiter(t, cfg).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	for range 10 {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("email=joe@test.com&email=x&password=new"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if served != 3 {
		t.Errorf("%d requests with a repeated field were served, want 3", served)
	}
}
