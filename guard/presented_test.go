package guard_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// stripped removes the cookies from requests to next, as before they go to an upstream.
func stripped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delete(r.Header, "Cookie")
		next.ServeHTTP(w, r)
	})
}

// TestS6_TheCookieOfRememberMeIsTakenWhenItComes: after a log-out whose Cookie header a handler inside had
// deleted, the series logged the browser in again.
func TestS6_TheCookieOfRememberMeIsTakenWhenItComes(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(*testing.T, *browser.Browser)
		want int // the status of /me when every session has ended
	}{
		{"a log-out ends the series", func(t *testing.T, b *browser.Browser) {
			b.Post("/stripped/logout").Want(t, 200, "hello stranger")
		}, 401},
		{"another log-in replaces the series", func(t *testing.T, b *browser.Browser) {
			b.Post("/stripped/login", "email", "jen@test.com", "password", password).Want(t, 200, "jen")
		}, 401},
		{"a browser that comes back is known", func(t *testing.T, b *browser.Browser) {
			nextMonth(b)
			b.Get("/stripped/me").Want(t, 200, "joe")
		}, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRememberWorld(t)
				inside := func(h http.Handler) http.Handler { return w.sessions.Handler(stripped(h)) }
				w.mux.Handle("POST /stripped/logout", inside(w.LogOut(w.hello())))
				w.mux.Handle("POST /stripped/login", inside(w.Authenticate("local")(w.LogIn(w.hello()))))
				w.mux.Handle("GET /stripped/me", inside(w.RequireAuth(w.hello())))
				b := w.remembered("joe@test.com")
				copied := b.Cookie(rememberCookie)
				row.do(t, b)
				if got := b.Cookie(rememberCookie); got == copied {
					t.Error("the browser still has its earlier cookie")
				}
				nextMonth(b)
				b.Get("/me").Want(t, row.want, "")
			})
		})
	}
}

// TestMaxSessionsCountsWhatTheBrowserPresented: a log-in ends both sessions of its browser, so that no
// session is too many. It ended another device's session if a handler inside had deleted the Cookie header.
func TestMaxSessionsCountsWhatTheBrowserPresented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const former = "__Host-old"
		w := newWorld(t)
		codec := session.SecureCookie(secret)
		guarded := func(c session.Config, limit int) (*session.Manager, *guard.Guard[*User]) {
			c.Store, c.Codec, c.Logger = w.store, codec, w.logger()
			m, err := session.New(c)
			if err != nil {
				t.Fatal(err)
			}
			g, err := guard.New(guard.Config{Sessions: m, MaxSessions: limit, Logger: w.logger()}, w.table.stamped(), strategy.NewLocal(w.table.check))
			if err != nil {
				t.Fatal(err)
			}
			return m, g
		}
		m, now := guarded(session.Config{AlsoAccept: []session.Accept{{Name: former, Codec: codec}}}, 2)
		_, before := guarded(session.Config{Name: former}, 0)
		w.mux.Handle("POST /before", before.Authenticate("local")(before.LogIn(w.hello())))
		w.mux.Handle("POST /now", m.Handler(stripped(now.Authenticate("local")(now.LogIn(w.hello())))))
		w.mux.Handle("GET /now/me", now.RequireAuth(w.hello()))
		other, b := w.open(), w.open()
		for _, step := range []struct {
			b    *browser.Browser
			path string
		}{{other, "/now"}, {b, "/now"}, {b, "/before"}, {b, "/now"}} {
			step.b.Post(step.path, "email", "joe@test.com", "password", password).Want(t, 200, "hello")
			pass(time.Second)
		}
		b.Get("/now/me").Want(t, 200, "")
		other.Get("/now/me").Want(t, 200, "")
	})
}

// TestTheCommitReadsNoHeader: under http.TimeoutHandler it runs on another goroutine than the handler. The
// race detector reports what it reads, and the event shows it.
func TestTheCommitReadsNoHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *guard.Config) {
			c.MaxSessions = 1
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		})
		w.loggedIn("joe@test.com")
		w.saw()
		late := w.Restore(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if err := w.LogInUser(r, joe); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"Cookie", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Proto"} {
				r.Header.Set(name, "192.0.2.99")
			}
			time.Sleep(time.Minute)
		}))
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = "192.0.2.1:80"
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		rec := httptest.NewRecorder()
		w.sessions.Handler(http.TimeoutHandler(late, time.Second, "late")).ServeHTTP(rec, r)
		if rec.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d, want 503", rec.Code)
		}
		time.Sleep(time.Minute) // until the handler is done
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.events) == 0 {
			t.Error("got no event of the log-in")
		}
		for _, e := range w.events {
			if e.Address != "203.0.113.7" {
				t.Errorf("%s/%s of %s, want what came", e.Name, e.Reason, e.Address)
			}
		}
	})
}
