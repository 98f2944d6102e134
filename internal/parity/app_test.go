package parity_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

const secret = "a made-up secret of 32 bytes or more"

// user is the application's user type.
type user struct {
	ID    int
	Email string
	Admin bool
}

var users = []*user{{1, "joe@test.com", true}, {2, "jen@test.com", false}}

func check(ctx context.Context, email, password string) (*user, error) {
	for _, u := range users {
		if u.Email == email && password == "right" {
			strategy.Report(ctx, strategy.Info{Detail: "by the table"})
			return u, nil
		}
	}
	return nil, &strategy.Failure{Reason: "no such user or another password"}
}

func find(_ context.Context, id int) (*user, error) {
	for _, u := range users {
		if u.ID == id {
			return u, nil
		}
	}
	return nil, serializer.ErrUserGone
}

var byID = serializer.ByID(func(u *user) int { return u.ID }, find)

// token is a strategy for API clients.
var token = strategy.Func("token", func(_ http.ResponseWriter, r *http.Request) (*user, error) {
	if r.Header.Get("Authorization") == "Token joe" {
		return users[0], nil
	}
	return nil, &strategy.Failure{Challenge: `Token realm="api"`}
})

// app is an Express application moved to Go.
type app struct {
	*guard.Guard[*user]
	t        *testing.T
	sessions *session.Manager
	store    *store.MemoryStore
	mux      *http.ServeMux
}

func newApp(t *testing.T, edit ...func(*session.Config)) *app {
	t.Helper()
	records, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := session.Config{Store: records.Sessions, Codec: session.Express(secret), Logger: slog.New(slog.DiscardHandler)}
	for _, e := range edit {
		e(&cfg)
	}
	sessions, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := guard.New(guard.Config{Sessions: sessions, Logger: cfg.Logger}, byID, strategy.Strategy[*user](strategy.NewLocal(check)), token)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{Guard: auth, t: t, sessions: sessions, store: records.Sessions, mux: http.NewServeMux()}
	a.mux.Handle("POST /login", a.Authenticate("local")(a.LogIn(a.hello())))
	a.mux.Handle("POST /logout", a.LogOut(a.hello()))
	a.mux.Handle("GET /me", a.RequireAuth(a.hello()))
	return a
}

// hello returns a handler that greets the guard's user.
func (a *app) hello() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := a.User(r.Context()); ok {
			fmt.Fprintf(w, "hello %s", u.Email)
			return
		}
		fmt.Fprint(w, "hello stranger")
	})
}

// session makes path a route that works on the session; the response is f's result.
func (a *app) session(path string, f func(r *http.Request, s *session.Session) (any, error)) {
	a.mux.Handle(path, a.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		var v any
		if err == nil {
			v, err = f(r, s)
		}
		if err != nil {
			a.Error(w, r, err)
			return
		}
		fmt.Fprint(w, v)
	})))
}

func (a *app) open() *browser.Browser { return browser.New(a.t, a.mux) }

// joe returns a visitor who is logged in.
func (a *app) joe() *browser.Browser {
	a.t.Helper()
	b := a.open()
	logIn(b, "/login").Want(a.t, http.StatusOK, "hello joe@test.com")
	return b
}

func logIn(b *browser.Browser, path string) browser.Answer {
	return b.Post(path, "email", "joe@test.com", "password", "right")
}

func fail(b *browser.Browser, path string) browser.Answer {
	return b.Post(path, "email", "joe@test.com", "password", "wrong")
}

// records returns the stored records.
func (a *app) records() []string {
	a.t.Helper()
	var list []string
	for r, err := range a.store.All(a.t.Context()) {
		if err != nil {
			a.t.Fatal(err)
		}
		list = append(list, string(r.Data))
	}
	return list
}

// record returns the only record.
func (a *app) record() string {
	a.t.Helper()
	list := a.records()
	if len(list) != 1 {
		a.t.Fatalf("%d records, want 1", len(list))
	}
	return list[0]
}

// redirected fails the test unless the response sends the browser to want.
func redirected(t *testing.T, a browser.Answer, want string) {
	t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != want {
		t.Errorf("got %d to %q, want 303 to %q", a.StatusCode, got, want)
	}
}

// setCookie returns the response's Set-Cookie line.
func setCookie(t *testing.T, a browser.Answer) string {
	t.Helper()
	lines := a.Header["Set-Cookie"]
	if len(lines) != 1 {
		t.Fatalf("cookies: %q, want one", lines)
	}
	return lines[0]
}

// attribute fails the test unless the cookie of a log-in, with the configuration that edit makes, has the
// attribute.
func attribute(t *testing.T, want string, edit func(*session.Config)) {
	t.Helper()
	line := setCookie(t, logIn(newApp(t, edit).open(), "/login"))
	if !strings.Contains(line+";", "; "+want+";") {
		t.Errorf("cookie %q, want %s", line, want)
	}
}

// pass lets time pass in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }

var errOutage = errors.New("connection refused")
