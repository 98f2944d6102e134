package store_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// TestARememberedLogInIsFewTrips: it uses the token, stores the session, looks once more whether the browser
// is still remembered, and ends the sessions that it had before.
func TestARememberedLogInIsFewTrips(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	stores, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	secret := "a made-up secret of 32 bytes or more"
	me, err := remember.New(remember.Config{Cells: stores.Cells, Secrets: []string{secret}, InsecureHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Config{Store: stores.Sessions, Codec: session.SecureCookie(secret), InsecureHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	users := serializer.ByID(func(id int) int { return id }, func(_ context.Context, id int) (int, error) { return id, nil })
	local := strategy.NewLocal(func(context.Context, string, string) (int, error) { return 1, nil })
	g, err := guard.New(guard.Config{Sessions: sessions, RememberMe: me, Logger: slog.New(slog.DiscardHandler)}, users, local)
	if err != nil {
		t.Fatal(err)
	}
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("POST /login", g.Authenticate("local")(g.LogInWith(guard.LogInOptions{RememberMe: func(*http.Request) bool { return true }})(page)))
	mux.Handle("GET /", g.RequireAuth(page))

	cookie := ""
	send := func(method, path string) {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader("email=joe&password=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if c.Name == "remember" {
				cookie = "remember=" + c.Value
			}
		}
		if w.Code != http.StatusOK {
			t.Fatalf("%s %s: got %d", method, path, w.Code)
		}
	}
	later := func() { // what began in the same millisecond does not end
		for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
			runtime.Gosched()
		}
	}
	send("POST", "/login")
	for range 2 { // loads the scripts
		later()
		send("GET", "/")
	}
	hook := new(pipelines)
	client.AddHook(hook)
	later()
	send("GET", "/")
	want := strings.Join([]string{
		"get",           // the series
		"(evalsha get)", // its next token, and whether all of the user's series have ended
		"evalsha",       // the new session, with its labels
		"(get get)",     // whether the series has ended meanwhile
		"zrangebyscore", // the sessions of the series
		"mget",          // their records
		"evalsha",       // the end of the one before, with its labels
	}, " ")
	if got := hook.take(); got != want {
		t.Errorf("got the trips %q, want %q", got, want)
	}
}
