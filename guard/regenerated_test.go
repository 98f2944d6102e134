package guard_test

import (
	"cmp"
	"errors"
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// afterLogIn logs joe in, remembered, and then calls then in the same request.
func (w *rememberWorld) afterLogIn(then func(http.ResponseWriter, *http.Request, *session.Session) error) http.Handler {
	return w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil {
			_, err = w.LogInContext(r.Context(), joe, always)
		}
		if err == nil {
			err = then(rw, r, s)
		}
		if err != nil {
			w.Error(rw, r, err)
		}
	}))
}

// always remembers the browser.
var always = guard.LogInOptions{RememberMe: func(*http.Request) bool { return true }}

// TestALogInThatRegenerateDroppedIsNone: neither the event nor the remembered browser says that the user is
// logged in, whatever the session is used for afterwards.
func TestALogInThatRegenerateDroppedIsNone(t *testing.T) {
	basket := session.Key[int]("basket")
	for _, row := range []struct {
		name, before string
		saves        bool
		want         string
	}{
		{"a visitor", "", false, "session_created 1 error"},
		{"another user", "jen@test.com", false, "session_created 1 error"},
		{"the user's own session", "joe@test.com", false, "session_renewed 1 error"},
		{"stored in between", "", true, "session_created 1 success"},
		{"stored in between, of another user", "jen@test.com", true, "session_created 1 success, session_expired 2 success"},
	} {
		w := newRememberWorld(t)
		w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err == nil {
				_, err = w.LogInContext(r.Context(), joe, always)
			}
			if err == nil && row.saves {
				err = s.Save(r.Context())
			}
			if err == nil {
				err = s.Regenerate(r.Context())
			}
			if err == nil {
				err = basket.Set(s, 3)
			}
			if err != nil {
				w.Error(rw, r, err)
			}
		})))
		b := w.open()
		if row.before != "" {
			logIn(b, row.before).Want(t, 200, "")
		}
		w.outcomes()
		b.Post("/in").Want(t, 200, "")
		if got := w.outcomes(); got != row.want {
			t.Errorf("%s: got events %q, want %q", row.name, got, row.want)
		}
		b.Get("/me").Want(t, 401, "")
		b.SetCookie(sid, "")
		b.Get("/me").Want(t, 401, "")
	}
}

// TestALogInThatRegenerateDroppedProvesNothing: without it, what is carried over ends with the session
// (S6).
func TestALogInThatRegenerateDroppedProvesNothing(t *testing.T) {
	w := newWorld(t)
	w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		if err == nil {
			err = w.LogInUser(r, joe)
		}
		if err == nil {
			err = s.Regenerate(r.Context())
		}
		if err == nil {
			err = session.Key[int]("basket").Set(s, 3)
		}
		if err == nil { // meanwhile, an administrator logs in
			_, err = w.LogOutEverywhere(r.Context(), &User{ID: 2, Email: "jen@test.com", Pass: password})
		}
		if err != nil {
			w.Error(rw, r, err)
		}
	})))
	w.loggedIn("jen@test.com").Post("/in").Want(t, 409, "")
}

// TestASeriesLivesAsLongAsItsLogIn: if a stored log-in ends in the same request, the series of its browser
// ends too; if it continues, so does the series.
func TestASeriesLivesAsLongAsItsLogIn(t *testing.T) {
	for _, row := range []struct {
		name string
		then func(w *rememberWorld, s *session.Session, r *http.Request) error
		me   int // the status for the remembered browser without the session's cookie
	}{
		{"nothing more", func(*rememberWorld, *session.Session, *http.Request) error { return nil }, 200},
		{"Destroy", func(_ *rememberWorld, s *session.Session, r *http.Request) error { return s.Destroy(r.Context()) }, 401},
		{"Regenerate", func(_ *rememberWorld, s *session.Session, r *http.Request) error { return s.Regenerate(r.Context()) }, 401},
		{"Regenerate that Reload takes back", func(_ *rememberWorld, s *session.Session, r *http.Request) error {
			return errors.Join(s.Regenerate(r.Context()), s.Reload(r.Context()))
		}, 200},
		{"another user's log-in that Reload takes back", func(w *rememberWorld, s *session.Session, r *http.Request) error {
			return errors.Join(w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password}), s.Reload(r.Context()))
		}, 200},
		{"Destroy, and Reload, which does not take it back", func(_ *rememberWorld, s *session.Session, r *http.Request) error {
			return errors.Join(s.Destroy(r.Context()), s.Reload(r.Context()))
		}, 401},
		{"Regenerate, and a commit that fails", func(w *rememberWorld, s *session.Session, r *http.Request) error {
			err := s.Regenerate(r.Context())
			w.store.fail(errOutage)
			return err
		}, 200},
	} {
		w := newRememberWorld(t)
		w.mux.Handle("POST /in", w.afterLogIn(func(_ http.ResponseWriter, r *http.Request, s *session.Session) error {
			if err := s.Save(r.Context()); err != nil {
				return err
			}
			return row.then(w, s, r)
		}))
		b := w.open()
		b.Post("/in")
		w.store.fail(nil)
		b.SetCookie(sid, "")
		if got := b.Get("/me").StatusCode; got != row.me {
			t.Errorf("%s: the remembered browser gets %d, want %d", row.name, got, row.me)
		}
	}
}

// TestASeriesHasTheLabelOfTheSessionThatItMade, even if another log-in was dropped in between.
func TestASeriesHasTheLabelOfTheSessionThatItMade(t *testing.T) {
	w := newRememberWorld(t)
	w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Session(r.Context())
		for _, f := range []func() error{
			func() error { _, err := w.LogInContext(r.Context(), joe, always); return err },
			func() error { return s.Save(r.Context()) },
			func() error { return s.Regenerate(r.Context()) },
			func() error { _, err := w.LogInContext(r.Context(), joe, always); return err },
			func() error { return s.Reload(r.Context()) },
			func() error { return w.LogInUser(r, joe) },
		} {
			if err == nil {
				err = f()
			}
		}
		if err != nil {
			w.Error(rw, r, err)
		}
	})))
	b := w.open()
	b.Post("/in").Want(t, 200, "")
	list := w.list(b)
	if ended, err := w.EndSession(t.Context(), joe, list[0].Ref); len(list) != 1 || !ended || err != nil {
		t.Errorf("got %+v, ended %t and %v, want one session, which ends", list, ended, err)
	}
	b.Get("/me").Want(t, 401, "")
}

// TestS13_ALogInThatIsDroppedReplacesNothing: if a session ended during a request, a log-in replaces it; if
// that log-in is dropped, nothing does.
func TestS13_ALogInThatIsDroppedReplacesNothing(t *testing.T) {
	for name, drop := range map[string]func(s *session.Session, r *http.Request) error{
		"Regenerate": func(s *session.Session, r *http.Request) error { return s.Regenerate(r.Context()) },
		"Reload":     func(s *session.Session, r *http.Request) error { return s.Reload(r.Context()) },
	} {
		w := newWorld(t)
		w.mux.Handle("POST /in", w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := w.sessions.Session(r.Context())
			if err == nil {
				err = w.LogInUser(r, &User{ID: 2, Email: "jen@test.com", Pass: password})
			}
			if err != nil {
				t.Error(err)
				return
			}
			if err := drop(s, r); !errors.Is(err, session.ErrSessionEnded) {
				t.Errorf("%s: got %v, want ErrSessionEnded", name, err)
			}
			if err := session.Key[int]("basket").Set(s, 3); !errors.Is(err, session.ErrSessionEnded) {
				t.Errorf("%s, and then a value: got %v, want ErrSessionEnded", name, err)
			}
		})))
		b := w.loggedIn("joe@test.com")
		w.table.remove(1)
		if got := b.Post("/in").Header["Set-Cookie"]; got != nil {
			t.Errorf("%s: got the cookies %q, want none", name, got)
		}
	}
}

// TestWhatADroppedLogInAskedForIsDropped: the next log-in of the request decides again whether the browser
// is remembered, by its own options and the browser's cookies.
func TestWhatADroppedLogInAskedForIsDropped(t *testing.T) {
	regenerate := func(s *session.Session, r *http.Request) error { return s.Regenerate(r.Context()) }
	for name, drop := range map[string]func(s *session.Session, r *http.Request) error{
		"Regenerate":           regenerate,
		"Save, and Regenerate": func(s *session.Session, r *http.Request) error { return cmp.Or(s.Save(r.Context()), regenerate(s, r)) },
		"Destroy":              func(s *session.Session, r *http.Request) error { return s.Destroy(r.Context()) },
		"Reload":               func(s *session.Session, r *http.Request) error { return s.Reload(r.Context()) },
	} {
		for _, row := range []struct {
			name   string
			before func(w *rememberWorld) *browser.Browser
			second guard.LogInOptions
			me     int // the status for the remembered browser without the session's cookie
		}{
			{"a visitor", func(w *rememberWorld) *browser.Browser { return w.open() }, guard.LogInOptions{}, 401},
			{"a visitor, who is to be remembered", func(w *rememberWorld) *browser.Browser { return w.open() }, always, 200},
			{"the user", func(w *rememberWorld) *browser.Browser { return w.loggedIn("joe@test.com") }, guard.LogInOptions{}, 401},
			{"the user, who is to be remembered", func(w *rememberWorld) *browser.Browser { return w.loggedIn("joe@test.com") }, always, 200},
			{"the user, who is remembered", func(w *rememberWorld) *browser.Browser { return w.remembered("joe@test.com") }, guard.LogInOptions{}, 200},
			{"another user, who is remembered", func(w *rememberWorld) *browser.Browser { return w.remembered("jen@test.com") }, guard.LogInOptions{}, 401},
		} {
			w := newRememberWorld(t)
			w.mux.Handle("POST /in", w.afterLogIn(func(_ http.ResponseWriter, r *http.Request, s *session.Session) error {
				if err := drop(s, r); err != nil {
					return err
				}
				_, err := w.LogInContext(r.Context(), joe, row.second)
				return err
			}))
			b := row.before(w)
			b.Post("/in").Want(t, 200, "")
			b.Get("/me").Want(t, 200, "hello joe")
			b.SetCookie(sid, "")
			if got := b.Get("/me").StatusCode; got != row.me {
				t.Errorf("%s, %s: the remembered browser gets %d, want %d", name, row.name, got, row.me)
			}
		}
	}
}
