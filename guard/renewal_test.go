package guard_test

import (
	"net/http"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/strategy"
)

// site is an application in two processes on one store. Its handler of POST /again logs in the user of the
// request's own session again, as after a change of the password.
type site struct {
	*world        // the process with that handler
	other  *world // the one that ends sessions
	gate   *sessiontest.Gate
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{world: newWorld(t), other: newWorld(t)}
	s.gate = sessiontest.NewGate(s.store)
	for _, w := range []*world{s.world, s.other} {
		var err error
		w.sessions, err = session.New(session.Config{Store: s.gate.Store(), Codec: session.SecureCookie(secret), Logger: w.logger()})
		if err != nil {
			t.Fatal(err)
		}
		w.table, w.mux = s.table, http.NewServeMux()
		w.token.err, w.token.info = nil, &strategy.Info{Labels: []string{"sid:x"}}
		w.token.user = &User{ID: 1, Email: "joe@test.com", Pass: password}
		w.Guard = w.guard("")
		w.mux.Handle("POST /login", w.Authenticate("token")(w.LogIn(w.hello())))
		w.mux.Handle("POST /logout", w.LogOut(w.hello()))
		w.mux.Handle("/me", w.RequireAuth(w.hello()))
		again := func(rw http.ResponseWriter, r *http.Request) {
			u, _ := w.User(r.Context())
			if err := w.LogInUser(r, u); err != nil {
				w.Error(rw, r, err)
			}
		}
		w.mux.Handle("POST /again", w.RequireAuth(http.HandlerFunc(again)))
		w.mux.Handle("POST /proved", w.Authenticate("token")(http.HandlerFunc(again)))
	}
	return s
}

// logIn returns Joe's browser twice, with the same cookies, once for each process.
func (s *site) logIn() (here, there *browser.Browser) {
	s.t.Helper()
	here, there = s.open(), s.other.open()
	here.Post("/login").Want(s.t, 200, "hello joe")
	there.SetCookie(sid, here.Cookie(sid))
	return here, there
}

// ends are all ways in which a session ends outside its own request.
var ends = map[string]func(s *site, there *browser.Browser){
	"a log-out": func(s *site, there *browser.Browser) { there.Post("/logout").Want(s.t, 200, "") },
	"LogOutEverywhere": func(s *site, _ *browser.Browser) {
		if _, err := s.other.LogOutEverywhere(s.t.Context(), &User{ID: 1}); err != nil {
			s.t.Error(err)
		}
	},
	"EndSession": func(s *site, _ *browser.Browser) {
		list, err := s.other.Sessions(s.t.Context(), &User{ID: 1, Pass: password})
		if err != nil || len(list) == 0 {
			s.t.Errorf("Sessions() = %v, %v; want some", list, err)
		}
		for _, one := range list {
			if ended, err := s.other.EndSession(s.t.Context(), &User{ID: 1, Pass: password}, one.Ref); !ended || err != nil {
				s.t.Errorf("EndSession() = %t, %v", ended, err)
			}
		}
	},
	"a provider's log-out": func(s *site, _ *browser.Browser) {
		if _, err := s.other.EndLinked(s.t.Context(), "sid:x"); err != nil {
			s.t.Error(err)
		}
	},
}

// TestAnEndIsFinalAgainstLogInUser: LogInUser for the session's own user is a renewal (S6, S7), whatever
// ends the session, and whichever step the request has reached.
func TestAnEndIsFinalAgainstLogInUser(t *testing.T) {
	for name, end := range ends {
		for _, op := range []string{"Create", "AddLabel", "End", "RemoveLabel"} {
			t.Run(name+" while it stands before "+op, func(t *testing.T) {
				s := newSite(t)
				here, there := s.logIn()
				old := here.Cookie(sid)
				s.gate.Hold(sessiontest.On(op)).During(func() { here.Post("/again") }, func() { end(s, there) })
				for _, cookie := range []string{old, here.Cookie(sid)} {
					b := s.open()
					b.SetCookie(sid, cookie)
					b.Get("/me").Want(t, 401, "")
				}
			})
		}
		t.Run("LogInUser and then "+name, func(t *testing.T) {
			s := newSite(t)
			here, there := s.logIn()
			here.Post("/again").Want(t, 200, "")
			end(s, there)
			here.Get("/me").Want(t, 401, "")
		})
	}
}

// TestLogInUserSaysThatTheSessionEnded, like every renewal.
func TestLogInUserSaysThatTheSessionEnded(t *testing.T) {
	s := newSite(t)
	here, there := s.logIn()
	old := here.Cookie(sid)
	var a browser.Answer
	s.gate.Hold(sessiontest.On("Create")).During(func() { a = here.Post("/again") }, func() { ends["a log-out"](s, there) })
	a.Want(t, 409, "")
	if here.Cookie(sid) != old {
		t.Error("the cookie changed")
	}
	s.saw()
	here.Post("/login").Want(t, 200, "")
	here.Post("/again").Want(t, 200, "")
	if got, want := s.saw(), "[authn_login_success session_created session_renewed/log_in_user]"; got != want {
		t.Errorf("got events %s, want %s", got, want)
	}
}

// TestLogInUserOfAUserWhoProvedThemselvesIsALogIn: it does not depend on the old session.
func TestLogInUserOfAUserWhoProvedThemselvesIsALogIn(t *testing.T) {
	s := newSite(t)
	here, there := s.logIn()
	s.gate.Hold(sessiontest.On("Create")).During(func() { here.Post("/proved").Want(t, 200, "") }, func() { ends["a log-out"](s, there) })
	here.Get("/me").Want(t, 200, "hello joe")
}

// TestLogInUserIsNoSessionMore: it makes no new session, so it is neither counted nor refused.
func TestLogInUserIsNoSessionMore(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		s := newSite(t)
		here, _ := s.logIn()
		there, _ := s.logIn()
		lowered := s.guard("", func(c *guard.Config) { c.MaxSessions, c.RefuseMore = 1, refuse })
		s.mux.Handle("POST /password", lowered.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if err := lowered.LogInUser(r, &User{ID: 1, Email: "joe@test.com", Pass: password}); err != nil {
				lowered.Error(rw, r, err)
			}
		})))
		here.Post("/password").Want(t, 200, "")
		here.Get("/me").Want(t, 200, "hello joe")
		there.Get("/me").Want(t, 200, "hello joe")
	}
}
