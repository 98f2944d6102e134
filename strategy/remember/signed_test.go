package remember_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// countedCells count their calls.
type countedCells struct {
	strategy.Cells
	calls int
}

func (c *countedCells) Load(ctx context.Context, key string) ([]byte, error) {
	c.calls++
	return c.Cells.Load(ctx, key)
}

func (c *countedCells) Swap(ctx context.Context, key string, old, new []byte, ttl time.Duration) ([]byte, bool, error) {
	c.calls++
	return c.Cells.Swap(ctx, key, old, new, ttl)
}

// TestACookieThatIsNotSignedReachesNoStore (G17): an invented cookie costs only the check of its signature.
func TestACookieThatIsNotSignedReachesNoStore(t *testing.T) {
	cells := &countedCells{Cells: newCells(t)}
	m := newRemember(t, cells)
	good := remembered(t, m, "u").cookie.Value
	dot := strings.LastIndexByte(good, '.')
	token, mac := good[:dot], good[dot+1:]
	letter := "x"
	if token[0] == 'x' {
		letter = "y"
	}
	other, err := remember.New(remember.Config{Cells: cells, Secrets: []string{strings.Repeat("x", 32)}})
	if err != nil {
		t.Fatal(err)
	}
	sameSecret, err := remember.New(remember.Config{Cells: cells, Secrets: secrets, CookieName: "other"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, value string }{
		{"no signature", token},
		{"an empty one", token + "."},
		{"half of one", token + "." + mac[:22]},
		{"of another token", letter + token[1:] + "." + mac},
		{"of another secret", remembered(t, other, "u").cookie.Value},
		{"of a cookie of another name", remembered(t, sameSecret, "u").cookie.Value},
		{"in another alphabet", token + "." + mac + "="},
		{"nothing", ""},
	} {
		cells.calls = 0
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for range 8 {
			r.AddCookie(&http.Cookie{Name: "__Host-remember", Value: row.value})
		}
		_, _, err := m.Recall(r)
		found, findErr := m.Find(r)
		ended, gone, forgetErr := m.Forget(r)
		if !errors.Is(err, strategy.ErrUnauthenticated) || len(found)+len(ended) != 0 || findErr != nil || forgetErr != nil || gone == nil {
			t.Errorf("%s: got %v, %d found, %d ended, %v, %v", row.name, err, len(found), len(ended), findErr, forgetErr)
		}
		if cells.calls != 0 {
			t.Errorf("%s: the store was called %d times, want never", row.name, cells.calls)
		}
	}
}

// TestSecretsRotate: a cookie signed by a former secret is valid, and its successor is signed by the newest
// one.
func TestSecretsRotate(t *testing.T) {
	cells := newCells(t)
	before := newRemember(t, cells)
	device := remembered(t, before, "u")
	newest := strings.Repeat("n", 32)
	between, err := remember.New(remember.Config{Cells: cells, Secrets: append([]string{newest}, secrets...)})
	if err != nil {
		t.Fatal(err)
	}
	after, err := remember.New(remember.Config{Cells: cells, Secrets: []string{newest}})
	if err != nil {
		t.Fatal(err)
	}
	cookie := device.cookie
	for i, m := range []*remember.Service{before, between, after} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		rem, next, err := m.Recall(r)
		if err != nil || rem.User != "u" {
			t.Fatalf("use %d: got %q and %v, want u", i+1, rem.User, err)
		}
		cookie = next
	}
}

// TestSecretsRotateWhileProcessesAreExchanged: in the order that Config.Secrets gives, a browser stays
// remembered at each of two neighbouring configurations, whichever signed its cookie, and a log-out at
// either ends the series. With fewer steps a browser is forgotten.
func TestSecretsRotateWhileProcessesAreExchanged(t *testing.T) {
	cells := newCells(t)
	old, newest := secrets[0], strings.Repeat("n", 32)
	process := func(secrets ...string) *remember.Service {
		m, err := remember.New(remember.Config{Cells: cells, Secrets: secrets})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	with := func(c *http.Cookie) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(c)
		return r
	}
	for _, row := range []struct {
		name string
		a, b *remember.Service
	}{
		{"{old} beside {old, new}", process(old), process(old, newest)},
		{"{old, new} beside {new, old}", process(old, newest), process(newest, old)},
		{"{new, old} beside {new}", process(newest, old), process(newest)},
	} {
		for _, order := range [][2]*remember.Service{{row.a, row.b}, {row.b, row.a}} {
			first, second := order[0], order[1]
			_, cookie, err := first.Remember(t.Context(), "u", []byte(`1`), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, ended, err := second.Forget(with(cookie))
			if err != nil || ended == nil {
				t.Fatalf("%s: a log-out: got cookie %v and %v, want one that deletes it", row.name, ended, err)
			}
			_, _, err = first.Recall(with(cookie))
			if err == nil {
				t.Errorf("%s: a copy of the cookie logs in after a log-out", row.name)
			}
			_, cookie, err = first.Remember(t.Context(), "u", []byte(`1`), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err = second.Recall(with(cookie)); err != nil {
				t.Errorf("%s: got %v, want the user", row.name, err)
			}
		}
	}
	_, cookie, err := process(newest, old).Remember(t.Context(), "u", []byte(`1`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := process(old).Recall(with(cookie)); err == nil {
		t.Error("{new, old} beside {old}: the cookie is valid, so the order no longer matters: say so in Config.Secrets")
	}
}
