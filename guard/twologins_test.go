package guard_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// outcomes returns the events since the last time, each with its user and outcome.
func (w *world) outcomes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		list = append(list, fmt.Sprintf("%s %s %s", e.Name, e.User, e.Outcome))
	}
	w.events = nil
	return strings.Join(list, ", ")
}

// bothLogIns makes a browser, in which before is logged in unless it is empty, send one request that logs
// joe in, remembered, and then calls the functions then. It compares the events and returns the browser.
func bothLogIns(t *testing.T, name, before, want string, then ...func(*world, *http.Request) error) *browser.Browser {
	t.Helper()
	w := newRememberWorld(t)
	w.table.set(User{ID: 3, Email: "jim@test.com", Pass: password})
	w.mux.Handle("POST /both", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, err := w.LogInContext(r.Context(), joe, always)
		for _, f := range then {
			if err == nil {
				err = f(w.world, r)
			}
		}
		if err != nil {
			w.Error(rw, r, err)
		}
	})))
	b := w.open()
	if before != "" {
		logIn(b, before).Want(t, 200, "")
	}
	w.outcomes()
	b.Post("/both").Want(t, 200, "")
	if got := w.outcomes(); got != want {
		t.Errorf("%s: got events %q, want %q", name, got, want)
	}
	return b
}

// TestOfTwoLogInsInOneRequestTheLastOneCounts: the first was never stored, so no event reports it, nothing
// replaced it, and no browser is remembered for it.
func TestOfTwoLogInsInOneRequestTheLastOneCounts(t *testing.T) {
	for _, row := range []struct{ name, before, want string }{
		{"a visitor", "", "session_created 1 error, session_created 2 success"},
		{"who was a third user", "jim@test.com", "session_created 1 error, session_created 2 success, session_expired 3 success"},
	} {
		b := bothLogIns(t, row.name, row.before, row.want, func(w *world, r *http.Request) error {
			_, err := w.LogInContext(r.Context(), &User{ID: 2, Email: "jen@test.com", Pass: password}, guard.LogInOptions{})
			return err
		})
		b.Get("/me").Want(t, 200, "hello jen")
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 401, "")
	}
}

// TestWhatBecameOfALogInIsItsOwn: with two log-ins in one request, whatever happens between them, each
// event reports the result of its own log-in, only stored ones are replaced or end, and the browser is not
// remembered for one that is over.
func TestWhatBecameOfALogInIsItsOwn(t *testing.T) {
	jen := &User{ID: 2, Email: "jen@test.com", Pass: password}
	save := func(w *world, r *http.Request) error {
		s, err := w.sessions.Session(r.Context())
		if err != nil {
			return err
		}
		return s.Save(r.Context())
	}
	out := func(w *world, r *http.Request) error { return w.LogOutUser(r) }
	in := func(w *world, r *http.Request) error { return w.LogInUser(r, jen) }
	for _, row := range []struct {
		name, before string
		then         []func(*world, *http.Request) error
		status       int
		want         string
	}{
		{"a Save between", "", []func(*world, *http.Request) error{save, in}, 200,
			"session_created 1 success, session_created 2 success, session_expired 1 success"},
		{"a log-out between", "", []func(*world, *http.Request) error{out, in}, 200,
			"session_created 1 error, session_created 2 success"},
		{"a log-out between, of who was a third user", "jim@test.com", []func(*world, *http.Request) error{out, in}, 200,
			"session_created 1 error, session_expired 3 success, session_created 2 success"},
		{"a Save and a log-out between", "", []func(*world, *http.Request) error{save, out, in}, 200,
			"session_created 1 success, session_expired 1 success, session_created 2 success"},
		{"a log-out and nobody after it", "", []func(*world, *http.Request) error{out}, 401, "session_created 1 error"},
		{"a Save, a log-out and nobody after it", "", []func(*world, *http.Request) error{save, out}, 401,
			"session_created 1 success, session_expired 1 success"},
	} {
		b := bothLogIns(t, row.name, row.before, row.want, row.then...)
		if got := b.Get("/me").StatusCode; got != row.status {
			t.Errorf("%s: got %d, want %d", row.name, got, row.status)
		}
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 401, "")
	}
}

// TestTwoLogInsOfOneUserInOneRequestAreOneEvent, unless a commit has stored the first one before: then
// there are two sessions.
func TestTwoLogInsOfOneUserInOneRequestAreOneEvent(t *testing.T) {
	again := func(w *world, r *http.Request) error { return w.LogInUser(r, joe) }
	jen := func(w *world, r *http.Request) error {
		return w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password})
	}
	with := func(do func(*session.Session, context.Context) error) func(*world, *http.Request) error {
		return func(w *world, r *http.Request) error {
			s, err := w.sessions.Session(r.Context())
			if err != nil {
				return err
			}
			return do(s, r.Context())
		}
	}
	save, reload, destroy := with((*session.Session).Save), with((*session.Session).Reload), with((*session.Session).Destroy)
	regenerate := with(func(s *session.Session, ctx context.Context) error { return s.Regenerate(ctx) })
	fails := func(w *world, r *http.Request) error {
		if _, err := w.LogInContext(r.Context(), joe, guard.LogInOptions{SuccessFlash: strings.Repeat("x", 2<<20)}); err == nil {
			return errors.New("the log-in did not fail")
		}
		return nil
	}
	const dropped = "session_created 1 error, session_created 1 success"
	for _, row := range []struct {
		name, before string
		then         []func(*world, *http.Request) error
		want         string
	}{
		{"a visitor", "", []func(*world, *http.Request) error{again}, "session_created 1 success"},
		{"three", "", []func(*world, *http.Request) error{again, again}, "session_created 1 success"},
		{"the session's own user", "joe@test.com", []func(*world, *http.Request) error{again}, "session_renewed 1 success"},
		{"another user", "jen@test.com", []func(*world, *http.Request) error{again}, "session_created 1 success, session_expired 2 success"},
		{"a Save between", "", []func(*world, *http.Request) error{save, again}, "session_created 1 success, session_renewed 1 success"},
		{"two Saves between, of the session's own user", "joe@test.com", []func(*world, *http.Request) error{save, again, save, again},
			"session_renewed 1 success, session_renewed 1 success, session_renewed 1 success"},
		{"another user between", "", []func(*world, *http.Request) error{jen, again}, "session_created 1 error, session_created 2 error, session_created 1 success"},
		{"a Regenerate between", "", []func(*world, *http.Request) error{regenerate, again}, dropped},
		{"a Destroy between", "", []func(*world, *http.Request) error{destroy, again}, dropped},
		{"a Reload between", "", []func(*world, *http.Request) error{reload, again}, dropped},
		{"a Reload between, of another user's session", "jen@test.com", []func(*world, *http.Request) error{reload, again}, dropped + ", session_expired 2 success"},
		{"a Reload between, of the session's own user", "joe@test.com", []func(*world, *http.Request) error{reload, again}, "session_renewed 1 error, session_renewed 1 success"},
		{"a Reload after two", "", []func(*world, *http.Request) error{again, reload, again}, dropped},
		{"a log-in that fails after two", "", []func(*world, *http.Request) error{again, fails, again}, dropped},
		{"a log-in that fails after it, of the session's own user", "joe@test.com", []func(*world, *http.Request) error{fails, again}, "session_renewed 1 error, session_renewed 1 success"},
		{"a log-in that fails after it", "", []func(*world, *http.Request) error{fails, again}, dropped},
	} {
		bothLogIns(t, row.name, row.before, row.want, row.then...).Get("/me").Want(t, 200, "hello joe")
	}

	w := newWorld(t)
	w.mux.Handle("POST /saved", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		err := cmp.Or(again(w, r), save(w, r))
		w.store.failOn("Create")
		if err := cmp.Or(err, again(w, r)); err != nil {
			w.Error(rw, r, err)
		}
	})))
	b := w.loggedIn("joe@test.com")
	w.outcomes()
	b.Post("/saved").Want(t, 503, "")
	if got, want := w.outcomes(), "session_renewed 1 success, session_renewed 1 error"; !strings.HasPrefix(got, want) {
		t.Errorf("an outage after a Save: got events %q, want %q first", got, want)
	}

	w = newWorld(t)
	w.second.user, w.second.err = joe, nil
	w.mux.Handle("POST /both", w.Authenticate("local")(w.LogIn(w.Authenticate("totp")(w.LogIn(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := again(w, r); err != nil {
			w.Error(rw, r, err)
		}
	}))))))
	const found = "authn_login_success 1 success, authn_login_success 1 success, "
	w.open().Post("/both", "email", "joe@test.com", "password", password).Want(t, 200, "")
	if got, want := w.outcomes(), found+"session_created 1 success"; got != want {
		t.Errorf("two strategies: got events %q, want %q", got, want)
	}
	w.store.failOn("Create")
	w.open().Post("/both", "email", "joe@test.com", "password", password).Want(t, 503, "")
	if got, want := w.outcomes(), found+"session_created 1 error"; !strings.HasPrefix(got, want) || strings.Count(got, "session_created") != 1 {
		t.Errorf("an outage: got events %q, want %q first and no other session_created", got, want)
	}
}

// TestALogInThatASaveDroppedIsNone: the session that it renews had ended, so the log-in after it is a new
// one.
func TestALogInThatASaveDroppedIsNone(t *testing.T) {
	w := newRememberWorld(t)
	w.mux.Handle("POST /both", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil {
			_, err = w.LogInContext(r.Context(), joe, always)
		}
		if err == nil {
			_, err = w.LogOutEverywhere(r.Context(), joe)
		}
		if err != nil || !errors.Is(s.Save(r.Context()), session.ErrSessionEnded) {
			t.Errorf("got %v, want none, and ErrSessionEnded for Save", err)
		}
		w.Authenticate("local")(w.LogIn(w.hello())).ServeHTTP(rw, r)
	})))
	b := w.loggedIn("joe@test.com")
	b.Post("/both", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
	want := "session_expired 1 success, authn_login_success 1 success, session_renewed 1 error, session_created 1 success"
	if got := w.outcomes(); got != want {
		t.Errorf("got events %q, want %q", got, want)
	}
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 401, "")
}

// TestOfTwoChainsInOneRequestTheLastOneCounts: a second chain that finds another user before the first
// log-in was stored replaces it, including its series.
func TestOfTwoChainsInOneRequestTheLastOneCounts(t *testing.T) {
	w := newRememberWorld(t)
	w.second.user, w.second.err = &User{ID: 2, Email: "jen@test.com", Pass: password}, nil
	w.mux.Handle("POST /both", w.Authenticate("local")(w.LogInWith(always)(w.Authenticate("totp")(w.LogIn(w.hello())))))
	b := w.open()
	b.Post("/both", "email", "joe@test.com", "password", password).Want(t, 200, "hello jen")
	want := "authn_login_success 1 success, authn_login_success 2 success, session_created 1 error, session_created 2 success"
	if got := w.outcomes(); got != want {
		t.Errorf("got events %q, want %q", got, want)
	}
	b.SetCookie(sid, "")
	b.Get("/me").Want(t, 401, "")
}

// TestMaxSessionsCountsTheLogInThatIsStored: not one that the same request replaced or ended, and one for
// each guard.
func TestMaxSessionsCountsTheLogInThatIsStored(t *testing.T) {
	jen := &User{ID: 2, Email: "jen@test.com", Pass: password}
	for _, row := range []struct {
		name string
		do   func(r *http.Request, g, admin *guard.Guard[*User]) error
		want string // the status and the number of Joe's sessions; one is allowed
	}{
		{"replaced by a pending one", func(r *http.Request, g, _ *guard.Guard[*User]) error {
			return cmp.Or(g.LogInUser(r, joe), g.LogInUser(r, jen))
		}, "200 1"},
		{"taken back beside another guard's", func(r *http.Request, g, admin *guard.Guard[*User]) error {
			return cmp.Or(admin.LogInUser(r, jen), g.LogInUser(r, joe), g.LogOutUser(r))
		}, "200 1"},
		{"beside another guard's", func(r *http.Request, g, admin *guard.Guard[*User]) error {
			return cmp.Or(g.LogInUser(r, joe), admin.LogInUser(r, jen))
		}, "200 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(c *guard.Config) {
					c.MaxSessions = 1
					c.Factors = guard.FactorsOf(func(_ context.Context, u *User) ([]string, error) {
						if u.ID == jen.ID {
							return []string{"totp"}, nil
						}
						return nil, nil
					})
				})
				admin := w.guard("admin", func(c *guard.Config) { c.MaxSessions = 1 })
				w.mux.Handle("POST /both", w.Restore(admin.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if err := row.do(r, w.Guard, admin); err != nil {
						w.Error(rw, r, err)
					}
				}))))
				w.loggedIn("joe@test.com") // on another device
				pass(time.Second)
				status := w.open().Post("/both").StatusCode
				list, err := w.Sessions(t.Context(), joe)
				if got := fmt.Sprint(status, " ", len(list)); got != row.want || err != nil {
					t.Errorf("got %s and %v, want %s", got, err, row.want)
				}
			})
		})
	}
}

// TestALogInThatIsStoredAtOnceTellsOfTheOneBefore: RefuseMore stores the second one before its event is
// sent.
func TestALogInThatIsStoredAtOnceTellsOfTheOneBefore(t *testing.T) {
	w := newRememberWorld(t, refuseMore(1))
	w.mux.Handle("POST /both", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := w.LogInUser(r, joe); err != nil {
			t.Error(err)
		}
		w.Authenticate("local")(w.LogIn(w.hello())).ServeHTTP(rw, r)
	})))
	b := w.loggedIn("joe@test.com")
	w.outcomes()
	b.Post("/both", "email", "joe@test.com", "password", password).Want(t, 200, "hello joe")
	if got, want := w.outcomes(), "authn_login_success 1 success, session_created 1 success"; got != want {
		t.Errorf("got events %q, want %q", got, want)
	}
}

// TestASeriesIsKnownAfterALogInThatFailed: the log-in that began it was stored before. The next log-in
// continues or ends it.
func TestASeriesIsKnownAfterALogInThatFailed(t *testing.T) {
	for _, goesOn := range []bool{true, false} {
		w := newRememberWorld(t)
		w.mux.Handle("POST /in", w.afterLogIn(func(rw http.ResponseWriter, r *http.Request, s *session.Session) error {
			err := s.Save(r.Context())
			if _, failed := w.LogInContext(r.Context(), joe, guard.LogInOptions{SuccessFlash: strings.Repeat("x", 2<<20)}); err != nil || failed == nil {
				t.Errorf("got %v and %v, want no error, and a failure of the second log-in", err, failed)
			}
			if goesOn {
				return w.LogInUser(r, joe)
			}
			w.Authenticate("local")(w.LogIn(w.hello())).ServeHTTP(rw, r)
			return nil
		}))
		b := w.open()
		b.Post("/in", "email", "joe@test.com", "password", password).Want(t, 200, "")
		if list := w.list(b); goesOn {
			if ended, err := w.EndSession(t.Context(), joe, list[0].Ref); !ended || err != nil {
				t.Errorf("got ended %t and %v, want true", ended, err)
			}
		}
		b.SetCookie(sid, "")
		if got := b.Get("/me").StatusCode; got != 401 {
			t.Errorf("goes on %t: the remembered browser gets %d, want 401", goesOn, got)
		}
	}
}
