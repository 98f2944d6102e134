package totp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

func newCells(t testing.TB) strategy.Cells {
	t.Helper()
	c, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Cells
}

func newTOTP(t testing.TB, cfg totp.CodesConfig) *totp.Codes {
	t.Helper()
	if cfg.Cells == nil {
		cfg.Cells = newCells(t)
	}
	cfg.Issuer = "Ex & Co"
	codes, err := totp.NewCodes(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

const digits20 = "12345678901234567890"

// TestRFC6238_AppendixB_TestVectors of all three hashes. The keys are those of the
// program in Appendix A, which are as long as the hash.
func TestRFC6238_AppendixB_TestVectors(t *testing.T) {
	long := strings.Repeat(digits20, 4)
	for _, row := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for _, c := range []struct {
			hash totp.Hash
			key  string
			want string
		}{{totp.SHA1, long[:20], row.sha1}, {totp.SHA256, long[:32], row.sha256}, {totp.SHA512, long[:64], row.sha512}} {
			eight, six := newTOTP(t, totp.CodesConfig{Hash: c.hash, Digits: 8}), newTOTP(t, totp.CodesConfig{Hash: c.hash})
			if got := eight.Code([]byte(c.key), time.Unix(row.at, 0)); got != c.want {
				t.Errorf("hash %d at %d: got %s, want %s", c.hash, row.at, got, c.want)
			}
			if got := six.Code([]byte(c.key), time.Unix(row.at, 0)); got != c.want[2:] {
				t.Errorf("hash %d at %d, six digits: got %s, want %s", c.hash, row.at, got, c.want[2:])
			}
		}
	}
}

func TestRFC6238_5_2_CodesWithinTheDriftAreAccepted(t *testing.T) {
	for _, row := range []struct {
		drift, steps int
		ok           bool
	}{
		{0, 0, true}, {0, -1, true}, {0, 1, true}, {0, -2, false}, {0, 2, false},
		{-1, 0, true}, {-1, -1, false}, {-1, 1, false},
		{3, -3, true}, {3, 4, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			totp := newTOTP(t, totp.CodesConfig{Drift: row.drift})
			code := totp.Code([]byte(digits20), time.Now().Add(time.Duration(row.steps)*30*time.Second))
			err := totp.Verify(t.Context(), "joe", []byte(digits20), code[:3]+" "+code[3:])
			if (err == nil) != row.ok || err != nil && !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("drift %d, code of %d steps away: got %v, want accepted %t", row.drift, row.steps, err, row.ok)
			}
		})
	}
}

// TestRFC6238_5_2_ACodeIsGoodOnce, and invalidates earlier ones.
func TestRFC6238_5_2_ACodeIsGoodOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		totp := newTOTP(t, totp.CodesConfig{})
		key := []byte(digits20) // whose codes of these steps differ
		start := time.Now()
		try := func(account string, steps int) bool {
			err := totp.Verify(t.Context(), account, key, totp.Code(key, start.Add(time.Duration(steps)*30*time.Second)))
			return err == nil
		}
		for _, row := range []struct {
			name    string
			account string
			steps   int
			ok      bool
		}{
			{"the present code", "joe", 0, true},
			{"the same again", "joe", 0, false},
			{"the code before", "joe", -1, false},
			{"somebody else's", "jen", 0, true},
			{"the next code", "joe", 1, true},
			{"the first again", "joe", 0, false},
		} {
			if got := try(row.account, row.steps); got != row.ok {
				t.Errorf("%s: got %t, want %t", row.name, got, row.ok)
			}
		}
		<-time.After(30*time.Second + 29*time.Second) // the last moment at which the next code is within the drift
		if try("joe", 1) {
			t.Error("a used code was accepted at the end of its time")
		}
	})
}

func TestRFC6238_5_2_OfManyAttemptsAtOnceOneSucceeds(t *testing.T) {
	totp := newTOTP(t, totp.CodesConfig{})
	key := totp.NewKey()
	code := totp.Code(key, time.Now())
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if totp.Verify(t.Context(), "joe", key, code) == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if got := good.Load(); got != 1 {
		t.Errorf("got %d successes of 50 at once, want 1", got)
	}
}

func TestTOTPRefusesShortKeysAndOddCodes(t *testing.T) {
	totp := newTOTP(t, totp.CodesConfig{})
	for _, key := range []string{"", digits20[:13]} {
		if err := totp.Verify(t.Context(), "joe", []byte(key), totp.Code([]byte(key), time.Now())); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("a key of %d bytes: got %v, want a refusal", len(key), err)
		}
	}
	for _, code := range []string{"", "1", "1234567", "abcdef", "１２３４５６", strings.Repeat("0", 1000)} {
		if err := totp.Verify(t.Context(), "joe", totp.NewKey(), code); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("code %q: got %v, want a refusal", code, err)
		}
	}
}

func TestTOTPSaysWhenItsCellsAreDown(t *testing.T) {
	for from := 1; from <= 2; from++ {
		totp := newTOTP(t, totp.CodesConfig{Cells: &credtest.Cells{Cells: newCells(t), From: from}})
		key := totp.NewKey()
		err := totp.Verify(t.Context(), "joe", key, totp.Code(key, time.Now()))
		if !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("down from call %d: got %v, want an outage", from, err)
		}
	}
}

func TestTOTPURLIsWhatAuthenticatorsRead(t *testing.T) {
	totp := newTOTP(t, totp.CodesConfig{Hash: totp.SHA256, Digits: 8, Period: time.Minute})
	got := totp.URL("joe foo@test.com", []byte("12345678901234"))
	want := "otpauth://totp/Ex%20&%20Co:joe%20foo@test.com?secret=GEZDGNBVGY3TQOJQGEZDGNA&issuer=Ex%20&%20Co&algorithm=SHA256&digits=8&period=60"
	if want = strings.Replace(want, "issuer=Ex%20&%20Co", "issuer=Ex%20%26%20Co", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNewTOTPNamesEveryMistake(t *testing.T) {
	_, err := totp.NewCodes(totp.CodesConfig{Issuer: "a:b", Hash: 9, Digits: 7, Period: time.Millisecond, Drift: 11})
	for _, want := range []string{"Cells is nil", "Issuer", "Hash 9", "Digits is 7", "Period is 1ms", "Drift is 11"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %q", err, want)
		}
	}
}

// phone is a user with an authenticator app.
type phone struct{ name string }

// codes is a world with the strategy "totp" in it.
type codes struct {
	*totp.Strategy[*phone]
	totp   *totp.Codes
	key    []byte
	mu     sync.Mutex
	hashes map[string]bool
	err    error // the error of Enrolled and UseRecoveryCode
}

func newCodes(t testing.TB) (c *codes, recovery []string) {
	t.Helper()
	c = &codes{totp: newTOTP(t, totp.CodesConfig{}), hashes: map[string]bool{}}
	c.key = c.totp.NewKey()
	recovery, hashes := totp.NewRecoveryCodes(10)
	for _, h := range hashes {
		c.hashes[h] = true
	}
	var err error
	c.Strategy, err = totp.New(totp.Config[*phone]{
		Codes: c.totp,
		Enrolled: func(*http.Request) (totp.Enrolled[*phone], error) {
			return totp.Enrolled[*phone]{User: &phone{"joe"}, Account: "joe", Key: c.key}, c.err
		},
		UseRecoveryCode: func(_ context.Context, account, hash string) (bool, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			there := account == "joe" && c.hashes[hash]
			delete(c.hashes, hash)
			return there, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, recovery
}

// send posts code and returns the factors that were proved.
func (c *codes) send(code string) ([]string, error) {
	r := postForm("code=" + code)
	var info strategy.Info
	_, err := c.Authenticate(httptest.NewRecorder(), r.WithContext(strategy.WithInfo(r.Context(), &info)))
	return info.Factors, err
}

func postForm(form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestASVS_6_5_1_RecoveryCodesAreGoodOnce(t *testing.T) {
	c, recovery := newCodes(t)
	if got, err := c.send(strings.ToUpper(strings.ReplaceAll(recovery[0], "-", ""))); err != nil || strings.Join(got, " ") != "totp recovery" {
		t.Errorf("a recovery code: got %v and %v, want the factors totp and recovery", got, err)
	}
	if _, err := c.send(recovery[0]); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("the same again: got %v, want a refusal", err)
	}
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.send(recovery[1]); err == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if got := good.Load(); got != 1 || len(c.hashes) != 8 {
		t.Errorf("20 at once: got %d successes and %d codes left, want 1 and 8", got, len(c.hashes))
	}
}

// TestASVS_6_5_2_RecoveryCodesAreStoredHashed, with enough randomness for a plain hash.
func TestASVS_6_5_2_RecoveryCodesAreStoredHashed(t *testing.T) {
	codes, hashes := totp.NewRecoveryCodes(100)
	seen := map[string]bool{}
	for i, code := range codes {
		if len(strings.ReplaceAll(code, "-", ""))*5 < 112 || seen[code] || strings.Contains(hashes[i], code[:4]+code[5:9]) {
			t.Errorf("code %q with hash %q: want 112 bits, no repetition, and a hash", code, hashes[i])
		}
		seen[code] = true
		if got, ok := totp.HashRecoveryCode(" " + strings.ToUpper(code)); !ok || got != hashes[i] {
			t.Errorf("hash of %q typed in capitals: got %q, want %q", code, got, hashes[i])
		}
	}
	for _, bad := range []string{"", "123456", codes[0] + "0", "u" + codes[0][1:]} {
		if _, ok := totp.HashRecoveryCode(bad); ok {
			t.Errorf("%q has the form of a recovery code", bad)
		}
	}
}

// TestRecoveryIsAFactorWhereCodesAreUsed: without UseRecoveryCode nobody proves it.
func TestRecoveryIsAFactorWhereCodesAreUsed(t *testing.T) {
	with, _ := newCodes(t)
	without, err := totp.New(totp.Config[*phone]{Codes: with.totp, Enrolled: func(*http.Request) (totp.Enrolled[*phone], error) {
		return totp.Enrolled[*phone]{}, strategy.ErrUnauthenticated
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		s    strategy.FactorNamer
		want []string
	}{{with, []string{"totp", "recovery"}}, {without, []string{"totp"}}} {
		if got := row.s.FactorNames(); !slices.Equal(got, row.want) {
			t.Errorf("got factors %q, want %q", got, row.want)
		}
	}
}

func TestTOTPStrategyOutcomes(t *testing.T) {
	c, _ := newCodes(t)
	if got, err := c.send(c.totp.Code(c.key, time.Now())); err != nil || strings.Join(got, " ") != "totp" {
		t.Errorf("the right code: got %v and %v, want the factor totp", got, err)
	}
	if _, err := c.send("000000000"); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("a wrong code: got %v, want a refusal", err)
	}
	var f *strategy.Failure
	if _, err := c.Authenticate(nil, postForm("")); !errors.As(err, &f) || f.Status != http.StatusBadRequest {
		t.Errorf("no code: got %v, want 400", err)
	}
	if account, ok, err := c.Claims(postForm("code=1")); account != "joe" || !ok || err != nil {
		t.Errorf("Claims: got %q, %t, want joe", account, ok)
	}
	if _, ok, err := c.Claims(postForm("")); ok || err != nil {
		t.Error("Claims without a code: got true")
	}
	c.err = strategy.ErrUnauthenticated
	if _, ok, err := c.Claims(postForm("code=1")); ok || err != nil {
		t.Errorf("Claims of a user without an app: got %t, %v, want false", ok, err)
	}
	c.err = credtest.ErrDown
	if _, ok, err := c.Claims(postForm("code=1")); ok || !errors.Is(err, credtest.ErrDown) {
		t.Errorf("Claims in an outage: got %t, %v, want the outage", ok, err)
	}
	if _, err := c.send("123456"); !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("an outage: got %v", err)
	}
	_, err := totp.New(totp.Config[*phone]{Name: "session", Field: "a["})
	for _, want := range []string{"Codes is nil", "Enrolled is nil", "Field"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mistakes: got %v, want %q in it", err, want)
		}
	}
}

// TestNIST_3_1_4_2_CodesAreThrottled: six digits could be guessed within hours.
func TestNIST_3_1_4_2_CodesAreThrottled(t *testing.T) {
	c, _ := newCodes(t)
	limited, err := throttle.New(throttle.Config{AccountAttempts: 5}, strategy.Strategy[*phone](c))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, _ = limited.Authenticate(httptest.NewRecorder(), postForm("code=000000000"))
	}
	var f *strategy.Failure
	if _, err := limited.Authenticate(httptest.NewRecorder(), postForm("code="+c.totp.Code(c.key, time.Now()))); !errors.As(err, &f) || f.Status != http.StatusTooManyRequests {
		t.Errorf("the sixth attempt: got %v, want 429", err)
	}
}

// TestACodeOfALockedUserWasShown: Enrolled refuses with a Failure of its own.
func TestACodeOfALockedUserWasShown(t *testing.T) {
	c, _ := newCodes(t)
	c.err = &strategy.Failure{Status: http.StatusForbidden, Reason: "locked"}
	_, err := c.send("123456")
	if shown, ok := errors.AsType[*strategy.CallbackRefusal](err); !ok || !errors.Is(err, strategy.ErrUnauthenticated) || shown.Used {
		t.Errorf("got %v, want a refusal of what was shown", err)
	}
	c.err = strategy.ErrUnauthenticated
	if _, err := c.send("123456"); errors.As(err, new(*strategy.CallbackRefusal)) || !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("without an app: got %v, want only a refusal", err)
	}
}
