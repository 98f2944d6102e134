package remember_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// secrets are examples.
var secrets = []string{"a made-up secret of 32 bytes or more"}

func newCells(t testing.TB) strategy.Cells {
	t.Helper()
	c, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Cells
}

func newRemember(t testing.TB, cells strategy.Cells) *remember.Service {
	t.Helper()
	m, err := remember.New(remember.Config{Cells: cells, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAnIDIsRememberedAsGiven: a stamp is over its JSON, so another spelling ends the series.
func TestAnIDIsRememberedAsGiven(t *testing.T) {
	m := newRemember(t, newCells(t))
	for _, id := range []string{`"joe"`, `"R&D"`, `"<joe>"`, "\"\u2028\"", `{ "id": 1 }`} {
		rem, cookie, err := m.Remember(t.Context(), "joe", []byte(id), []byte("a stamp"))
		if err != nil || string(rem.ID) != id {
			t.Errorf("Remember: got %s, %v, want %s", rem.ID, err, id)
		}
		if rem, _, err = m.Recall(request(cookie)); err != nil || string(rem.ID) != id {
			t.Errorf("Recall: got %s, %v, want %s", rem.ID, err, id)
		}
		if next, ok, err := m.Update(t.Context(), rem, []byte(id), []byte("a stamp")); err != nil || !ok || next != nil {
			t.Errorf("Update to the same: got %v, %t, %v, want no other token", next, ok, err)
		}
		next, _, err := m.Update(t.Context(), rem, []byte(id), []byte("another stamp"))
		if err != nil || next == nil {
			t.Fatalf("Update: got %v, %v, want another token", next, err)
		}
		if rem, _, err = m.Recall(request(next)); err != nil || string(rem.ID) != id || string(rem.Stamp) != "another stamp" {
			t.Errorf("after Update: got %s, %s, %v, want %s", rem.ID, rem.Stamp, err, id)
		}
	}
}

// device is a browser with a remember cookie.
type device struct {
	t      testing.TB
	m      *remember.Service
	cookie *http.Cookie
}

// remembered returns a device on which user ticked the box.
func remembered(t testing.TB, m *remember.Service, user string) *device {
	t.Helper()
	_, cookie, err := m.Remember(t.Context(), user, []byte(`"`+user+`"`), []byte("stamp of "+user))
	if err != nil {
		t.Fatal(err)
	}
	return &device{t, m, cookie}
}

func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// recall comes back and stores the new cookie. It returns the user, or how it failed.
func (d *device) recall() string {
	d.t.Helper()
	rem, cookie, err := d.m.Recall(request(d.cookie))
	var theft *remember.CookieTheft
	switch {
	case errors.As(err, &theft):
		return "theft from " + theft.Remembered.User
	case errors.Is(err, strategy.ErrUnauthenticated):
		return "nobody"
	case err != nil:
		return "outage"
	}
	if string(rem.Stamp) != "stamp of "+rem.User {
		d.t.Errorf("got stamp %q of %s", rem.Stamp, rem.User)
	}
	d.cookie = cookie
	return rem.User
}

func (d *device) want(want string) {
	d.t.Helper()
	if got := d.recall(); got != want {
		d.t.Errorf("got %q, want %q", got, want)
	}
}

func TestRememberMeRecallsAndRotates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := remembered(t, newRemember(t, newCells(t)), "joe")
		seen := map[string]bool{d.cookie.Value: true}
		for range 20 {
			<-time.After(time.Hour)
			d.want("joe")
			if seen[d.cookie.Value] {
				t.Errorf("the cookie %q came a second time", d.cookie.Value)
			}
			seen[d.cookie.Value] = true
		}
		c := d.cookie
		if c.Name != "__Host-remember" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("got cookie %v, want __Host-, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain", c)
		}
		if want := 30*24*3600 - 20*3600; c.MaxAge != want {
			t.Errorf("got Max-Age %d, want %d: a recall does not prolong it", c.MaxAge, want)
		}
		<-time.After(30*24*time.Hour - 20*time.Hour)
		d.want("nobody")
	})
}

// TestASVS_11_5_1_ARememberedLogInHasTwo192BitSecretsStoredHashed.
func TestASVS_11_5_1_ARememberedLogInHasTwo192BitSecretsStoredHashed(t *testing.T) {
	dump := &dumpCells{Cells: newCells(t)}
	d := remembered(t, newRemember(t, dump), "joe")
	for range 3 {
		for part := range strings.SplitSeq(d.cookie.Value, ".") {
			if len(part)*6 < 192 || strings.Contains(dump.text, part) {
				t.Errorf("part %q of the cookie: want 192 bits, and no part of it in the store", part)
			}
		}
		d.want("joe")
	}
}

// dumpCells record everything that they are given.
type dumpCells struct {
	strategy.Cells
	text string
}

func (d *dumpCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	d.text += key + "=" + string(new) + "\n"
	return d.Cells.Swap(ctx, key, old, new, ttl)
}

// TestRestoredTabsAreNoTheft: requests with the same cookie are all accepted and all get the same next
// cookie, so that the order of their responses does not matter.
func TestRestoredTabsAreNoTheft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := remembered(t, newRemember(t, newCells(t)), "joe")
		before := d.cookie
		var mu sync.Mutex
		cookies := map[string]bool{}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				tab := &device{t, d.m, before}
				tab.want("joe")
				mu.Lock()
				defer mu.Unlock()
				cookies[tab.cookie.Value] = true
				d.cookie = tab.cookie
			})
		}
		wg.Wait()
		if len(cookies) != 1 || cookies[before.Value] {
			t.Errorf("got %d next cookies, want one new one", len(cookies))
		}
		<-time.After(30*time.Second - 1)
		(&device{t, d.m, before}).want("joe") // a slow tab, at the end of the grace
		d.want("joe")
		d.want("joe")
	})
}

func TestAnOldCookieIsATheft(t *testing.T) {
	for _, row := range []struct {
		name string
		play func(owner, thief *device)
	}{
		{"the thief is first, once", func(owner, thief *device) {
			thief.want("joe")
			<-time.After(31 * time.Second)
			owner.want("joe") // as if the answer had been lost
			thief.want("theft from joe")
		}},
		{"the thief is first, twice", func(owner, thief *device) {
			thief.want("joe")
			thief.want("joe")
			<-time.After(31 * time.Second)
			owner.want("theft from joe")
		}},
		{"the owner is first, the thief comes late", func(owner, thief *device) {
			owner.want("joe")
			<-time.After(31 * time.Second)
			thief.want("joe")
			owner.want("theft from joe")
		}},
		{"two turns back is not the token before, even at once", func(owner, thief *device) {
			owner.want("joe")
			owner.want("joe")
			thief.want("theft from joe")
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newRemember(t, newCells(t))
			owner := remembered(t, m, "joe")
			other, stranger := remembered(t, m, "joe"), remembered(t, m, "jen")
			thief := &device{t, m, owner.cookie}
			row.play(owner, thief)
			if err := m.ForgetUser(t.Context(), "joe"); err != nil {
				t.Fatal(err)
			}
			for _, d := range []*device{owner, thief, other} {
				if got := d.recall(); got != "nobody" {
					t.Errorf("%s: then got %q, want nobody", row.name, got)
				}
			}
			stranger.want("jen")
			again := remembered(t, m, "joe")
			<-time.After(29 * 24 * time.Hour)
			again.want("joe")
		})
	}
}

// TestALostAnswerIsNoTheft, however late and however often the browser tries again: it was closed, its
// connection broke, or it crashed before it stored the cookie.
func TestALostAnswerIsNoTheft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := remembered(t, newRemember(t, newCells(t)), "joe")
		for _, wait := range []time.Duration{0, time.Minute, 24 * time.Hour, 7 * 24 * time.Hour} {
			<-time.After(wait)
			if _, _, err := d.m.Recall(request(d.cookie)); err != nil { // and the response is lost
				t.Fatalf("after %v: %v", wait, err)
			}
		}
		d.want("joe")
		d.want("joe")
	})
}

// TestForgettingAUserLastsAsLongAsTheOldestSeries: the note of it must not expire before the series do.
func TestForgettingAUserLastsAsLongAsTheOldestSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newRemember(t, newCells(t))
		early := remembered(t, m, "joe")
		if err := m.ForgetUser(t.Context(), "joe"); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * 24 * time.Hour)
		late := remembered(t, m, "joe")
		<-time.After(10*24*time.Hour - time.Minute)
		early.want("nobody")
		<-time.After(19 * 24 * time.Hour)
		late.want("joe")
	})
}

func TestForgettingEndsTheSeriesOfTheCookieAlone(t *testing.T) {
	m := newRemember(t, newCells(t))
	here, there := remembered(t, m, "joe"), remembered(t, m, "joe")
	rem, _, err := m.Recall(request(here.cookie))
	if ok, err2 := m.Valid(t.Context(), rem); !ok || errors.Join(err, err2) != nil {
		t.Fatalf("before: got %t and %v, want valid", ok, errors.Join(err, err2))
	}
	ended, cookie, err := m.Forget(request(here.cookie)) // with the previous token: a log-out that was in progress
	if err != nil || len(ended) != 1 || ended[0].User != "joe" || ended[0].Series != rem.Series || cookie == nil || cookie.MaxAge >= 0 || cookie.Value != "" {
		t.Errorf("got %v, %v and %v, want the series of joe and a cookie that ends", ended, cookie, err)
	}
	if ok, err := m.Valid(t.Context(), rem); ok || err != nil {
		t.Errorf("after: got %t and %v, want not valid", ok, err)
	}
	again, cookie, err := m.Forget(request(here.cookie)) // the caller's retry after an outage
	if err != nil || len(again) != 1 || again[0].User != "" || again[0].Series != rem.Series || cookie == nil {
		t.Errorf("again: got %v, %v and %v, want the name of the series and a cookie that ends", again, cookie, err)
	}
	here.want("nobody")
	there.want("joe")
	if ended, cookie, err := m.Forget(request()); ended != nil || cookie != nil || err != nil {
		t.Errorf("without a cookie: got %v, %v and %v, want nothing", ended, cookie, err)
	}
}

func TestAForgedRememberCookieIsNobody(t *testing.T) {
	m := newRemember(t, newCells(t))
	d := remembered(t, m, "joe")
	id, token, _ := strings.Cut(d.cookie.Value, ".")
	for _, bad := range []string{"", ".", id, id + ".", "." + token, id + "x." + token, token + "." + id, id + "." + token + ".", strings.Repeat("A", 5000)} {
		if _, _, err := m.Recall(request(&http.Cookie{Name: "__Host-remember", Value: bad})); !errors.Is(err, strategy.ErrUnauthenticated) || errors.As(err, new(*remember.CookieTheft)) {
			t.Errorf("%.50q: got %v, want nobody", bad, err)
		}
	}
	// Another cookie before it does not hide the valid one.
	if rem, _, err := m.Recall(request(&http.Cookie{Name: "__Host-remember", Value: token + "." + id}, d.cookie)); err != nil || rem.User != "joe" {
		t.Errorf("after a forged one: got %v and %v, want joe", rem, err)
	}
	if _, _, err := m.Recall(request()); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("no cookie: got %v, want nobody", err)
	}
}

func TestAnOutageIsNoRefusalOfARememberedLogIn(t *testing.T) {
	cells := newCells(t)
	d := remembered(t, newRemember(t, cells), "joe")
	rem, _, err := d.m.Recall(request(d.cookie))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		calls int
		do    func(m *remember.Service) error
	}{
		{"Remember", 2, func(m *remember.Service) error {
			_, _, err := m.Remember(t.Context(), "jen", []byte(`"jen"`), nil)
			return err
		}},
		{"Recall", 3, func(m *remember.Service) error {
			fresh := remembered(t, newRemember(t, cells), "jen")
			_, _, err := m.Recall(request(fresh.cookie))
			return err
		}},
		{"Valid", 2, func(m *remember.Service) error { _, err := m.Valid(t.Context(), rem); return err }},
		{"Forget", 2, func(m *remember.Service) error { _, _, err := m.Forget(request(d.cookie)); return err }},
		{"ForgetUser", 2, func(m *remember.Service) error { return m.ForgetUser(t.Context(), "ann") }},
	} {
		for from := 1; from <= row.calls; from++ {
			err := row.do(newRemember(t, &credtest.Cells{Cells: cells, From: from}))
			if !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("%s, down from call %d: got %v, want the outage", row.name, from, err)
			}
		}
	}
}

// lostReply are Cells whose first swap is executed and answered as if it was not, like a command that was
// sent twice.
type lostReply struct {
	strategy.Cells
	done bool
}

func (l *lostReply) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	found, swapped, err := l.Cells.Swap(ctx, key, old, new, ttl)
	if swapped && !l.done {
		l.done = true
		return new, false, nil
	}
	return found, swapped, err
}

func TestASwapThatWasSentTwiceIsOnesOwn(t *testing.T) {
	cells := newCells(t)
	d := remembered(t, newRemember(t, cells), "joe")
	d.m = newRemember(t, &lostReply{Cells: cells})
	d.want("joe")
	d.want("joe")
	again := newRemember(t, &lostReply{Cells: cells})
	if err := again.ForgetUser(t.Context(), "joe"); err != nil {
		t.Errorf("ForgetUser: got %v, want none", err)
	}
	remembered(t, newRemember(t, &lostReply{Cells: cells}), "joe").want("joe")
}

func TestNewRememberMeNamesEveryMistake(t *testing.T) {
	for _, row := range []struct {
		cfg  remember.Config
		want string
	}{
		{remember.Config{}, "Cells is nil"},
		{remember.Config{}, "Secrets is empty"},
		{remember.Config{MaxAge: time.Second}, "MaxAge is 1s"},
		{remember.Config{MaxAge: 401 * 24 * time.Hour}, "MaxAge is 9624h"},
		{remember.Config{Grace: time.Hour}, "Grace is 1h"},
		{remember.Config{Grace: -1}, "Grace is -1ns"},
		{remember.Config{CookieName: "a b"}, "not a cookie name"},
		{remember.Config{CookieName: "__Host-x", InsecureHTTP: true}, "drop InsecureHTTP"},
		{remember.Config{CookieName: "__secure-x", InsecureHTTP: true}, "drop InsecureHTTP"},
	} {
		if _, err := remember.New(row.cfg); err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "Cells is nil") {
			t.Errorf("%+v: got %v, want %q in it", row.cfg, err, row.want)
		}
	}
	m, err := remember.New(remember.Config{Cells: newCells(t), Secrets: secrets, InsecureHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	if c := remembered(t, m, "joe").cookie; c.Name != "remember" || c.Secure {
		t.Errorf("InsecureHTTP: got %v, want remember without Secure", c)
	}
}
