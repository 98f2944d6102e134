package guardtest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/guard/guardtest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

type user struct{ name string }

func newGuard(t testing.TB) *guard.Guard[*user] {
	t.Helper()
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: memory.Sessions, Codec: session.SecureCookie("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(u *user) string { return u.name }, func(_ context.Context, name string) (*user, error) { return &user{name}, nil })
	g, err := guard.New(guard.Config{Sessions: sessions}, users, strategy.NewLocal(func(context.Context, string, string) (*user, error) {
		return nil, strategy.ErrUnauthenticated
	}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func greet(g *guard.Guard[*user]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := g.User(r.Context())
		fmt.Fprint(w, "hello ", u.name)
	})
}

func TestLogInMakesASessionThatAServerAccepts(t *testing.T) {
	g := newGuard(t)
	mux := http.NewServeMux()
	mux.Handle("/me", g.RequireAuth(greet(g)))
	mux.Handle("/fresh", g.RequireFresh(time.Minute)(greet(g)))
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	client := server.Client()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = jar
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(base, guardtest.LogIn(t, g, &user{"joe"}))
	for _, path := range []string{"/me", "/fresh"} {
		res, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s, want 200", path, res.Status)
		}
	}
}

func TestWithUserPassesGuards(t *testing.T) {
	g := newGuard(t)
	r := guardtest.WithUser(httptest.NewRequest("GET", "/", nil), g, &user{"joe"})
	for _, row := range []struct {
		name    string
		handler http.Handler
		status  int
	}{
		{"a bare handler", greet(g), 200},
		{"RequireAuth", g.RequireAuth(greet(g)), 200},
		{"Require", g.Require(func(*http.Request, *user) error { return nil })(greet(g)), 200},
		{"RequireFresh", g.RequireFresh(time.Hour)(greet(g)), 401},
		{"RequireFactor", g.RequireFactor("local", 0)(greet(g)), 401},
		{"LogIn", g.LogIn(greet(g)), 500},
	} {
		rec := httptest.NewRecorder()
		row.handler.ServeHTTP(rec, r)
		if rec.Code != row.status || row.status == 200 && rec.Body.String() != "hello joe" {
			t.Errorf("%s: got %d %q, want %d", row.name, rec.Code, rec.Body, row.status)
		}
	}
}

// recorder is a testing.TB that records its failure.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

func TestLogInFailsTheTestOfANilUser(t *testing.T) {
	r := &recorder{TB: t}
	func() {
		defer func() { _ = recover() }()
		guardtest.LogIn(r, newGuard(t), nil)
	}()
	if !strings.Contains(r.failed, "the user is nil") {
		t.Errorf("got %q, want it to say that the user is nil", r.failed)
	}
}

func TestLogInFailsTheTestWhenTheStoreIsDown(t *testing.T) {
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: down{memory.Sessions}, Codec: session.SecureCookie("a made-up secret of 32 bytes or more")})
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(u *user) string { return u.name }, func(_ context.Context, name string) (*user, error) { return &user{name}, nil })
	g, err := guard.New(guard.Config{Sessions: sessions}, users)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	func() {
		defer func() { _ = recover() }()
		guardtest.LogIn(r, g, &user{"joe"})
	}()
	if !strings.Contains(r.failed, "503") {
		t.Errorf("got %q, want it to say 503", r.failed)
	}
}

// down is a store whose Create fails.
type down struct{ session.Store }

func (down) Create(context.Context, string, []byte, time.Duration) error {
	return context.DeadlineExceeded
}
