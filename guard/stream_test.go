package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

const news session.Key[string] = "news"

// stream is a stream of events that continues until its test ends it: before each event it checks in three
// ways whether its user is still logged in.
type stream struct {
	look   chan struct{}
	events chan string
}

func (s *stream) next(t testing.TB, want string) {
	t.Helper()
	s.look <- struct{}{}
	if got := <-s.events; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// newStream makes a new visitor, logged in as Joe, open a stream, and returns another browser with the same
// cookies.
func newStream(w *world) (*stream, *browser.Browser) {
	w.t.Helper()
	s := &stream{make(chan struct{}), make(chan string)}
	w.mux.Handle("/events", w.RequireAuth(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		sess, err := w.sessions.Session(r.Context())
		if err != nil {
			w.t.Error(err)
			return
		}
		if sess.Committed() {
			w.t.Error("committed before the first byte")
		}
		_ = http.NewResponseController(rw).Flush()
		outcome := func(err error) string {
			switch {
			case errors.Is(err, strategy.ErrUnauthenticated), errors.Is(err, session.ErrSessionEnded):
				return "out"
			case errors.Is(err, errOutage):
				return "outage"
			case err != nil:
				return err.Error()
			}
			return "in"
		}
		for range s.look {
			_, of := w.UserOf(r.Context(), sess)
			_, check := w.Check(r)
			reload := sess.Reload(r.Context())
			text, _, err := news.Get(sess)
			if err != nil || !sess.Committed() {
				w.t.Errorf("Get: %v; committed %t", err, sess.Committed())
			}
			s.events <- strings.TrimSpace(fmt.Sprint(outcome(of), " ", outcome(check), " ", outcome(reload), " ", text))
		}
	})))
	b := w.loggedIn("joe@test.com")
	other := w.open()
	other.SetCookie(sid, b.Cookie(sid))
	ended := make(chan struct{})
	go func() { defer close(ended); b.Get("/events") }()
	w.t.Cleanup(func() { close(s.look); <-ended })
	s.next(w.t, "in in in")
	return s, other
}

// TestAStreamSeesWhatBecomesOfItsSession: after the response has started, the request's session is read
// again for the guard.
func TestAStreamSeesWhatBecomesOfItsSession(t *testing.T) {
	joe := &User{ID: 1, Email: "joe@test.com", Pass: password}
	for _, row := range []struct {
		name    string
		happens func(w *world, other *browser.Browser)
		want    string
	}{
		{"another request writes", func(w *world, other *browser.Browser) { other.Post("/news").Want(w.t, 200, "") }, "in in in fresh"},
		{"a log-out", func(w *world, other *browser.Browser) { other.Post("/logout").Want(w.t, 200, "") }, "out out out"},
		{"a log-out everywhere", func(w *world, _ *browser.Browser) {
			if n, err := w.LogOutEverywhere(w.t.Context(), joe); n != 1 || err != nil {
				w.t.Errorf("LogOutEverywhere() = %d, %v", n, err)
			}
		}, "out out out"},
		{"another log-in in that browser", func(w *world, other *browser.Browser) { logIn(other, "jen@test.com").Want(w.t, 200, "") }, "out out out"},
		{"the password changes", func(w *world, _ *browser.Browser) {
			w.table.set(User{ID: 1, Email: "joe@test.com", Pass: "another"})
		}, "out out in"},
		{"the user is gone", func(w *world, _ *browser.Browser) { w.table.remove(1) }, "out out in"},
		{"an outage", func(w *world, _ *browser.Browser) { w.store.fail(errOutage) }, "outage outage outage"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.mux.Handle("POST /news", w.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := session.FromContext(r.Context())
				if err == nil {
					err = news.Set(s, "fresh")
				}
				if err != nil {
					t.Error(err)
				}
			})))
			s, other := newStream(w)
			row.happens(w, other)
			s.next(t, row.want)
			s.next(t, row.want) // and the result stays
			if row.want == "outage outage outage" {
				w.store.fail(nil)
				s.next(t, "in in in")
			}
			if log := w.logged(); strings.Contains(log, "the change is lost") {
				t.Errorf("nothing was lost: %s", log)
			}
		})
	}
}

// TestAStreamOfAUserWhomTheSessionDoesNotKnow: a token is checked once, and stays valid.
func TestAStreamOfAUserWhomTheSessionDoesNotKnow(t *testing.T) {
	w := newWorld(t)
	w.token.user, w.token.err = &User{ID: 2, Email: "jen@test.com"}, nil
	w.mux.Handle("/feed", w.Authenticate("token")(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprint(rw, "started")
		if u, err := w.Check(r); err != nil || u.ID != 2 {
			t.Errorf("Check() = %v, %v; want jen", u, err)
		}
	})))
	w.open().Get("/feed").Want(t, 200, "started")
}
