//go:build !race

package store_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header { return w.header }

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (nowhere) WriteString(s string) (int, error) { return len(s), nil }

func (nowhere) WriteHeader(int) {}

// guardedReadAllocs returns how many objects one guarded read on st allocates, with the cookie that Node
// uses too.
func guardedReadAllocs(t *testing.T, st session.Store) float64 {
	t.Helper()
	sessions, err := session.New(session.Config{Store: st, Codec: session.Express("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	type user struct{ id int }
	joe := &user{1}
	users := serializer.ByID(func(u *user) int { return u.id }, func(context.Context, int) (*user, error) { return joe, nil })
	g, err := guard.New(guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)}, users)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context()) // as in net/http
	defer cancel()
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	for _, c := range guardtest.LogIn(t, g, joe) {
		r.AddCookie(c)
	}
	h := g.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := g.User(r.Context()); !ok || u != joe {
			t.Error("the handler was not reached by its user")
		}
		_, _ = io.WriteString(w, "hello")
	}))
	w := nowhere{http.Header{}}
	return testing.AllocsPerRun(500, func() { clear(w.header); h.ServeHTTP(w, r) })
}

// TestAllocationsOfAGuardedRead: one is the request's state, one the store's copy of the record.
func TestAllocationsOfAGuardedRead(t *testing.T) {
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got := guardedReadAllocs(t, m.Sessions); got > 2 {
		t.Errorf("a guarded read on a MemoryStore allocates %v times, want at most 2", got)
	}
}
