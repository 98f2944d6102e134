package main_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

type User struct{ ID int }

// discard is a ResponseWriter that discards the body.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// guarded returns a guarded handler that uses st, and a request that it accepts.
func guarded(tb testing.TB, st session.Store, codec session.Codec) (http.Handler, *http.Request) {
	tb.Helper()
	sessions, err := session.New(session.Config{Store: st, Codec: codec, InsecureHTTP: true})
	if err != nil {
		tb.Fatal(err)
	}
	joe := &User{ID: 1}
	users := serializer.ByID(func(u *User) int { return u.ID }, func(context.Context, int) (*User, error) { return joe, nil })
	g, err := guard.New(guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)}, users)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // cancellable, as in net/http's server
	tb.Cleanup(cancel)
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	for _, c := range guardtest.LogIn(tb, g, joe) {
		r.AddCookie(c)
	}
	return g.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := g.User(r.Context()); !ok {
			tb.Error("no user")
		}
		_, _ = io.WriteString(w, "hello")
	})), r
}

const secret = "a made-up secret of 32 bytes or more"

func run(b *testing.B, h http.Handler, r *http.Request) {
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

func BenchmarkReadMemory(b *testing.B) {
	st, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		b.Fatal(err)
	}
	h, r := guarded(b, st.Sessions, session.Express(secret))
	run(b, h, r)
}

func BenchmarkReadRedis(b *testing.B) {
	client := redistest.Start(b).Client(b, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	st, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		b.Fatal(err)
	}
	h, r := guarded(b, st.Sessions, session.Express(secret))
	run(b, h, r)
}

func BenchmarkOneGet(b *testing.B) {
	client := redistest.Start(b).Client(b, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	if err := client.Set(b.Context(), "sess:x", make([]byte, 300), 0).Err(); err != nil {
		b.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := client.Get(r.Context(), "sess:x").Err(); err != nil {
			b.Error(err)
		}
		_, _ = io.WriteString(w, "hello")
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	run(b, h, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
}
