package guard_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// stale is a store whose Get answers from a replica that lags behind.
type stale struct {
	*switchable
	replica map[string][]byte
}

func (s *stale) Get(ctx context.Context, id string) ([]byte, error) {
	if data, ok := s.replica[id]; ok {
		return data, nil
	}
	data, err := s.switchable.Get(ctx, id)
	if err == nil {
		s.replica[id] = data
	}
	return data, err
}

func (s *stale) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	return s.switchable.Get(ctx, id)
}

// lagging returns a guard whose sessions are read from a replica.
func (w *world) lagging() (*guard.Guard[*User], *session.Manager) {
	w.t.Helper()
	replica := &stale{w.store, map[string][]byte{}}
	sessions, err := session.New(session.Config{Store: replica, Codec: session.SecureCookie(secret), Logger: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := guard.New(guard.Config{Sessions: sessions, Logger: w.logger()}, w.table.stamped(), strategy.NewLocal(w.table.check))
	if err != nil {
		w.t.Fatal(err)
	}
	return g, sessions
}

// TestS17_FreshnessIsNotReadFromAReplica, and neither is the session for RequireUncached.
func TestS17_FreshnessIsNotReadFromAReplica(t *testing.T) {
	w := newWorld(t)
	g, sessions := w.lagging()
	mux := http.NewServeMux()
	count := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, _, err := session.Key[int]("n").Get(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(rw, "n=", n)
	})
	counted := func(next http.Handler) http.Handler {
		return sessions.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			s, err := session.FromContext(r.Context())
			if err == nil {
				err = session.Key[int]("n").Update(s, func(n int) (int, error) { return n + 1, nil })
			}
			if err != nil {
				t.Error(err)
			}
			next.ServeHTTP(rw, r)
		}))
	}
	mux.Handle("POST /login", g.Authenticate("local")(g.LogIn(count)))
	mux.Handle("/cached", g.RequireAuth(count))
	mux.Handle("/uncached", g.RequireUncached(count))
	mux.Handle("/fresh", g.RequireFresh(time.Hour)(count))
	mux.Handle("/layered", g.RequireAuth(g.RequireUncached(count)))
	mux.Handle("/counted", counted(g.RequireFresh(time.Hour)(count)))
	b := browser.New(t, mux)
	logIn(b, "joe@test.com").Want(t, 200, "n=0")
	b.Get("/cached").Want(t, 200, "n=0")
	b.Get("/counted").Want(t, 200, "n=1")
	b.Get("/cached").Want(t, 200, "n=0") // the replica lags
	b.Get("/uncached").Want(t, 200, "n=1")
	b.Get("/counted").Want(t, 200, "n=2") // the change is applied to the primary's record
	b.Get("/fresh").Want(t, 200, "n=2")

	if n, err := w.LogOutEverywhere(t.Context(), &User{ID: 1}); err != nil || n != 1 {
		t.Fatalf("got %d, %v, want 1 session ended", n, err)
	}
	b.Get("/cached").Want(t, 200, "") // the application chose to read the replica here
	for _, path := range []string{"/layered", "/uncached", "/fresh", "/counted"} {
		b.Get(path).Want(t, 401, "")
	}
	w.store.fail(errOutage)
	for _, path := range []string{"/uncached", "/fresh"} {
		b.Get(path).Want(t, 503, "")
	}
}

func TestAReReadFindsWhoIsLoggedInNow(t *testing.T) {
	w := newWorld(t)
	g, _ := w.lagging()
	mux := http.NewServeMux()
	mux.Handle("POST /login", g.Authenticate("local")(g.LogIn(whoami(g))))
	mux.Handle("/cached", g.RequireAuth(whoami(g)))
	mux.Handle("/layered", g.RequireAuth(g.RequireUncached(whoami(g))))
	b := browser.New(t, mux)
	logIn(b, "joe@test.com").Want(t, 200, "joe@test.com")
	b.Get("/cached").Want(t, 200, "joe@test.com")
	w.store.rewrite(t, func(record string) string { return strings.Replace(record, `"user":1`, `"user":2`, 1) }) // by Node
	b.Get("/cached").Want(t, 200, "joe@test.com")
	b.Get("/layered").Want(t, 200, "jen@test.com")
}

// TestS17_WhatChangesASessionIsNotDecidedByAReplica, which does not know another guard's log-in yet.
func TestS17_WhatChangesASessionIsNotDecidedByAReplica(t *testing.T) {
	for _, row := range []struct {
		name, path string
		admin      bool // whether the other guard's user is logged in afterwards
	}{
		{"a log-in keeps another guard's log-in", "/login/admin", true},
		{"a log-out spares it, and gives the session a new id", "/logout/admin", false},
		{"a renewal gives it a new id", "/renew", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			sessions, err := session.New(session.Config{Store: unaware{w.store}, Codec: session.SecureCookie(secret), Logger: w.logger()})
			if err != nil {
				t.Fatal(err)
			}
			admins, err := guard.New(guard.Config{Sessions: sessions, SessionKey: "admin", Logger: w.logger()}, w.table.stamped(), strategy.NewLocal(w.table.check))
			if err != nil {
				t.Fatal(err)
			}
			users, err := guard.New(guard.Config{Sessions: sessions, Logger: w.logger()}, w.table.stamped())
			if err != nil {
				t.Fatal(err)
			}
			w.mux.Handle("/uncached", users.RequireUncached(whoami(users)))
			w.mux.Handle("POST /login/admin", admins.Authenticate("local")(admins.LogIn(w.hello())))
			w.mux.Handle("POST /logout/admin", admins.LogOut(w.hello()))
			w.mux.Handle("POST /renew", sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				if err == nil {
					err = s.Renew(r.Context())
				}
				if err != nil {
					t.Error(err)
				}
			})))
			b := w.loggedIn("joe@test.com")
			b.Get("/uncached").Want(t, 200, "joe@test.com")
			before := w.records()
			b.Post(row.path, "email", "joe@test.com", "password", password).Want(t, 200, "")
			after := w.records()
			if len(before) != 1 || len(after) != 1 {
				t.Fatalf("got %d records, then %d, want one", len(before), len(after))
			}
			for id, data := range after {
				if before[id] != "" {
					t.Error("the session keeps its id")
				}
				for key, want := range map[string]bool{"passport": true, "admin": row.admin} {
					if got := strings.Contains(data, `"`+key+`":{"user":1`); got != want {
						t.Errorf("%s: got %v, want %v in %s", key, got, want, data)
					}
				}
			}
		})
	}
}

// records returns what the store has, by id.
func (w *world) records() map[string]string {
	w.t.Helper()
	list := map[string]string{}
	for r, err := range w.store.All(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		list[r.ID] = string(r.Data)
	}
	return list
}

// unaware is a store whose Get asks a replica that is still empty.
type unaware struct{ *switchable }

func (unaware) Get(context.Context, string) ([]byte, error) { return nil, session.ErrNotFound }
