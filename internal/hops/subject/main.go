// Command subject is the application that the command hops measures. It is built with coverage counters.
// For each store and kind of request it sends one request to warm up and a second one like it, and writes
// the counters of the second to a folder below its argument. The store has no other sessions: otherwise the
// memory store, which distributes them at random, would in some runs compare two in one part.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/coverage"
	"runtime/debug"
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
)

type user struct {
	id       int
	password string
}

func main() {
	runtime.GOMAXPROCS(1) // so that the second request finds in a pool what the first one left there
	debug.SetGCPercent(-1)
	server, err := miniredis.Run()
	check(err)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	memory, err := store.Memory(store.MemoryConfig{})
	check(err)
	overRedis, err := store.Redis(client, store.RedisConfig{Name: "test"})
	check(err)
	for _, kind := range []struct {
		name  string
		store session.Store
	}{{"memory", memory.Sessions}, {"redis", overRedis.Sessions}} {
		app, end := application(kind.store)
		for _, flow := range []string{"get", "login", "logout"} {
			send(app, prepare(app, flow))
			end()
			counted := prepare(app, flow)
			check(coverage.ClearCounters())
			send(app, counted)
			dir := filepath.Join(os.Args[1], kind.name, flow)
			check(os.MkdirAll(dir, 0o700)) //nolint:gosec // the folder that hops made
			check(coverage.WriteCountersDir(dir))
			check(coverage.WriteMetaDir(dir))
			end()
		}
	}
	check(client.Close())
	server.Close()
}

// application has the routes of examples/server; its log-in neither counts guesses nor hashes.
// end ends all its sessions.
func application(records session.Store) (app http.Handler, end func()) {
	quiet := slog.New(slog.DiscardHandler)
	sessions, err := session.New(session.Config{Store: records, Codec: session.SecureCookie("a made-up secret of 32 bytes or more"), Logger: quiet})
	check(err)
	joe := &user{1, "Passw0rd!"}
	local := strategy.NewLocal(func(_ context.Context, _, password string) (*user, error) {
		if password != joe.password {
			return nil, strategy.ErrUnauthenticated
		}
		return joe, nil
	})
	ids := serializer.WithStamp(
		serializer.ByID(func(u *user) int { return u.id }, func(context.Context, int) (*user, error) { return joe, nil }),
		func(u *user) string { return u.password },
	)
	auth, err := guard.New(guard.Config{Sessions: sessions, Logger: quiet}, ids, local)
	check(err)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := auth.User(r.Context())
		fmt.Fprintln(w, "hello", u)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /", auth.RequireAuth(page))
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(page)))
	mux.Handle("POST /logout", auth.LogOut(page))
	return mux, func() {
		_, err := auth.LogOutEverywhere(context.Background(), joe)
		check(err)
	}
}

// prepare returns the request of flow, from a new browser.
func prepare(app http.Handler, flow string) *http.Request {
	logIn := httptest.NewRequestWithContext(context.Background(), "POST", "https://app.example/login", strings.NewReader("email=joefoo@test.com&password=Passw0rd!"))
	logIn.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if flow == "login" {
		return logIn
	}
	r := httptest.NewRequestWithContext(context.Background(), "GET", "https://app.example/", nil)
	if flow == "logout" {
		r = httptest.NewRequestWithContext(context.Background(), "POST", "https://app.example/logout", nil)
	}
	for _, c := range send(app, logIn) {
		r.AddCookie(c)
	}
	return r
}

// send returns the cookies of the response to r.
func send(app http.Handler, r *http.Request) []*http.Cookie {
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		log.Fatalf("%s %s: status %d: %s", r.Method, r.URL.Path, w.Code, w.Body) //nolint:gosec // a request made here
	}
	return w.Result().Cookies()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
