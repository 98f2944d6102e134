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

// countedCells count what they are asked.
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

// TestACookieThatIsNotSignedReachesNoStore (G17): whoever makes up cookies costs nothing but a signature.
func TestACookieThatIsNotSignedReachesNoStore(t *testing.T) {
	cells := &countedCells{Cells: newCells(t)}
	m := newRemember(t, cells)
	good := remembered(t, m, "u").cookie.Value
	dot := strings.LastIndexByte(good, '.')
	token, mac := good[:dot], good[dot+1:]
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
		{"of another token", "x" + token[1:] + "." + mac},
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
			t.Errorf("%s: the store was asked %d times, want never", row.name, cells.calls)
		}
	}
}

// TestSecretsRotate: what a former secret signed is good, and is signed by the newest from then on.
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
	for i, m := range []*remember.Me{before, between, after} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		rem, next, err := m.Recall(r)
		if err != nil || rem.User != "u" {
			t.Fatalf("use %d: got %q and %v, want u", i+1, rem.User, err)
		}
		cookie = next
	}
}
