package throttle_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/throttle"
)

// lockedOut returns a strategy with the account joe, whose attempts strangers have used up.
func lockedOut(t *testing.T, cfg throttle.Config) *throttle.Throttle[login] {
	t.Helper()
	var g guesses
	s := mustThrottle(t, cfg, strategy.NewLocal(g.validate))
	for i := range 10 {
		_, _ = try(s, address(i), "joe", "wrong")
	}
	return s
}

// logIn sends a password with cookies, and returns the status and the device cookie, nil if the response
// has none.
func logIn(s strategy.Strategy[login], name, password string, cookies ...*http.Cookie) (int, *http.Cookie) {
	r := credtest.Post(js, fmt.Sprintf(`{"email":%q,"password":%q}`, name, password))
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	_, err := s.Authenticate(w, r)
	for _, c := range w.Result().Cookies() {
		return credtest.StatusOf(err), c
	}
	return credtest.StatusOf(err), nil
}

var secrets = []string{strings.Repeat("a", 32)}

// noted returns the cookie of a browser that logged in as name, in another process.
func noted(t *testing.T, cfg throttle.Config, name string, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	var g guesses
	status, cookie := logIn(mustThrottle(t, cfg, strategy.NewLocal(g.validate)), name, "right", cookies...)
	if status != 200 || cookie == nil {
		t.Fatalf("the first log-in: status %d, cookie %v", status, cookie)
	}
	return cookie
}

func TestTheDeviceCookieIsSafe(t *testing.T) {
	for _, row := range []struct {
		cfg  throttle.Config
		want http.Cookie
	}{
		{throttle.Config{Secrets: secrets}, http.Cookie{Name: "__Host-device", Secure: true, MaxAge: 90 * 24 * 3600}},
		{throttle.Config{Secrets: secrets, InsecureHTTP: true, KnownFor: time.Hour}, http.Cookie{Name: "device", MaxAge: 3600}},
	} {
		c := noted(t, row.cfg, "joe@test.com")
		if c.Name != row.want.Name || c.Secure != row.want.Secure || c.MaxAge != row.want.MaxAge || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("got %s, want %s for %d s, HttpOnly and Lax", c, row.want.Name, row.want.MaxAge)
		}
		// The parts are random, so that three letters of the account are in some of them by chance.
		for part := range strings.SplitSeq(c.Value, ".") {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || strings.Contains(part+string(raw), "joe@test") || len(c.Value) > 64 {
				t.Errorf("%d bytes that tell the account, or are not base64: %s", len(c.Value), c.Value)
			}
		}
	}
}

// TestADeviceCookieIsForItsAccount, its strategy, its purpose and its time, and cannot be forged or
// changed.
func TestADeviceCookieIsForItsAccount(t *testing.T) {
	cfg := throttle.Config{Secrets: secrets}
	other := func(change func(*throttle.Config)) throttle.Config {
		c := cfg
		change(&c)
		return c
	}
	joe := noted(t, cfg, "joe")
	name, note, _ := strings.Cut(joe.Value, ".")
	flipped := []byte(note)
	flipped[10] ^= 1
	jens := noted(t, cfg, "jen")
	jensName, _, _ := strings.Cut(jens.Value, ".")
	with := func(value string) *http.Cookie { return &http.Cookie{Name: joe.Name, Value: value} }
	for _, row := range []struct {
		name   string
		cookie *http.Cookie
		want   int
	}{
		{"joe's", joe, 200},
		{"none", with("x"), 429},
		{"another account's", jens, 429},
		{"joe's note on another browser's name", with(jensName + "." + note), 429},
		{"joe's note, changed", with(name + "." + string(flipped)), 429},
		{"joe's note, cut", with(name + "." + note[:20]), 429},
		{"a note of zeros", with(name + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 20))), 429},
		{"signed with another secret", noted(t, other(func(c *throttle.Config) { c.Secrets = []string{strings.Repeat("b", 32)} }), "joe"), 429},
		{"of another purpose", noted(t, other(func(c *throttle.Config) { c.Purpose = "admin" }), "joe"), 429},
		{"joe's behind another account's", noted(t, cfg, "jen", joe), 200},
		{"joe's among garbage", with(name + ".." + note + ".x"), 200},
		{"joe's among too many", with(joe.Value + strings.Repeat("."+note, 8)), 429},
		{"ten thousand bytes", with(joe.Value + strings.Repeat("A", 10_000)), 429},
		{"signed with a secret that was replaced", noted(t, other(func(c *throttle.Config) { c.Secrets = []string{strings.Repeat("c", 32)} }), "joe"), 200},
	} {
		s := lockedOut(t, throttle.Config{Secrets: []string{secrets[0], strings.Repeat("c", 32)}})
		if status, _ := logIn(s, "joe", "right", row.cookie); status != row.want {
			t.Errorf("%s: status %d, want %d", row.name, status, row.want)
		}
	}
	var g guesses
	codes := mustThrottle(t, cfg, strategy.Named[login]("totp", strategy.NewLocal(g.validate)))
	for range 10 {
		_, _ = logIn(codes, "joe", "wrong")
	}
	if status, _ := logIn(codes, "joe", "right", joe); status != 429 {
		t.Errorf("a password's note at the second factor: status %d, want 429", status)
	}
}

// TestABrowserIsKnownToEightAccounts: of more, the one with the oldest log-in is dropped.
func TestABrowserIsKnownToEightAccounts(t *testing.T) {
	cfg := throttle.Config{Secrets: secrets}
	var cookie *http.Cookie
	for i := range 9 {
		var cookies []*http.Cookie
		if cookie != nil {
			cookies = append(cookies, cookie)
		}
		name := fmt.Sprint("user", i)
		if i == 1 {
			name = "joe"
		}
		cookie = noted(t, cfg, name, cookies...)
	}
	if len(cookie.Value) > 300 {
		t.Errorf("the cookie has %d bytes, want at most 300", len(cookie.Value))
	}
	if status, _ := logIn(lockedOut(t, cfg), "joe", "right", cookie); status != 200 {
		t.Errorf("the eighth but one: status %d, want 200", status)
	}
	cookie = noted(t, cfg, "one more", cookie)
	if status, _ := logIn(lockedOut(t, cfg), "joe", "right", cookie); status != 429 {
		t.Errorf("the ninth: status %d, want 429", status)
	}
}

// TestADeviceIsForgotten after KnownFor, counted from its latest log-in; its note is renewed at most once a
// day.
func TestADeviceIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		cfg := throttle.Config{Secrets: secrets, KnownFor: 30 * day}
		cookie := noted(t, cfg, "joe")
		for _, row := range []struct {
			pass    time.Duration
			status  int
			renewed bool
		}{{time.Hour, 200, false}, {22 * time.Hour, 200, false}, {2 * time.Hour, 200, true}, {29 * day, 200, true}, {30 * day, 429, false}} {
			time.Sleep(row.pass)
			status, renewed := logIn(lockedOut(t, cfg), "joe", "right", cookie)
			if status != row.status || (renewed != nil) != row.renewed {
				t.Errorf("%v later: status %d, new cookie %v, want %d and %v", row.pass, status, renewed != nil, row.status, row.renewed)
			}
			if renewed != nil {
				cookie = renewed
			}
		}
	})
}

// TestAKnownBrowserHasABudget of its own, of the same size as others.
func TestAKnownBrowserHasABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := throttle.Config{Secrets: secrets, AccountAttempts: 3}
		var g guesses
		s := mustThrottle(t, cfg, strategy.NewLocal(g.validate))
		cookie := noted(t, cfg, "joe")
		for i, want := range []int{401, 401, 401, 429} {
			if status, _ := logIn(s, "joe", "wrong", cookie); status != want {
				t.Errorf("wrong password %d: status %d, want %d", i+1, status, want)
			}
		}
		if status, _ := logIn(s, "joe", "right"); status != 200 {
			t.Errorf("meanwhile, in another browser: status %d, want 200", status)
		}
		time.Sleep(30 * time.Second)
		for i, row := range []struct {
			password string
			want     int
		}{{"right", 200}, {"wrong", 401}, {"wrong", 401}, {"wrong", 401}, {"wrong", 401}, {"right", 429}} {
			if status, _ := logIn(s, "joe", row.password, cookie); status != row.want {
				t.Errorf("after the pause, %d: status %d, want %d", i+1, status, row.want)
			}
		}
	})
}

// TestTheOwnerIsLetInByMail: Unlock opens the account for everybody, MakeKnown for one browser.
func TestTheOwnerIsLetInByMail(t *testing.T) {
	cfg := throttle.Config{Secrets: secrets}
	s := lockedOut(t, cfg)
	w := httptest.NewRecorder()
	s.MakeKnown(w, httptest.NewRequest("POST", "/unlock", nil), " JOE")
	cookie := w.Result().Cookies()[0]
	if status, _ := logIn(s, "joe", "right", cookie); status != 200 {
		t.Errorf("a browser that was made known: status %d, want 200", status)
	}
	if status, _ := logIn(s, "joe", "right"); status != 429 {
		t.Errorf("another browser: status %d, want 429", status)
	}
	if err := s.Unlock(t.Context(), "Joe "); err != nil {
		t.Fatal(err)
	}
	if status, _ := logIn(s, "joe", "right"); status != 200 {
		t.Errorf("after it was unlocked: status %d, want 200", status)
	}
	down := mustThrottle(t, throttle.Config{Counter: &broken{n: 1}, Secrets: secrets}, strategy.NewLocal(accept))
	if err := down.Unlock(t.Context(), "joe"); err == nil {
		t.Error("an outage of the counter: no error")
	}
	programs := lockedOut(t, throttle.Config{KnownFor: -1})
	w = httptest.NewRecorder()
	programs.MakeKnown(w, httptest.NewRequest("POST", "/unlock", nil), "joe")
	if status, own := logIn(programs, "jen", "right", cookie); status != 200 || own != nil || len(w.Result().Cookies()) != 0 {
		t.Errorf("without devices: status %d, cookies %v and %v, want 200 and none", status, own, w.Result().Cookies())
	}
}

// FuzzDeviceCookie: whatever the cookie, nothing panics, and only joe's own one is accepted.
func FuzzDeviceCookie(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("..........")
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		s := lockedOut(t, throttle.Config{Secrets: secrets})
		r := credtest.Post(js, `{"email":"joe","password":"right"}`)
		r.Header.Set("Cookie", "__Host-device="+value)
		if _, err := s.Authenticate(httptest.NewRecorder(), r); credtest.StatusOf(err) != 429 {
			t.Errorf("%q: got %v, want 429", value, err)
		}
	})
}
