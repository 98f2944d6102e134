//go:build !race

// Under the race detector sync.Pool drops objects at random, so that allocations differ from
// run to run.

package guard_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header { return d.header }

func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func (d *discard) WriteHeader(int) {}

// TestAVisitorWhomNothingRemembersCostsNothing with Config.RememberMe, whatever other cookies the request
// has.
func TestAVisitorWhomNothingRemembersCostsNothing(t *testing.T) {
	allocs := func(w *world) float64 {
		r := httptest.NewRequest(http.MethodGet, "/any", nil)
		r.Header.Set("Cookie", "theme=dark; consent=1")
		rw, h := &discard{http.Header{}}, w.Restore(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		return testing.AllocsPerRun(200, func() { clear(rw.header); h.ServeHTTP(rw, r) })
	}
	if got, want := allocs(newRememberWorld(t).world), allocs(newDeviceWorld(t)); got > want {
		t.Errorf("a visitor costs %v allocations, and without RememberMe %v: want no more", got, want)
	}
}

// TestTheReadPathAllocatesNothingOfItsOwn: a guarded read allocates only what loading the session does.
func TestTheReadPathAllocatesNothingOfItsOwn(t *testing.T) {
	w := newWorld(t)
	joe := &User{ID: 1}
	users := serializer.ByID(func(u *User) int { return u.ID }, func(context.Context, int) (*User, error) { return joe, nil })
	sessions, err := session.New(session.Config{Store: w.store, Codec: session.SecureCookie(secret), Logger: w.logger()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)}, users, strategy.NewLocal(w.table.check))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range guardtest.LogIn(t, g, joe) {
		r.AddCookie(c)
	}
	allocs := func(h http.Handler) float64 {
		rw := &discard{http.Header{}}
		return testing.AllocsPerRun(200, func() { clear(rw.header); w.store.asked(); h.ServeHTTP(rw, r) })
	}
	reached := false
	loaded := allocs(sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := session.FromContext(r.Context()); err != nil {
			t.Error(err)
		}
	})))
	guarded := allocs(g.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		u, ok := g.User(r.Context())
		reached = ok && u == joe
	})))
	if !reached {
		t.Fatal("the handler was not called with its user")
	}
	if guarded > loaded {
		t.Errorf("a guarded read allocates %v times, and loading the session alone %v: want no more", guarded, loaded)
	}
}

// TestARequestOfAProgramCostsNoCopyOfItsHeader: what tells of another site is copied only if a browser sent the
// request.
func TestARequestOfAProgramCostsNoCopyOfItsHeader(t *testing.T) {
	joe := &User{ID: 1}
	bearer := strategy.NewBearer("", func(context.Context, string) (*User, error) { return joe, nil })
	g, err := guard.New(guard.Config{Logger: slog.New(slog.DiscardHandler)}, nil, bearer)
	if err != nil {
		t.Fatal(err)
	}
	h := g.Authenticate("bearer")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r, rw := httptest.NewRequest("GET", "/", nil), &discard{http.Header{}}
	r.Header.Set("Authorization", "Bearer x")
	if got := testing.AllocsPerRun(200, func() { clear(rw.header); h.ServeHTTP(rw, r) }); got > 8 {
		t.Errorf("a request with a token allocates %v times, want at most 8", got)
	}
}
