package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// guesses is a validate function that counts its calls. The password is "right" for everybody.
type guesses struct{ n atomic.Int64 }

func (g *guesses) validate(_ context.Context, email, password string) (login, error) {
	g.n.Add(1)
	switch password {
	case "right":
		return login{email, password}, nil
	case "down":
		return login{}, errors.New("database is down")
	case "busy":
		return login{}, strategy.ErrBusy
	case "locked":
		return login{}, &strategy.Failure{Status: 403}
	}
	return login{}, strategy.ErrUnauthenticated
}

func mustThrottle[U any](t *testing.T, cfg throttle.Config, s strategy.Strategy[U]) *throttle.Throttle[U] {
	t.Helper()
	throttled, err := throttle.New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	return throttled
}

// try sends credentials to s from an address and returns the status and the pause.
func try(s strategy.Strategy[login], from, email, password string) (int, time.Duration) {
	r := credtest.Post(js, fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 4711).String()
	_, err := s.Authenticate(httptest.NewRecorder(), r)
	var f *strategy.Failure
	if errors.As(err, &f) {
		return credtest.StatusOf(err), f.RetryAfter
	}
	return credtest.StatusOf(err), 0
}

const here, there = "192.0.2.1", "198.51.100.1"

func TestASVS_6_3_1_ThrottleDelaysGuessesAtAnAccountMoreAndMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		s := mustThrottle(t, throttle.Config{AccountAttempts: 3, Delay: 10 * time.Second, MaxDelay: time.Minute, Window: time.Hour}, strategy.NewLocal(g.validate))
		for range 3 {
			if status, _ := try(s, here, "joe", "wrong"); status != 401 {
				t.Fatalf("a free attempt: status %d, want 401", status)
			}
		}
		for _, seconds := range []int{10, 20, 40, 60, 60} {
			pause := time.Duration(seconds) * time.Second
			for _, password := range []string{"wrong", "right"} {
				asked := g.n.Load()
				if status, wait := try(s, there, "Joe ", password); status != 429 || wait != pause || g.n.Load() != asked {
					t.Errorf("a %s password: status %d, wait %v, looked at: %v, want 429 and %v", password, status, wait, g.n.Load() != asked, pause)
				}
			}
			time.Sleep(pause - time.Second)
			if status, wait := try(s, there, "joe", "right"); status != 429 || wait != time.Second {
				t.Errorf("a second too early: status %d, wait %v, want 429 and 1s", status, wait)
			}
			time.Sleep(time.Second)
			if status, _ := try(s, there, "JOE", "wrong"); status != 401 {
				t.Errorf("after the pause: status %d, want 401", status)
			}
		}
		if status, _ := try(s, there, "jen", "wrong"); status != 401 {
			t.Errorf("another account: status %d, want 401", status)
		}
		time.Sleep(time.Hour)
		for range 3 {
			if status, _ := try(s, there, "joe", "wrong"); status != 401 {
				t.Errorf("after the window: status %d, want 401", status)
			}
		}
	})
}

func TestASVS_6_3_1_AHundredGuessesAtOnceOnABudgetOfTenRunTen(t *testing.T) {
	for name, attempt := range map[string]func(s strategy.Strategy[login], i int) int{
		"one account from many addresses": func(s strategy.Strategy[login], i int) int {
			status, _ := try(s, fmt.Sprintf("192.0.2.%d", i), "joe", "wrong")
			return status
		},
		"many accounts from one address": func(s strategy.Strategy[login], i int) int {
			status, _ := try(s, here, fmt.Sprint("user", i), "wrong")
			return status
		},
	} {
		var g guesses
		s := mustThrottle(t, throttle.Config{AccountAttempts: 10, AddressAttempts: 10}, strategy.NewLocal(g.validate))
		var wg sync.WaitGroup
		var refused atomic.Int64
		for i := range 100 {
			wg.Go(func() {
				if attempt(s, i) == 429 {
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if g.n.Load() != 10 || refused.Load() != 90 {
			t.Errorf("%s: %d checked, %d answered 429, want 10 and 90", name, g.n.Load(), refused.Load())
		}
	}
}

func TestThrottleCountsIPv6BySubscriber(t *testing.T) {
	var g guesses
	s := mustThrottle(t, throttle.Config{AddressAttempts: 2}, strategy.NewLocal(g.validate))
	for i, row := range []struct {
		from string
		want int
	}{
		{"2001:db8:0:1::1", 401}, {"2001:db8:0:1:ffff::2", 401}, {"2001:db8:0:1::3", 429}, {"2001:db8:0:2::1", 401},
		{"192.0.2.1", 401}, {"192.0.2.1", 401}, {"192.0.2.1", 429}, {"::ffff:192.0.2.1", 429}, {"192.0.2.2", 401},
	} {
		if status, _ := try(s, row.from, fmt.Sprint("user", i), "wrong"); status != row.want {
			t.Errorf("attempt %d from %s: status %d, want %d", i, row.from, status, row.want)
		}
	}
}

func TestThrottleBelievesTrustedProxies(t *testing.T) {
	var g guesses
	s := mustThrottle(t, throttle.Config{AddressAttempts: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, strategy.NewLocal(g.validate))
	for i, row := range []struct {
		forwarded string
		want      int
	}{{"203.0.113.1", 401}, {"203.0.113.1", 429}, {"203.0.113.2", 401}, {"203.0.113.9, 203.0.113.2", 429}} {
		r := credtest.Post(form, fmt.Sprintf("email=user%d&password=wrong", i))
		r.Header.Set("X-Forwarded-For", row.forwarded)
		if _, err := s.Authenticate(httptest.NewRecorder(), r); credtest.StatusOf(err) != row.want {
			t.Errorf("attempt %d for %s: %v, want status %d", i, row.forwarded, err, row.want)
		}
	}
}

// TestASuccessBuysNoGuesses: it does not count, and does not reset the counts of others for the account or
// the address.
func TestASuccessBuysNoGuesses(t *testing.T) {
	var g guesses
	s := mustThrottle(t, throttle.Config{AccountAttempts: 3, AddressAttempts: 7}, strategy.NewLocal(g.validate))
	for _, row := range []struct {
		account, password string
		want              int
	}{
		{"joe", "wrong", 401}, {"joe", "right", 200}, {"joe", "wrong", 401}, {"joe", "right", 200}, {"joe", "wrong", 401},
		{"joe", "right", 429}, // after three wrong ones by an unknown browser
		{"jen", "wrong", 401}, {"jen", "right", 200}, {"jen", "wrong", 401}, {"jan", "wrong", 401}, {"jan", "wrong", 401},
		{"jim", "right", 429}, // after seven wrong ones from the address
	} {
		if status, _ := try(s, here, row.account, row.password); status != row.want {
			t.Errorf("%s with a %s password: status %d, want %d", row.account, row.password, status, row.want)
		}
	}
}

func TestThrottleCountsOnlyCredentialsThatWereLookedAt(t *testing.T) {
	var g guesses
	s := mustThrottle(t, throttle.Config{AccountAttempts: 1, AddressAttempts: 1}, strategy.NewLocal(g.validate))
	for range 3 {
		if _, err := s.Authenticate(httptest.NewRecorder(), credtest.Post(form, "email=joe")); credtest.StatusOf(err) != 400 {
			t.Errorf("a missing password: %v, want status 400", err)
		}
		if status, _ := try(s, here, "joe", "down"); status != 500 {
			t.Errorf("an outage: status %d, want 500", status)
		}
		if status, _ := try(s, here, "joe", "busy"); status != 500 {
			t.Errorf("a full queue: status %d, want 500", status)
		}
	}
	if status, _ := try(s, here, "joe", "locked"); status != 403 {
		t.Errorf("a refusal with 403: status %d", status)
	}
	if status, _ := try(s, here, "joe", "right"); status != 429 {
		t.Errorf("after a refusal with 403: status %d, want 429", status)
	}
}

func TestThrottleOfOtherStrategies(t *testing.T) {
	refuse := func(err error) func(context.Context, string) (login, error) {
		return func(context.Context, string) (login, error) { return login{}, err }
	}
	custom := strategy.Func("custom", func(http.ResponseWriter, *http.Request) (login, error) { return login{}, strategy.ErrUnauthenticated })
	mapped := strategy.Map(strategy.NewBearer("r", refuse(strategy.ErrUnauthenticated)), func(_ context.Context, l login) (login, error) { return l, nil })
	good, wrong, none := "Bearer abc", basic("joe:wrong"), ""
	one := throttle.Config{AddressAttempts: 1}
	account := throttle.Config{AccountAttempts: 1, Claims: func(r *http.Request) (string, bool, error) { return r.Host, r.Host != "", nil }}
	for _, row := range []struct {
		name   string
		cfg    throttle.Config
		s      strategy.Strategy[login]
		header string
		want   []int
	}{
		{"Basic without credentials is not counted", one, strategy.NewBasic("r", (&guesses{}).validate), none, []int{401, 401, 401}},
		{"Basic is counted by user-id", throttle.Config{AccountAttempts: 1}, strategy.NewBasic("r", (&guesses{}).validate), wrong, []int{401, 429, 429}},
		{"Bearer without a token is not counted", one, strategy.NewBearer("r", refuse(strategy.ErrUnauthenticated)), none, []int{401, 401}},
		{"Bearer is counted by address", one, strategy.NewBearer("r", refuse(strategy.ErrUnauthenticated)), good, []int{401, 429}},
		{"a good token that lacks a scope is no guess", one, strategy.NewBearer("r", refuse(strategy.InsufficientScope("x"))), good, []int{403, 403, 403}},
		{"Map and Named hide nothing", one, strategy.Named("n", mapped), none, []int{401, 401}},
		{"Map and Named count", one, strategy.Named("n", mapped), good, []int{401, 429}},
		{"a strategy that cannot tell is counted by address", one, custom, none, []int{401, 429}},
		{"the application can tell for it", account, custom, none, []int{401, 429}},
	} {
		s := mustThrottle(t, row.cfg, row.s)
		for i, want := range row.want {
			r := withAuthorization(row.header)
			if row.header == "" {
				r.Header.Del("Authorization")
			}
			if _, err := s.Authenticate(httptest.NewRecorder(), r); credtest.StatusOf(err) != want {
				t.Errorf("%s: attempt %d: %v, want status %d", row.name, i+1, err, want)
			}
		}
	}
}

func TestThrottleIsADecorator(t *testing.T) {
	inner := strategy.NewBearer("r", acceptToken)
	s := mustThrottle(t, throttle.Config{}, inner)
	if s.Name() != "bearer" || s.Unwrap() != inner || !allowsCrossSite(s, withAuthorization()) {
		t.Errorf("name %q, unwraps to %T, cross-site %v", s.Name(), s.Unwrap(), allowsCrossSite(s, withAuthorization()))
	}
	if user, err := s.Authenticate(httptest.NewRecorder(), withAuthorization("Bearer abc")); user != "abc" || err != nil {
		t.Errorf("got %q, %v, want abc", user, err)
	}
}

// broken is a Counter that fails at the n-th call, and records every key.
type broken struct {
	throttle.MemoryCounter
	n    int
	keys []string
}

var errCounter = errors.New("connection refused")

func (b *broken) Add(ctx context.Context, key string, n int64, window time.Duration) (int64, time.Duration, error) {
	b.keys = append(b.keys, key)
	if b.n--; b.n == 0 {
		return 0, 0, errCounter
	}
	return b.MemoryCounter.Add(ctx, key, n, window)
}

func TestThrottleWithoutItsCounterLetsNobodyIn(t *testing.T) {
	secrets := []string{strings.Repeat("s", 32)}
	for n := 1; n <= 4; n++ { // two calls each for the address and the account
		var g guesses
		counter := &broken{n: n}
		s := mustThrottle(t, throttle.Config{Counter: counter, Secrets: secrets, AddressAttempts: 1, AccountAttempts: 1}, strategy.NewLocal(g.validate))
		r := credtest.Post(form, "email=joe%40test.com&password=right")
		if _, err := s.Authenticate(httptest.NewRecorder(), r); !errors.Is(err, errCounter) || errors.Is(err, strategy.ErrUnauthenticated) || g.n.Load() != 0 {
			t.Errorf("call %d fails: %v, checked %d times, want the outage and no check", n, err, g.n.Load())
		}
		if _, err := s.Authenticate(httptest.NewRecorder(), credtest.Post(form, "email=joe%40test.com&password=right")); err != nil {
			t.Errorf("after call %d failed: %v, want the attempt to be free again", n, err)
		}
	}
	var g guesses
	counter := &broken{}
	s := mustThrottle(t, throttle.Config{Counter: counter, Secrets: secrets, AccountAttempts: 1}, strategy.NewLocal(g.validate))
	_, _ = try(s, here, "joe@test.com", "wrong")
	for _, key := range counter.keys {
		if len(key) > 128 || strings.ContainsAny(key, "{}@ ") || strings.Contains(key, "joe") || strings.Contains(key, here) {
			t.Errorf("the key %q is too long or has wrong characters, or shows the account or address", key)
		}
	}
}

func TestThrottleCountsWhoHangsUp(t *testing.T) {
	var g guesses
	ctx, cancel := context.WithCancel(t.Context())
	s := mustThrottle(t, throttle.Config{AccountAttempts: 1}, strategy.NewLocal(func(c context.Context, email, password string) (login, error) {
		cancel()
		return g.validate(c, email, password)
	}))
	for _, row := range []struct {
		password string
		want     int
	}{{"right", 200}, {"wrong", 401}, {"right", 429}} {
		r := credtest.Post(form, "email=joe&password="+row.password).WithContext(ctx)
		if _, err := s.Authenticate(httptest.NewRecorder(), r); credtest.StatusOf(err) != row.want {
			t.Errorf("a %s password: %v, want status %d", row.password, err, row.want)
		}
		ctx, cancel = context.WithCancel(t.Context()) //nolint:fatcontext // a new one for the next attempt, not a nested one
	}
	cancel()
}

func TestNewThrottleNamesEveryMistake(t *testing.T) {
	_, err := throttle.New[login](throttle.Config{
		Counter: (*throttle.MemoryCounter)(nil), AccountAttempts: -1, AddressAttempts: -1, Delay: -1, MaxDelay: -2, Window: -1, KnownFor: 1, Secrets: []string{"short"},
	}, nil)
	for _, want := range []string{"Counter", "AccountAttempts", "AddressAttempts", "Delay", "MaxDelay", "Window", "KnownFor", "Secrets[0]", "strategy is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

// allowsCrossSite returns the answer of s, or of what it decorates, about other sites.
func allowsCrossSite[U any](s strategy.Strategy[U], r *http.Request) bool {
	c, ok := strategy.Ability[strategy.CrossSite](s)
	return ok && c.AllowCrossSite(r)
}
