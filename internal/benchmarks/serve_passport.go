package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// passportStores returns the stores for the named variant of this library's stack.
func passportStores(name string, options *redis.Options) *store.RedisStores {
	client := redis.NewClient(options)
	cfg := store.RedisConfig{Name: "benchmark"}
	switch name {
	case "passport-alone":
		cfg.NoBatches = true
	case "passport-pipeline":
		cfg.Reads = must(client.AsyncAutoPipeline())
	case "passport-cache":
		cached := *options
		cached.Protocol = 3
		cached.ClientSideCacheConfig = &redis.ClientSideCacheConfig{}
		cfg.Reads = redis.NewClient(&cached)
	}
	return must(store.Redis(client, cfg))
}

// passportApp is this library's stack on a store.
func passportApp(name string, st session.Store) http.Handler {
	codec := session.Express(secret)
	if name == "passport-securecookie" {
		codec = session.SecureCookie(secret)
	}
	return passportRoutes(name, session.Config{Store: st, Codec: codec, InsecureHTTP: true}, nil, local())
}

// rememberApp is passportApp with RememberMe.
func rememberApp(stores *store.RedisStores) http.Handler {
	me := must(remember.New(remember.Config{Cells: stores.Cells, Secrets: []string{secret}, InsecureHTTP: true}))
	cfg := session.Config{Store: stores.Sessions, Codec: session.Express(secret), InsecureHTTP: true}
	return passportRoutes("passport-remember", cfg, me, local())
}

func local() strategy.Strategy[*user] {
	return strategy.NewLocal(func(_ context.Context, email, given string) (*user, error) {
		if u := byPassword(email, given); u != nil {
			return u, nil
		}
		return nil, strategy.ErrUnauthenticated
	})
}

func passportRoutes(name string, cfg session.Config, me *remember.Service, local strategy.Strategy[*user]) http.Handler {
	sessions := must(session.New(cfg))
	users := serializer.ByID(func(u *user) int { return u.ID }, func(_ context.Context, id int) (*user, error) {
		if u := byID(id); u != nil {
			return u, nil
		}
		return nil, serializer.ErrUserGone
	})
	auth := must(guard.New(guard.Config{Sessions: sessions, RememberMe: me, Logger: slog.New(slog.DiscardHandler)}, users, local))
	logIn := guard.LogInOptions{}
	if me != nil {
		logIn.RememberMe = func(*http.Request) bool { return true }
	}
	const cart session.Key[string] = "cart"
	protected := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := auth.User(r.Context()); !ok || u.ID != joe.ID {
			http.Error(w, "nobody", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, protectedAnswer)
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /public", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, publicAnswer) })
	mux.Handle("GET /protected", protect(name, sessions, auth, protected))
	mux.Handle("POST /login", auth.Authenticate("local")(auth.LogInWith(logIn)(protected)))
	mux.Handle("POST /logout", auth.LogOut(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })))
	mux.Handle("POST /write", auth.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = cart.Set(s, r.PostFormValue("v"))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "done")
	})))
	return mux // guards load the session themselves, so a public page needs no middleware
}

// protect wraps page in RequireAuth, or for some names only in a part of it, so that the cost of each part
// can be seen.
func protect(name string, sessions *session.Manager, auth *guard.Guard[*user], page http.Handler) http.Handler {
	plain := func(w http.ResponseWriter) { _, _ = io.WriteString(w, protectedAnswer) }
	switch name {
	case "passport-unused":
		return sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { plain(w) }))
	case "passport-session":
		return sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, err := session.FromContext(r.Context()); err != nil || s.IsNew() {
				http.Error(w, "no session", http.StatusServiceUnavailable)
				return
			}
			plain(w)
		}))
	}
	return auth.RequireAuth(page)
}
