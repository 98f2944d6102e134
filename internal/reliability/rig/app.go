// Package rig is a program that uses this library the way a team would, for tests that cause the troubles
// of production to it and to its store.
package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/subprocess"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// Cookie is the name of the session's cookie.
const Cookie = "sid"

// App is the program. Its users are the numbers above 0; no password is needed. Besides the routes of
// package scenario it has a second guard, under /admin/login, /admin/logout and /admin/me, and GET /public,
// which uses no session.
type App struct {
	http.Handler
	Users    *guard.Guard[int]
	Admins   *guard.Guard[int]
	Sessions *session.Manager
}

// New returns the program on st. edit changes the sessions' configuration.
func New(st session.Store, edit ...func(*session.Config)) (*App, error) {
	quiet := slog.New(slog.DiscardHandler)
	cfg := session.Config{
		Store: st, Codec: session.SecureCookie("a made-up secret of 32 bytes or more"),
		Name: Cookie, InsecureHTTP: true, Logger: quiet,
		StoreTimeout: subprocess.Patience, // so that a busy machine does not look like an outage
	}
	for _, e := range edit {
		e(&cfg)
	}
	sessions, err := session.New(cfg)
	if err != nil {
		return nil, err
	}
	named := strategy.Func("named", func(_ http.ResponseWriter, r *http.Request) (int, error) {
		user, err := strconv.Atoi(r.URL.Query().Get("user"))
		if err != nil || user <= 0 {
			return 0, strategy.ErrUnauthenticated
		}
		return user, nil
	})
	byID := serializer.ByID(func(u int) int { return u }, func(_ context.Context, id int) (int, error) { return id, nil })
	a := &App{Sessions: sessions}
	if a.Users, err = guard.New(guard.Config{Sessions: sessions, Logger: quiet}, byID, named); err != nil {
		return nil, err
	}
	if a.Admins, err = guard.New(guard.Config{Sessions: sessions, Logger: quiet, SessionKey: "admin"}, byID, named); err != nil {
		return nil, err
	}
	a.Handler = a.routes()
	return a, nil
}

func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	for prefix, g := range map[string]*guard.Guard[int]{"": a.Users, "/admin": a.Admins} {
		mux.Handle("POST "+prefix+"/login", g.Authenticate()(g.LogIn(ok)))
		mux.Handle("POST "+prefix+"/logout", g.LogOut(ok))
		mux.Handle("GET "+prefix+"/me", g.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, _ := g.User(r.Context())
			fmt.Fprint(w, user)
		})))
	}
	mux.Handle("POST /renew", a.changing(func(r *http.Request, s *session.Session) error { return s.Renew(r.Context()) }))
	mux.Handle("POST /set", a.changing(func(r *http.Request, s *session.Session) error {
		q := r.URL.Query()
		return session.Key[string](q.Get("key")).Set(s, q.Get("value"))
	}))
	mux.Handle("POST /add", a.changing(func(_ *http.Request, s *session.Session) error {
		return session.Key[int]("n").Update(s, func(n int) (int, error) { return n + 1, nil })
	}))
	mux.Handle("GET /data", a.Users.RequireAuth(http.HandlerFunc(a.data)))
	mux.HandleFunc("GET /public", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "public") })
	return mux
}

// changing returns a route for users that changes the session, waits as long as the request's hold says in
// microseconds, and answers.
func (a *App) changing(change func(*http.Request, *session.Session) error) http.Handler {
	return a.Users.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = change(r, s)
		}
		if err != nil {
			a.Users.Error(w, r, err)
			return
		}
		if hold, err := strconv.Atoi(r.URL.Query().Get("hold")); err == nil {
			time.Sleep(time.Duration(hold) * time.Microsecond)
		}
		fmt.Fprint(w, "ok")
	}))
}

// data answers the values of the session as strings.
func (a *App) data(w http.ResponseWriter, r *http.Request) {
	s, err := session.FromContext(r.Context())
	if err != nil {
		a.Users.Error(w, r, err)
		return
	}
	values := map[string]string{}
	for _, name := range s.Keys() {
		raw, _, err := session.Key[json.RawMessage](name).Get(s)
		if err != nil {
			a.Users.Error(w, r, err)
			return
		}
		text := string(raw)
		if unquoted, err := strconv.Unquote(text); err == nil {
			text = unquoted
		}
		values[name] = text
	}
	_ = json.NewEncoder(w).Encode(values) // an error means that the client has gone
}
