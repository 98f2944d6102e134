package session_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

func newMemory(t testing.TB) *store.MemoryStore {
	t.Helper()
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Sessions
}

func TestASVS_7_2_3_IDsAre24RandomBytes(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	seen := map[string]bool{}
	var ones [192]int
	const n = 500
	for range n {
		open(t, m).Get(path("login 1")).Want(t, 200, "")
	}
	for _, id := range st.ids() {
		b, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(b) != 24 || seen[id] {
			t.Fatalf("id %q: want 24 bytes as base64url, and no repetition", id)
		}
		seen[id] = true
		for i := range ones {
			ones[i] += int(b[i/8]>>(i%8)) & 1
		}
	}
	for i, got := range ones {
		if got < n/4 || got > n*3/4 { // eleven standard deviations
			t.Errorf("bit %d is set in %d of %d ids", i, got, n)
		}
	}
}

// TestDjangoCVE_2015_5143_LookingASessionUpStoresNothing, whatever the cookie contains.
func TestDjangoCVE_2015_5143_LookingASessionUpStoresNothing(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	b, _ := visitor(t, st, "login 1")
	b.Get(path("destroy")).Want(t, 200, "")
	for range 3 {
		open(t, m).Get(path("slot"))
		b.Get(path("slot"))
	}
	if got := st.ids(); len(got) != 0 {
		t.Errorf("got %d records, want none", len(got))
	}
}

// TestFiberCVE_2024_38513_AnUnknownIDIsNeverAdopted, even if its signature is valid.
func TestFiberCVE_2024_38513_AnUnknownIDIsNeverAdopted(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	id := st.ids()[0]
	known := b.Cookie(cookieName)
	b.Get(path("destroy")).Want(t, 200, "")
	for _, op := range []string{"login 1", "set text v"} {
		fixed := open(t, newManager(t, st))
		fixed.SetCookie(cookieName, known)
		fixed.Get(path(op)).Want(t, 200, "")
		if fixed.Cookie(cookieName) == known || st.record(id) != "" {
			t.Errorf("%s: the id that the client chose is in use", op)
		}
	}
}

// TestNIST_2_1_3_TheTimeoutsOfEachLevel: an idle session ends, and a session in use ends at the absolute
// limit.
func TestNIST_2_1_3_TheTimeoutsOfEachLevel(t *testing.T) {
	for _, row := range []struct {
		level                   int
		preset                  func() (time.Duration, time.Duration)
		wantIdle, wantAbsolute  time.Duration
		stepsWithinTheirOwnIdle int
	}{
		{1, session.AAL1, 30 * 24 * time.Hour, 30 * 24 * time.Hour, 60},
		{2, session.AAL2, time.Hour, 24 * time.Hour, 48},
		{3, session.AAL3, 15 * time.Minute, 12 * time.Hour, 96},
	} {
		synctest.Test(t, func(t *testing.T) {
			idle, absolute := row.preset()
			if idle != row.wantIdle || absolute != row.wantAbsolute {
				t.Fatalf("AAL%d: got %v and %v, want %v and %v", row.level, idle, absolute, row.wantIdle, row.wantAbsolute)
			}
			m := newManager(t, newMemory(t), func(c *session.Config) { c.IdleTimeout, c.AbsoluteTimeout = idle, absolute })
			unused, used := open(t, m), open(t, m)
			for _, b := range []*browser.Browser{unused, used} {
				b.Get(path("login 1")).Want(t, 200, `"user":1`)
			}
			step := absolute / time.Duration(row.stepsWithinTheirOwnIdle)
			for n := 1; n < row.stepsWithinTheirOwnIdle; n++ {
				time.Sleep(step)
				used.Get(path("slot")).Want(t, 200, `"user":1`)
			}
			time.Sleep(step)
			if got := used.Get(path("slot")).StatusCode; got == 200 {
				t.Errorf("AAL%d: a session in use lives past %v", row.level, absolute)
			}
			late := open(t, m)
			late.Get(path("login 1")).Want(t, 200, "")
			time.Sleep(idle - time.Second)
			twin := late.Twin()
			twin.Get(path("slot")).Want(t, 200, `"user":1`)
			if idle == absolute {
				return
			}
			time.Sleep(idle)
			if got := late.Get(path("slot")).StatusCode; got == 200 {
				t.Errorf("AAL%d: a session lives %v without use", row.level, idle)
			}
		})
	}
}

// TestASVS_7_3_2_UseDoesNotProlongTheAbsoluteLimit, nor does a renewal.
func TestASVS_7_3_2_UseDoesNotProlongTheAbsoluteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, newManager(t, newMemory(t), func(c *session.Config) { c.IdleTimeout, c.AbsoluteTimeout = session.AAL3() }))
		b.Get(path("login 1")).Want(t, 200, "")
		for range 12*6 - 1 {
			time.Sleep(10 * time.Minute)
			b.Get(path("renew", "inc")).Want(t, 200, `"user":1`)
		}
		time.Sleep(10 * time.Minute)
		if got := b.Get(path("slot")).StatusCode; got == 200 {
			t.Error("after twelve hours of use and renewals the log-in is still live")
		}
	})
}

// TestASVS_3_3_1_TheCookieIsSafeByDefault, in every attribute.
func TestASVS_3_3_1_TheCookieIsSafeByDefault(t *testing.T) {
	a := open(t, newManager(t, newScripted())).Get(path("login 1"))
	line := a.Header.Get("Set-Cookie")
	name, rest, _ := strings.Cut(line, "=")
	if name != "__Host-sid" || len(a.Header.Values("Set-Cookie")) != 1 {
		t.Errorf("got %q, want one cookie with the prefix __Host-", line)
	}
	_, attributes, _ := strings.Cut(rest, "; ")
	if got, want := attributes, "Path=/; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("got attributes %q, want %q", got, want)
	}
}

// TestASVS_16_5_3_OddCookiesAreAnAnonymousVisitor: no panic, no error, and no call of the store.
func TestASVS_16_5_3_OddCookiesAreAnAnonymousVisitor(t *testing.T) {
	st := newScripted()
	b, _ := visitor(t, st, "login 1")
	good := cookieName + "=" + b.Cookie(cookieName)
	h := app(newManager(t, st))
	for _, row := range []struct {
		name, header string
		known        bool
	}{
		{"none", "", false},
		{"an empty one", cookieName + "=", false},
		{"a name alone", cookieName, false},
		{"a name in other case", strings.ToUpper(good[:6]) + good[6:], false},
		{"a percent-encoded name", "%5F" + good[1:], false},
		{"64 KB", cookieName + "=" + strings.Repeat("A", 64<<10), false},
		{"NUL and control characters", cookieName + "=\x00\x01\x7f", false},
		{"4000 others before it", strings.Repeat("a=b; ", 4000) + good, true},
		{"a bad one before it", cookieName + "=x; " + good, true},
		{"a bad one after it", good + "; " + cookieName + "=x", true},
		{"100 bad ones before it", strings.Repeat(cookieName+"=x; ", 100) + good, true},
		{"twice the same", good + "; " + good, true},
	} {
		r := httptest.NewRequest(http.MethodGet, "https://app.example"+path("slot"), nil)
		r.Header.Set("Cookie", row.header)
		w := newRecorder()
		h.ServeHTTP(w, r)
		if got := w.Code == http.StatusOK; got != row.known {
			t.Errorf("%s: got %d, want a known visitor %t", row.name, w.Code, row.known)
		}
	}
}

// TestASVS_14_3_2_CachesKeepNothingOfASession.
func TestASVS_14_3_2_CachesKeepNothingOfASession(t *testing.T) {
	b := open(t, newManager(t, newScripted()))
	a := b.Get(path("login 1"))
	if got := fmt.Sprint(a.Header.Get("Cache-Control"), a.Header.Values("Vary")); got != "no-store[Cookie]" {
		t.Errorf("with the cookie: got %s, want no-store and Vary: Cookie", got)
	}
	a = b.Get(path("slot"))
	if got := fmt.Sprint(a.Header.Values("Vary")); got != "[Cookie]" {
		t.Errorf("a read: got Vary %s, want Cookie", got)
	}
}

// TestASVS_4_1_3_SecureDoesNotDependOnTheRequest: no header of a client, or of a proxy that does not remove
// it, makes the cookie lose its Secure attribute.
func TestASVS_4_1_3_SecureDoesNotDependOnTheRequest(t *testing.T) {
	h := app(newManager(t, newScripted()))
	for _, header := range [][2]string{{"X-Forwarded-Proto", "http"}, {"Forwarded", "proto=http"}, {"X-Forwarded-Ssl", "off"}, {"Front-End-Https", "off"}} {
		r := httptest.NewRequest(http.MethodGet, "http://app.example"+path("login 1"), nil)
		r.Header.Set(header[0], header[1])
		w := newRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-sid=") || !strings.Contains(got, "; Secure") {
			t.Errorf("%s: got %q, want a __Host- cookie that is Secure", header[0], got)
		}
	}
}

// TestASVS_14_3_3_TheCookieHoldsNothingButTheID, whoever is logged in and whatever values the session has.
func TestASVS_14_3_3_TheCookieHoldsNothingButTheID(t *testing.T) {
	st := newScripted()
	b := open(t, newManager(t, st))
	b.Get(path("login 1")).Want(t, 200, "")
	before := b.Cookie(cookieName)
	b.Get(path("set text "+strings.Repeat("private", 100))).Want(t, 200, "private")
	if got := b.Cookie(cookieName); got != before {
		t.Errorf("a value changed the cookie from %q to %q", before, got)
	}
	plain, err := base64.URLEncoding.DecodeString(before)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(plain), "|", 3)
	value, err := base64.URLEncoding.DecodeString(parts[1])
	if id := st.ids()[0]; err != nil || !strings.Contains(string(value), id) || len(value) > len(id)+2 {
		t.Errorf("got %q under the signature, want the id %q", value, id)
	}
}
