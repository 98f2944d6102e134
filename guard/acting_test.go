package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// stage is a world in which jen, an administrator, may act as users who are none.
type stage struct {
	*world
	acting  *guard.Acting[*User]
	audited []string
	failure error  // of the audit
	between func() // runs between RequireAuth and Allow
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{world: newWorld(t)}
	acting, err := guard.NewActing(s.Guard, guard.ActingConfig[*User]{
		May: func(actor, user *User) bool { return actor.Admin && !user.Admin },
		Audit: func(_ context.Context, actor, user *User, what string) error {
			if s.failure == nil {
				s.audited = append(s.audited, fmt.Sprintf("%d as %d: %t", actor.ID, user.ID, what == guard.ActingBegan))
			}
			return s.failure
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.acting = acting
	s.table.set(User{ID: 3, Email: "kim@test.com", Pass: password})
	tell := s.Handle(func(rw http.ResponseWriter, r *http.Request) error {
		own, _ := s.User(r.Context())
		page, _ := acting.User(r.Context())
		actor, acts := acting.Actor(r.Context())
		if acts && actor != own {
			t.Errorf("the actor is %v, and the request's user %v", actor, own)
		}
		_, err := fmt.Fprintf(rw, "%v for %v, %t", own, page, acts)
		return err
	})
	allowed := acting.Allow(tell)
	s.mux.Handle("GET /orders", s.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if s.between != nil {
			s.between()
		}
		allowed.ServeHTTP(rw, r)
	})))
	s.mux.Handle("GET /home", s.Restore(allowed))
	s.mux.Handle("GET /early", acting.Allow(s.RequireAuth(tell)))
	s.mux.Handle("/own", acting.RequireSelf(tell))
	s.mux.Handle("POST /begin", s.Restore(s.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		user, err := s.table.check(r.Context(), r.FormValue("as"), password)
		if errors.Is(err, strategy.ErrUnauthenticated) {
			user, err = nil, nil
		}
		if err == nil {
			err = acting.Begin(r, user)
		}
		return err
	})))
	s.mux.Handle("POST /keep", s.RequireAuth(s.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		return session.Key[map[string]string]("passport.acting").SetContext(r.Context(), map[string]string{"actor": "3", "user": "1"})
	})))
	s.mux.Handle("POST /stop", s.Restore(s.Handle(func(_ http.ResponseWriter, r *http.Request) error { return acting.Stop(r) })))
	return s
}

// begins has jen act as joe.
func (s *stage) begins(t testing.TB) *browser.Browser {
	t.Helper()
	b := s.loggedIn("jen@test.com")
	b.Post("/begin", "as", "joe@test.com").Want(t, http.StatusOK, "")
	s.wants(t, b, "&{2 jen", "for &{1 joe", "true")
	return b
}

// wants fails unless the page says all of words.
func (s *stage) wants(t testing.TB, b *browser.Browser, words ...string) {
	t.Helper()
	page := b.Get("/orders")
	for _, word := range words {
		page.Want(t, http.StatusOK, word)
	}
}

func TestAnAdministratorActsAsAUser(t *testing.T) {
	s := newStage(t)
	b := s.begins(t)
	b.Get("/home").Want(t, http.StatusOK, "for &{1 joe")
	b.Get("/own").Want(t, http.StatusForbidden, "")
	b.Get("/early").Want(t, http.StatusOK, "for &{2 jen")             // Allow has no user yet
	b.Post("/begin", "as", "joe@test.com").Want(t, http.StatusOK, "") // the second of two clicks
	b.Post("/begin", "as", "kim@test.com").Want(t, http.StatusOK, "")
	s.wants(t, b, "for &{3 kim")
	for range 2 {
		b.Post("/stop").Want(t, http.StatusOK, "")
	}
	s.wants(t, b, "for &{2 jen", "false")
	b.Get("/own").Want(t, http.StatusOK, "for &{2 jen")
	want := "2 as 1: true, 2 as 1: false, 2 as 3: true, 2 as 3: false"
	if got := strings.Join(s.audited, ", "); got != want {
		t.Errorf("audited: got %q, want %q", got, want)
	}
}

func TestWhoMayNotActDoesNot(t *testing.T) {
	s := newStage(t)
	nobody := browser.New(t, s.mux)
	nobody.Post("/begin", "as", "joe@test.com").Want(t, http.StatusUnauthorized, "")
	nobody.Post("/stop").Want(t, http.StatusOK, "")
	nobody.Get("/own").Want(t, http.StatusUnauthorized, "")
	nobody.Get("/home").Want(t, http.StatusOK, "<nil> for <nil>, false")
	s.loggedIn("joe@test.com").Post("/begin", "as", "kim@test.com").Want(t, http.StatusForbidden, "")
	jen := s.loggedIn("jen@test.com")
	jen.Post("/begin", "as", "jen@test.com").Want(t, http.StatusForbidden, "")
	jen.Post("/begin", "as", "nobody@test.com").Want(t, http.StatusForbidden, "")
	if len(s.audited) > 0 {
		t.Errorf("audited %q, want nothing", s.audited)
	}
}

// TestWhatEndsActing besides Stop.
func TestWhatEndsActing(t *testing.T) {
	for _, row := range []struct {
		name string
		ends func(s *stage, b *browser.Browser)
		want string
	}{
		{"the user is gone", func(s *stage, _ *browser.Browser) { s.table.remove(1) }, "for &{2 jen"},
		{"the actor lost the role", func(s *stage, _ *browser.Browser) {
			s.table.set(User{ID: 2, Email: "jen@test.com", Pass: password})
		}, "for &{2 jen"},
		{"another user logs in to the session", func(s *stage, b *browser.Browser) {
			s.table.set(User{ID: 3, Email: "kim@test.com", Pass: password, Admin: true})
			b.Post("/login", "email", "kim@test.com", "password", password).Want(t, http.StatusOK, "")
		}, "for &{3 kim"},
		{"Node logs another user in and keeps all keys", func(_ *stage, b *browser.Browser) {
			b.Post("/keep").Want(t, http.StatusOK, "")
		}, "for &{2 jen"},
		{"a log-out", func(_ *stage, b *browser.Browser) {
			b.Post("/logout")
			b.Post("/login", "email", "jen@test.com", "password", password).Want(t, http.StatusOK, "")
		}, "for &{2 jen"},
	} {
		s := newStage(t)
		b := s.begins(t)
		row.ends(s, b)
		page := b.Get("/orders")
		if !strings.Contains(page.Text, row.want) || !strings.Contains(page.Text, "false") {
			t.Errorf("%s: got %d %s, want %q", row.name, page.StatusCode, page.Text, row.want)
		}
		b.Get("/own").Want(t, http.StatusOK, "")
	}
}

// TestAnOutageMakesNobodyAnother: neither of the users table nor of the audit.
func TestAnOutageMakesNobodyAnother(t *testing.T) {
	s := newStage(t)
	b := s.begins(t)
	s.failure = errOutage
	b.Post("/stop").Want(t, http.StatusServiceUnavailable, "")
	b.Post("/begin", "as", "kim@test.com").Want(t, http.StatusServiceUnavailable, "")
	s.wants(t, b, "for &{1 joe")
	s.failure = nil
	s.between = func() { s.table.fail(errOutage) }
	b.Get("/orders").Want(t, http.StatusServiceUnavailable, "")
	s.between = nil
	s.table.fail(nil)
	b.Post("/stop").Want(t, http.StatusOK, "")

	s.failure = errOutage
	b.Post("/begin", "as", "joe@test.com").Want(t, http.StatusServiceUnavailable, "")
	s.wants(t, b, "for &{2 jen", "false")
}

// TestWhatMayNotBeIsOver: a right to act that comes back does not make the actor act again, whether or not
// the actor stopped meanwhile.
func TestWhatMayNotBeIsOver(t *testing.T) {
	for _, meanwhile := range []string{"/orders", "/stop"} {
		s := newStage(t)
		b := s.begins(t)
		joe := User{ID: 1, Email: "joe@test.com", Pass: password}
		admin := joe
		admin.Admin = true
		s.table.set(admin)
		if meanwhile == "/stop" {
			b.Post("/stop").Want(t, http.StatusOK, "")
		} else {
			s.wants(t, b, "for &{2 jen", "false")
		}
		s.table.set(joe)
		s.wants(t, b, "for &{2 jen", "false")
	}
}

// TestNobodyActsAfterTheEndThatWasAudited: the store fails when the session is saved.
func TestNobodyActsAfterTheEndThatWasAudited(t *testing.T) {
	s := newStage(t)
	b := s.begins(t)
	for _, request := range [][]string{{"/stop"}, {"/begin", "as", "kim@test.com"}} {
		s.store.failOn("Update")
		b.Post(request[0], request[1:]...).Want(t, http.StatusServiceUnavailable, "")
		s.store.failOn("")
		s.wants(t, b, "for &{1 joe", "true")
		if want := []string{"2 as 1: true"}; !slices.Equal(s.audited, want) {
			t.Errorf("%s: audited %q, want %q", request[0], s.audited, want)
		}
	}
	b.Post("/stop").Want(t, http.StatusOK, "")
	if want := []string{"2 as 1: true", "2 as 1: false"}; !slices.Equal(s.audited, want) {
		t.Errorf("audited %q, want %q", s.audited, want)
	}
}

// buffered is a serializer that returns the same buffer each time.
type buffered struct {
	serializer.Serializer[*User]
	buffer []byte
}

func (s *buffered) Serialize(_ context.Context, u *User) (json.RawMessage, error) {
	s.buffer = strconv.AppendInt(s.buffer[:0], int64(u.ID), 10)
	return s.buffer, nil
}

// TestActingWithASerializerThatReusesItsBuffer: the ids of the two users are kept apart.
func TestActingWithASerializerThatReusesItsBuffer(t *testing.T) {
	w := newWorld(t)
	users := &buffered{serializer.ByID(func(u *User) int { return u.ID }, w.table.byID), make([]byte, 0, 8)}
	auth, err := guard.New(guard.Config{Sessions: w.sessions, SessionKey: "staff"}, users, strategy.NewLocal(w.table.check))
	if err != nil {
		t.Fatal(err)
	}
	acting, err := guard.NewActing(auth, guard.ActingConfig[*User]{May: func(_, _ *User) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /staff", auth.Authenticate("local")(auth.LogIn(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
	w.mux.Handle("POST /begin", auth.RequireAuth(auth.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		return acting.Begin(r, &User{ID: 1})
	})))
	w.mux.Handle("GET /orders", auth.RequireAuth(acting.Allow(auth.Handle(func(rw http.ResponseWriter, r *http.Request) error {
		u, _ := acting.User(r.Context())
		_, err := fmt.Fprint(rw, u.Email)
		return err
	}))))
	b := w.open()
	b.Post("/staff", "email", "jen@test.com", "password", password).Want(t, http.StatusOK, "")
	b.Post("/begin").Want(t, http.StatusOK, "")
	b.Get("/orders").Want(t, http.StatusOK, "joe@test.com")
}

func TestNewActingNamesItsMistakes(t *testing.T) {
	_, err := guard.NewActing[*User](nil, guard.ActingConfig[*User]{})
	for _, want := range []string{"the guard is nil or has no sessions", "May is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	acting := newStage(t).acting
	for name, wrap := range map[string]func(http.Handler) http.Handler{"Allow": acting.Allow, "RequireSelf": acting.RequireSelf} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of a handler that is nil does not panic", name)
				}
			}()
			wrap(nil)
		}()
	}
}

// TestActingWithoutAnAudit: nil stores nothing.
func TestActingWithoutAnAudit(t *testing.T) {
	w := newWorld(t)
	acting, err := guard.NewActing(w.Guard, guard.ActingConfig[*User]{May: func(_, _ *User) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /begin", w.RequireAuth(w.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		return acting.Begin(r, &User{ID: 1})
	})))
	w.mux.Handle("/own", acting.RequireSelf(http.NotFoundHandler()))
	b := w.loggedIn("jen@test.com")
	b.Post("/begin").Want(t, http.StatusOK, "")
	b.Get("/own").Want(t, http.StatusForbidden, "")
}

// TestActingNeedsTheSession of the guard: without its middleware the program is wrong.
func TestActingNeedsTheSession(t *testing.T) {
	s := newStage(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/begin", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.acting.Begin(r, &User{ID: 1}); !errors.Is(err, strategy.ErrUnauthenticated) && !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("got %v, want an error", err)
	}
}
