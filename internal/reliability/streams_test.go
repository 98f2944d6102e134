//go:build integration

package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// streamer is a program with streams.
type streamer struct {
	auth *guard.Guard[string]
	mux  *http.ServeMux
}

type opened struct{}

func newStreamer(t *testing.T, st session.Store) *streamer {
	t.Helper()
	sessions, err := session.New(session.Config{Store: st, Codec: session.SecureCookie("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(u string) string { return u }, func(_ context.Context, id string) (string, error) { return id, nil })
	auth, err := guard.New(guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)}, users, strategy.NewLocal(func(_ context.Context, email, _ string) (string, error) { return email, nil }))
	if err != nil {
		t.Fatal(err)
	}
	p := &streamer{auth, http.NewServeMux()}
	done := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	p.mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(done)))
	p.mux.Handle("POST /logout", auth.LogOut(done))
	p.mux.Handle("POST /renew", auth.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = s.Renew(r.Context())
		}
		if err != nil {
			t.Error(err)
		}
	})))
	p.mux.Handle("/live", auth.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx, err := auth.Watch(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		r.Context().Value(opened{}).(chan context.Context) <- ctx
	})))
	return p
}

// stream opens a stream in p with b's cookies. The answer is not written to a socket: what is measured is
// when its context ends.
func (p *streamer) stream(t *testing.T, b *browser.Browser) context.Context {
	here := make(chan context.Context, 1)
	p.mux.ServeHTTP(httptest.NewRecorder(), b.Request("GET", "/live", "").WithContext(context.WithValue(t.Context(), opened{}, here)))
	select {
	case ctx := <-here:
		return ctx
	default:
		t.Fatal("no stream was opened")
		return nil
	}
}

// TestStreamsEndWithTheirLogIn: three programs on one store, a stream of each session in each of them; log-outs by
// the first program, and renewals of sessions that stay.
func TestStreamsEndWithTheirLogIn(t *testing.T) {
	row := table("13. Streams end with their log-in", "Store", "Meanwhile", "Ended by", "Streams", "Ended within 250 ms of the answer", "Slowest", "Not ended", "Streams of others", "Ended by mistake")
	for _, c := range []struct{ store, meanwhile, by string }{
		{"MemoryStore", "", "log-out"},
		{"RedisStore", "", "log-out"},
		{"RedisStore", "", "log-out everywhere"},
		{"RedisStore", "subscriptions are cut", "log-out"},
		{"RedisStore", "the third program is cut off, and heals", "log-out"},
	} {
		t.Run(c.store+" "+c.meanwhile+" "+c.by, func(t *testing.T) {
			var programs []*streamer
			var proxy *faultproxy.Proxy
			if c.store == "MemoryStore" {
				m, err := store.Memory(store.MemoryConfig{})
				if err != nil {
					t.Fatal(err)
				}
				programs = []*streamer{newStreamer(t, m.Sessions), newStreamer(t, m.Sessions), newStreamer(t, m.Sessions)}
			} else {
				server := redistest.Start(t)
				proxy = faultproxy.New(t, server.Addr)
				for _, addr := range []string{server.Addr, server.Addr, proxy.Addr()} {
					client := newClient(t, addr, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
					programs = append(programs, newStreamer(t, newRedis(t, client, store.RedisConfig{Notify: true})))
				}
			}
			sessions := sized(100, 3334)
			const stay = 20
			var leavers, stayers []*browser.Browser
			var streams, others []context.Context
			for i := range sessions + stay {
				b := browser.New(t, programs[0].mux)
				name := fmt.Sprint("user", i)
				if c.by == "log-out everywhere" && i < sessions {
					name = "everywhere"
				}
				b.Post("/login", "email", name, "password", "x").Want(t, 200, "")
				for _, p := range programs {
					if ctx := p.stream(t, b); i < sessions {
						streams = append(streams, ctx)
					} else {
						others = append(others, ctx)
					}
				}
				if i < sessions {
					leavers = append(leavers, b)
				} else {
					stayers = append(stayers, b)
				}
			}
			answered := make([]chan time.Time, len(streams)) // when the log-out of each was answered
			for i := range answered {
				answered[i] = make(chan time.Time, 1)
			}
			late := make([]time.Duration, len(streams))
			var ends sync.WaitGroup
			var left atomic.Int64
			patience, giveUp := context.WithTimeout(t.Context(), redistest.Patience+30*time.Second)
			defer giveUp()
			for i, ctx := range streams {
				ends.Go(func() {
					select {
					case <-ctx.Done():
						now := time.Now()
						late[i] = max(0, now.Sub(<-answered[i])) // it may end before the answer
					case <-patience.Done():
						left.Add(1)
					}
				})
			}
			switch c.meanwhile {
			case "subscriptions are cut":
				proxy.Cut()
			case "the third program is cut off, and heals":
				proxy.Down()
			}
			var renewals sync.WaitGroup
			ctx, stop := context.WithCancel(t.Context())
			for _, b := range stayers {
				renewals.Go(func() {
					for ctx.Err() == nil {
						b.Post("/renew").Want(t, 200, "")
						select {
						case <-time.After(50 * time.Millisecond):
						case <-ctx.Done():
						}
					}
				})
			}
			if c.by == "log-out everywhere" {
				if n, err := programs[0].auth.LogOutEverywhere(t.Context(), "everywhere"); n != sessions || err != nil {
					t.Errorf("got %d, %v, want %d", n, err, sessions)
				}
				for i := range answered {
					answered[i] <- time.Now()
				}
			} else {
				for i, b := range leavers {
					b.Post("/logout").Want(t, 200, "")
					for k := range programs {
						answered[i*len(programs)+k] <- time.Now()
					}
				}
			}
			if proxy != nil {
				proxy.Up()
			}
			ends.Wait()
			stop()
			renewals.Wait()
			within, slowest, wrong := 0, time.Duration(0), 0
			for _, d := range late {
				if slowest = max(slowest, d); d <= 250*time.Millisecond {
					within++
				}
			}
			for _, ctx := range others {
				if ctx.Err() != nil {
					wrong++
				}
			}
			if left.Load() > 0 || wrong > 0 {
				t.Errorf("%d streams did not end, and %d that should go on did", left.Load(), wrong)
			}
			row(c.store, c.meanwhile, c.by, len(streams), within-int(left.Load()), slowest.Round(time.Millisecond), left.Load(), len(others), wrong)
		})
	}
}
