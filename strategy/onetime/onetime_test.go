package onetime_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/onetime"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// spy is Tokens that record what they are given.
type spy struct {
	strategy.Tokens
	mu    sync.Mutex
	seen  string
	taken int
	err   error
}

func (s *spy) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen += key + "=" + string(v) + "\n"
	if s.err != nil {
		return s.err
	}
	return s.Tokens.Put(ctx, key, v, ttl)
}

func (s *spy) Take(ctx context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken++; s.err != nil {
		return nil, false, s.err
	}
	return s.Tokens.Take(ctx, key)
}

func newSpy(t testing.TB) *spy {
	t.Helper()
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return &spy{Tokens: m.Tokens}
}

func newOneTime(t testing.TB, tokens strategy.Tokens, purpose string) *onetime.Tokens {
	t.Helper()
	o, err := onetime.New(onetime.Config{Tokens: tokens, Purpose: purpose})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func issue(t testing.TB, o *onetime.Tokens, user string) string {
	t.Helper()
	token, err := o.Issue(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestASVS_6_5_1_AOneTimeTokenIsGoodOnce, even if it is sent many times at once.
func TestASVS_6_5_1_AOneTimeTokenIsGoodOnce(t *testing.T) {
	o := newOneTime(t, newSpy(t), "reset")
	token := issue(t, o, "joe")
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			user, err := o.Redeem(t.Context(), token)
			if err == nil && user == "joe" {
				good.Add(1)
			} else if !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("got %q and %v, want a refusal", user, err)
			}
		})
	}
	wg.Wait()
	if got := good.Load(); got != 1 {
		t.Errorf("got %d successes of 50 at once, want 1", got)
	}
}

func TestAOneTimeTokenIsStoredHashed(t *testing.T) {
	s := newSpy(t)
	token := issue(t, newOneTime(t, s, "reset"), "joe")
	if strings.Contains(s.seen, token) || !strings.Contains(s.seen, " joe\n") {
		t.Errorf("got %q in the store, want the user and not the token %q", s.seen, token)
	}
}

// TestASVS_6_5_4_AOneTimeTokenHas128BitsOrMore, and no two are equal.
func TestASVS_6_5_4_AOneTimeTokenHas128BitsOrMore(t *testing.T) {
	o := newOneTime(t, newSpy(t), "reset")
	seen := map[string]bool{}
	for range 1000 {
		token := issue(t, o, "joe")
		if len(token)*6 < 128 || seen[token] || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("token %q: want 128 bits of base64url, no repetition", token)
		}
		seen[token] = true
	}
}

// TestASVS_6_5_5_AOneTimeTokenExpires after ten minutes by default.
func TestASVS_6_5_5_AOneTimeTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOneTime(t, newSpy(t), "reset")
		early, late := issue(t, o, "joe"), issue(t, o, "joe")
		<-time.After(10*time.Minute - time.Second)
		if _, err := o.Redeem(t.Context(), early); err != nil {
			t.Errorf("a second before its end: got %v, want the user", err)
		}
		<-time.After(time.Second)
		if _, err := o.Redeem(t.Context(), late); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("at its end: got %v, want a refusal", err)
		}
	})
}

// TestAOneTimeTokenIsBoundToItsPurpose; trying it for another purpose does not use it up.
func TestAOneTimeTokenIsBoundToItsPurpose(t *testing.T) {
	s := newSpy(t)
	reset, logIn := newOneTime(t, s, "reset"), newOneTime(t, s, "log in")
	token := issue(t, reset, "joe")
	if _, err := logIn.Redeem(t.Context(), token); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("for another purpose: got %v, want a refusal", err)
	}
	if user, err := reset.Redeem(t.Context(), token); err != nil || user != "joe" {
		t.Errorf("for its own: got %q and %v, want joe", user, err)
	}
}

func TestWhatIsNoOneTimeTokenIsNotLookedUp(t *testing.T) {
	s := newSpy(t)
	o := newOneTime(t, s, "reset")
	token := issue(t, o, "joe")
	for _, bad := range []string{"", "x", token[1:], token + "A", token[:31] + "=", token[:31] + "\n", strings.Repeat("A", 100_000)} {
		if _, err := o.Redeem(t.Context(), bad); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("token of %d bytes: got %v, want a refusal", len(bad), err)
		}
	}
	if s.taken != 0 {
		t.Errorf("got %d look-ups, want none", s.taken)
	}
}

func TestAnOutageIsNoRefusalOfAOneTimeToken(t *testing.T) {
	s := newSpy(t)
	o := newOneTime(t, s, "reset")
	token := issue(t, o, "joe")
	s.err = credtest.ErrDown
	if _, err := o.Issue(t.Context(), "joe"); !errors.Is(err, credtest.ErrDown) || strings.Contains(err.Error(), token) {
		t.Errorf("Issue: got %v, want the outage and no token", err)
	}
	if _, err := o.Redeem(t.Context(), token); !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) || strings.Contains(err.Error(), token) {
		t.Errorf("Redeem: got %v, want the outage and no token", err)
	}
}

func TestNewOneTimeNamesEveryMistake(t *testing.T) {
	for _, ttl := range []time.Duration{-1, time.Microsecond, 25 * time.Hour} {
		_, err := onetime.New(onetime.Config{TTL: ttl})
		for _, want := range []string{"Tokens is nil", "Purpose is empty", "TTL"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("TTL %v: got %v, want %q in it", ttl, err, want)
			}
		}
	}
}

func newMagicLink(t testing.TB) (*onetime.MagicLink[*phone], *onetime.Tokens) {
	t.Helper()
	o := newOneTime(t, newSpy(t), "magic link")
	s, err := onetime.NewMagicLink(onetime.MagicLinkConfig{Tokens: o}, func(_ context.Context, user string) (*phone, error) {
		switch user {
		case "gone":
			return nil, strategy.ErrUnauthenticated
		case "down":
			return nil, credtest.ErrDown
		case "nil":
			return nil, nil
		}
		return &phone{user}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

func TestMagicLinkLogsInByAPostedToken(t *testing.T) {
	s, o := newMagicLink(t)
	token := issue(t, o, "joe")
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"token":"`+token+`"}`))
	r.Header.Set("Content-Type", "application/json")
	if user, err := s.Authenticate(nil, r); err != nil || user.name != "joe" {
		t.Errorf("got %v and %v, want joe", user, err)
	}
	if _, err := s.Authenticate(nil, postForm("token="+token)); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("a second time: got %v, want a refusal", err)
	}
	for user, want := range map[string]error{"gone": strategy.ErrUnauthenticated, "down": credtest.ErrDown, "nil": strategy.ErrNilUser} {
		if _, err := s.Authenticate(nil, postForm("token="+issue(t, o, user))); !errors.Is(err, want) {
			t.Errorf("user %s: got %v, want %v", user, err, want)
		}
	}
}

// TestAMagicLinkIsNotUsedUpByFollowingIt, as mail scanners do.
func TestAMagicLinkIsNotUsedUpByFollowingIt(t *testing.T) {
	s, o := newMagicLink(t)
	token := issue(t, o, "joe")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r := httptest.NewRequest(method, "/?token="+token, nil)
		if _, err := s.Authenticate(nil, r); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%s: got %v, want a refusal", method, err)
		}
		if _, ok, _ := s.Claims(r); ok {
			t.Errorf("%s: claims credentials", method)
		}
	}
	inURL := postForm("")
	inURL.URL.RawQuery = "token=" + token
	if _, err := s.Authenticate(nil, inURL); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("POST with the token in the URL: got %v, want a refusal", err)
	}
	if account, ok, err := s.Claims(postForm("token=" + token)); account != "" || !ok || err != nil {
		t.Errorf("Claims: got %q, %t, want no account, true", account, ok)
	}
	if _, err := s.Authenticate(nil, postForm("token="+token)); err != nil {
		t.Errorf("after all that: got %v, want the user", err)
	}
}

// TestASVS_6_6_3_GuessingMagicLinksIsThrottled by address, because a token names no account.
func TestASVS_6_6_3_GuessingMagicLinksIsThrottled(t *testing.T) {
	s, o := newMagicLink(t)
	limited, err := throttle.New(throttle.Config{AddressAttempts: 3}, strategy.Strategy[*phone](s))
	if err != nil {
		t.Fatal(err)
	}
	token := issue(t, o, "joe")
	for range 3 {
		if _, err := limited.Authenticate(nil, postForm("token="+strings.Repeat("A", 32))); !errors.Is(err, strategy.ErrUnauthenticated) || credtest.StatusOf(err) == http.StatusTooManyRequests {
			t.Errorf("a guess: got %v, want a refusal", err)
		}
	}
	if _, err := limited.Authenticate(nil, postForm("token="+token)); credtest.StatusOf(err) != http.StatusTooManyRequests {
		t.Errorf("the fourth attempt: got %v, want 429", err)
	}
}

func TestNewMagicLinkNamesEveryMistake(t *testing.T) {
	_, err := onetime.NewMagicLink[*phone](onetime.MagicLinkConfig{Name: "anonymous"}, nil)
	for _, want := range []string{"Tokens is nil", "find is nil", "reserved"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	s, _ := newMagicLink(t)
	if s.Name() != "magic-link" {
		t.Errorf("got name %q, want magic-link", s.Name())
	}
}
