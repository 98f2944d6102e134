package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// mixedApp is the program of the part mixed. Its users are the positive numbers, all with the same password.
func mixedApp(options *redis.Options) http.Handler {
	redis.SetLogger(silent{}) // go-redis logs every failed connection
	sessions := must(session.New(session.Config{
		Store: passportStores("passport", options).Sessions, Codec: session.Express(secret), InsecureHTTP: true,
		Logger: slog.New(slog.DiscardHandler),
	}))
	users := serializer.ByID(func(u int) int { return u }, func(_ context.Context, id int) (int, error) { return id, nil })
	local := strategy.NewLocal(func(_ context.Context, name, given string) (int, error) {
		if user, err := strconv.Atoi(name); err == nil && user > 0 && given == passphrase {
			return user, nil
		}
		return 0, strategy.ErrUnauthenticated
	})
	auth := must(guard.New(guard.Config{Sessions: sessions, Logger: slog.New(slog.DiscardHandler)}, users, local))
	const cart session.Key[string] = "cart"
	done := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })
	guarded := func(do func(r *http.Request, user int) (string, error)) http.Handler {
		return auth.RequireAuth(auth.Handle(func(w http.ResponseWriter, r *http.Request) error {
			user, _ := auth.User(r.Context())
			answer, err := do(r, user)
			if err == nil {
				_, _ = io.WriteString(w, answer)
			}
			return err
		}))
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogIn(done)))
	mux.Handle("POST /logout", auth.LogOut(done))
	mux.Handle("POST /everywhere", guarded(func(r *http.Request, user int) (string, error) {
		n, err := auth.LogOutEverywhere(r.Context(), user)
		return strconv.Itoa(n), err
	}))
	mux.Handle("GET /devices", guarded(func(r *http.Request, user int) (string, error) {
		list, err := auth.Sessions(r.Context(), user)
		return strconv.Itoa(len(list)), err
	}))
	mux.Handle("GET /cart", guarded(func(r *http.Request, user int) (string, error) {
		value, _, err := cart.GetContext(r.Context())
		return fmt.Sprintf("%d %s", user, value), err
	}))
	mux.Handle("POST /write", guarded(func(r *http.Request, _ int) (string, error) {
		return "done", cart.SetContext(r.Context(), r.PostFormValue("v"))
	}))
	return mux
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// resources reports the heap in bytes after a garbage collection, the goroutines and the sockets of the
// process.
func resources(w http.ResponseWriter, _ *http.Request) {
	goroutines := runtime.NumGoroutine() // counted before the collection starts its own
	size := heap()
	sockets := 0
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for _, f := range files {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			sockets++
		}
	}
	fmt.Fprintln(w, size, goroutines, sockets)
}
