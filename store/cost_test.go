package store_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

// commands counts what a client sends: a go-redis hook.
type commands struct {
	mu   sync.Mutex
	sent []string
}

func (c *commands) note(cmd redis.Cmder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, cmd.Name())
}

func (c *commands) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.note(cmd); return next(ctx, cmd) }
}

func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			c.note(cmd)
		}
		return next(ctx, cmds)
	}
}

// take returns what was sent since the last call.
func (c *commands) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := strings.Join(c.sent, " ")
	c.sent = nil
	return s
}

// site is a program with one user on the given store.
func site(t *testing.T, st session.Store, edit ...func(*session.Config)) http.Handler {
	t.Helper()
	cfg := session.Config{Store: st, Codec: session.Express("a made-up secret of 32 bytes or more")}
	for _, e := range edit {
		e(&cfg)
	}
	sessions, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	local := strategy.NewLocal(func(_ context.Context, email, _ string) (string, error) { return email, nil })
	users := serializer.ByID(func(u string) string { return u }, func(_ context.Context, id string) (string, error) { return id, nil })
	auth, err := guard.New(guard.Config{Sessions: sessions}, users, local)
	if err != nil {
		t.Fatal(err)
	}
	const cart session.Key[int] = "cart"
	done := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := auth.User(r.Context())
		fmt.Fprint(w, user)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /public", done)
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(done)))
	mux.Handle("POST /logout", auth.LogOut(done))
	mux.Handle("GET /me", auth.RequireAuth(done))
	mux.Handle("GET /uncached", auth.RequireUncached(done))
	mux.Handle("POST /cart", auth.RequireAuth(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = cart.Update(s, func(n int) (int, error) { return n + 1, nil })
		}
		if err != nil {
			t.Error(err)
		}
	})))
	return sessions.Handler(mux)
}

func TestCommandsPerRequest(t *testing.T) {
	for _, notify := range []bool{false, true} { // notices are published by the same scripts
		t.Run(fmt.Sprint("notify ", notify), func(t *testing.T) { testCommandsPerRequest(t, notify) })
	}
}

func testCommandsPerRequest(t *testing.T, notify bool) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	var count commands
	client.AddHook(&count)
	st, err := store.Redis(client, store.RedisConfig{Name: "test", Notify: notify})
	if err != nil {
		t.Fatal(err)
	}
	h := site(t, st.Sessions)
	warm := browser.New(t, h) // loads the scripts
	warm.Post("/login", "email", "w", "password", "x").Want(t, 200, "w")
	warm.Post("/cart").Want(t, 200, "")
	warm.Post("/login", "email", "w", "password", "x").Want(t, 200, "w")
	warm.Post("/logout").Want(t, 200, "")
	count.take()

	b := browser.New(t, h)
	for _, row := range []struct {
		name string
		do   func() browser.Answer
		code int
		want string
	}{
		{"an anonymous visitor's public page", func() browser.Answer { return b.Get("/public") }, 200, ""},
		{"an anonymous visitor at a guarded page", func() browser.Answer { return b.Get("/me") }, 401, ""},
		{"a log-in: Create and label in one", func() browser.Answer { return b.Post("/login", "email", "joe", "password", "x") }, 200, "evalsha"},
		{"a public page with a cookie", func() browser.Answer { return b.Get("/public") }, 200, ""},
		{"a guarded read", func() browser.Answer { return b.Get("/me") }, 200, "get"},
		{"a write of a key", func() browser.Answer { return b.Post("/cart") }, 200, "get evalsha"},
		{"a log-in over a session: Create, label, end of the old and its label in one", func() browser.Answer { return b.Post("/login", "email", "joe", "password", "x") }, 200, "get evalsha"},
		{"a log-out: end and label in one", func() browser.Answer { return b.Post("/logout") }, 200, "get evalsha"},
		{"a log-out of nobody", func() browser.Answer { return b.Post("/logout") }, 200, ""},
	} {
		row.do().Want(t, row.code, "")
		if got := count.take(); got != row.want {
			t.Errorf("%s sent %q, want %q", row.name, got, row.want)
		}
	}
}

// TestADeadCookieIsReadOnce if the store's own reads ask the primary. If they may come from a replica, a
// change of the session asks the primary too (S17).
func TestADeadCookieIsReadOnce(t *testing.T) {
	server := miniredis.RunT(t)
	var count commands
	connect := func() *redis.Client {
		client := redis.NewClient(&redis.Options{Addr: server.Addr()})
		t.Cleanup(func() { _ = client.Close() })
		client.AddHook(&count)
		return client
	}
	for _, row := range []struct{ name, load string }{{"one client", "get"}, {"reads from a replica", "get get"}} {
		t.Run(row.name, func(t *testing.T) {
			cfg := store.RedisConfig{Name: "test"}
			if row.load != "get" {
				cfg.Reads = connect()
			}
			st, err := store.Redis(connect(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			b := browser.New(t, site(t, st.Sessions))
			b.Post("/login", "email", "joe", "password", "x").Want(t, 200, "joe") // loads the scripts
			dead := b.Cookie("connect.sid")
			b.Post("/logout").Want(t, 200, "")
			if _, err := st.Sessions.End(t.Context(), "unknown", nil, "", 0); err != nil { // loads its script
				t.Fatal(err)
			}
			for _, does := range []struct {
				name, want string
				do         func() browser.Answer
				code       int
			}{
				{"RequireUncached", "", func() browser.Answer { return b.Get("/uncached") }, 401},
				{"a log-out", " get evalsha", func() browser.Answer { return b.Post("/logout") }, 200},
				{"a log-in", " evalsha get evalsha", func() browser.Answer { return b.Post("/login", "email", "joe", "password", "x") }, 200},
			} {
				b.SetCookie("connect.sid", dead)
				count.take()
				does.do().Want(t, does.code, "")
				if got, want := count.take(), row.load+does.want; got != want {
					t.Errorf("%s with a dead cookie sent %q, want %q", does.name, got, want)
				}
			}
		})
	}
}
