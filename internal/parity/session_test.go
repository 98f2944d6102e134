package parity_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const cart session.Key[string] = "cart"

// shop returns an application whose /set fills the cart and whose /get shows it.
func shop(t *testing.T, edit ...func(*session.Config)) *app {
	a := newApp(t, edit...)
	a.session("/set", func(_ *http.Request, s *session.Session) (any, error) { return "", cart.Set(s, "full") })
	a.session("/get", func(_ *http.Request, s *session.Session) (any, error) {
		v, ok, err := cart.Get(s)
		return fmt.Sprintf("%s %v", v, ok), err
	})
	return a
}

// does returns an application whose /do calls f with a session that has a cart.
func does(t *testing.T, f func(*http.Request, *session.Session) error) *app {
	a := shop(t)
	a.session("/do", func(r *http.Request, s *session.Session) (any, error) { return "", f(r, s) })
	return a
}

var expressSessionRows = []row{
	{"secret", func(t *testing.T) {
		line := setCookie(t, logIn(newApp(t).open(), "/login"))
		if !strings.HasPrefix(line, "connect.sid=s%3A") {
			t.Errorf("cookie %q, want Express's signature", line)
		}
	}},
	{"secret: [new, old]", func(t *testing.T) {
		old := newApp(t)
		b := old.joe()
		turned := newApp(t, func(c *session.Config) {
			c.Store, c.Codec = old.store, session.Express("the new secret, of 32 bytes or more", secret)
		})
		c := turned.open()
		c.SetCookie("connect.sid", b.Cookie("connect.sid"))
		c.Get("/me").Want(t, 200, "hello joe@test.com")
	}},
	{"name", func(t *testing.T) {
		b := newApp(t, func(c *session.Config) { c.Name = "shop.sid" }).joe()
		if b.Cookie("shop.sid") == "" {
			t.Error("no cookie shop.sid")
		}
	}},
	{"store", func(t *testing.T) {
		one := newApp(t)
		b := one.joe()
		two := newApp(t, func(c *session.Config) { c.Store = one.store })
		c := two.open()
		c.SetCookie("connect.sid", b.Cookie("connect.sid"))
		c.Get("/me").Want(t, 200, "hello joe@test.com")
	}},
	{"genid", func(t *testing.T) { // cannot be chosen: 24 bytes of crypto/rand, in Node's form
		a := newApp(t)
		a.joe()
		for r, err := range a.store.All(t.Context()) {
			if err != nil || len(r.ID) != 32 {
				t.Errorf("an id of %d characters, %v, want 32", len(r.ID), err)
			}
		}
	}},
	{"resave", func(t *testing.T) { // only changes are written
		a := shop(t)
		b := a.open()
		b.Get("/set")
		before := a.record()
		b.Get("/get").Want(t, 200, "full true")
		b.Get("/set").Want(t, 200, "")
		if after := a.record(); after != before {
			t.Errorf("a request that changes nothing wrote %s", after)
		}
	}},
	{"saveUninitialized", func(t *testing.T) { // an empty session is not stored
		a := shop(t)
		got := a.open().Get("/get")
		got.Want(t, 200, "false")
		if len(a.records()) != 0 || len(got.Cookies()) != 0 {
			t.Errorf("%d records and cookies %v for a visitor without data", len(a.records()), got.Cookies())
		}
	}},
	{"unset", func(t *testing.T) {
		a := does(t, func(r *http.Request, s *session.Session) error { return s.Destroy(r.Context()) })
		b := a.open()
		b.Get("/set")
		b.Get("/do").Want(t, 200, "")
		if n := len(a.records()); n != 0 {
			t.Errorf("%d records, want none", n)
		}
	}},
	{"proxy", func(t *testing.T) { // Secure does not depend on how a request arrived
		a := newApp(t)
		b := a.open()
		b.Header("X-Forwarded-Proto", "http")
		if line := setCookie(t, logIn(b, "/login")); !strings.Contains(line, "; Secure") {
			t.Errorf("cookie %q, want it Secure", line)
		}
	}},
	{"rolling", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newApp(t, func(c *session.Config) {
				c.Rolling, c.Persistent, c.IdleTimeout, c.RefreshAfter = true, true, time.Hour, time.Minute
			}).joe()
			pass(30 * time.Minute)
			got := b.Get("/me").Cookies()
			if len(got) != 1 || time.Until(got[0].Expires) < 59*time.Minute {
				t.Errorf("cookies %v, want one that lives for an hour", got)
			}
		})
	}},
	{"cookie.maxAge", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newApp(t, func(c *session.Config) { c.Persistent, c.IdleTimeout = true, time.Hour })
			b := a.joe()
			if got := a.record(); !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":3600000,`) {
				t.Errorf("the record is %s", got)
			}
			pass(59 * time.Minute)
			b.Get("/me").Want(t, 200, "")
			pass(61 * time.Minute)
			b.Get("/me").Want(t, 401, "")
		})
	}},
	{"cookie.expires", func(t *testing.T) { // a persistent cookie lives until the log-in's absolute deadline
		synctest.Test(t, func(t *testing.T) {
			got := logIn(newApp(t, func(c *session.Config) { c.Persistent = true }).open(), "/login").Cookies()
			if want := time.Now().Add(30 * 24 * time.Hour).Truncate(time.Second); len(got) != 1 || !got[0].Expires.Equal(want) {
				t.Errorf("cookies %v, want one until %v", got, want)
			}
		})
	}},
	{"cookie.httpOnly", func(t *testing.T) {
		attribute(t, "HttpOnly", func(*session.Config) {})
		line := setCookie(t, logIn(newApp(t, func(c *session.Config) { c.ScriptReadable = true }).open(), "/login"))
		if strings.Contains(line, "HttpOnly") {
			t.Errorf("cookie %q, want it without HttpOnly", line)
		}
	}},
	{"cookie.secure", func(t *testing.T) {
		attribute(t, "Secure", func(*session.Config) {})
		line := setCookie(t, logIn(newApp(t, func(c *session.Config) { c.InsecureHTTP = true }).open(), "/login"))
		if strings.Contains(line, "Secure") {
			t.Errorf("cookie %q, want it without Secure", line)
		}
	}},
	{"cookie.sameSite", func(t *testing.T) {
		attribute(t, "SameSite=Lax", func(*session.Config) {})
		attribute(t, "SameSite=Strict", func(c *session.Config) { c.SameSite = http.SameSiteStrictMode })
		attribute(t, "SameSite=None", func(c *session.Config) { c.SameSite = http.SameSiteNoneMode })
	}},
	{"cookie.domain", func(t *testing.T) {
		attribute(t, "Domain=app.example", func(c *session.Config) { c.Domain = "app.example" })
	}},
	{"cookie.path", func(t *testing.T) { attribute(t, "Path=/app", func(c *session.Config) { c.Path = "/app" }) }},
	{"cookie.priority", func(t *testing.T) { attribute(t, "Priority=High", func(c *session.Config) { c.Priority = "High" }) }},
	{"cookie.partitioned", func(t *testing.T) { attribute(t, "Partitioned", func(c *session.Config) { c.Partitioned = true }) }},
	{"req.session.key = value", func(t *testing.T) {
		a := shop(t)
		b := a.open()
		b.Get("/set")
		b.Get("/get").Want(t, 200, "full true")
	}},
	{"req.sessionID", func(t *testing.T) {
		a := does(t, func(_ *http.Request, s *session.Session) error {
			if s.ID() == "" || strings.Contains(fmt.Sprint(s), s.ID()) {
				t.Errorf("id of %d characters, printed %v", len(s.ID()), s)
			}
			return nil
		})
		b := a.open()
		b.Get("/set")
		b.Get("/do").Want(t, 200, "")
	}},
	{"req.session.regenerate", func(t *testing.T) {
		a := does(t, func(r *http.Request, s *session.Session) error { return s.Regenerate(r.Context()) })
		b := a.open()
		b.Get("/set")
		before := b.Cookie("connect.sid")
		b.Get("/do").Want(t, 200, "")
		b.Get("/get").Want(t, 200, "false")
		if b.Cookie("connect.sid") == before {
			t.Error("the id is the same")
		}
	}},
	{"req.session.destroy", func(t *testing.T) {
		a := does(t, func(r *http.Request, s *session.Session) error { return s.Destroy(r.Context()) })
		b := a.open()
		b.Get("/set")
		b.Get("/do").Want(t, 200, "")
		if b.Cookie("connect.sid") != "" || len(a.records()) != 0 {
			t.Errorf("cookie %q and %d records are left", b.Cookie("connect.sid"), len(a.records()))
		}
	}},
	{"req.session.reload", func(t *testing.T) {
		a := does(t, func(r *http.Request, s *session.Session) error {
			if err := cart.Set(s, "other"); err != nil {
				return err
			}
			return s.Reload(r.Context())
		})
		b := a.open()
		b.Get("/set")
		b.Get("/do").Want(t, 200, "")
		b.Get("/get").Want(t, 200, "full true")
	}},
	{"req.session.save", func(t *testing.T) {
		a := shop(t)
		a.session("/do", func(r *http.Request, s *session.Session) (any, error) {
			if err := cart.Set(s, "saved"); err != nil {
				return nil, err
			}
			err := s.Save(r.Context())
			return len(a.records()), err
		})
		a.open().Get("/do").Want(t, 200, "1")
	}},
	{"req.session.touch", func(t *testing.T) { // automatic, after a tenth of the idle timeout
		synctest.Test(t, func(t *testing.T) {
			b := newApp(t, func(c *session.Config) { c.IdleTimeout = time.Hour }).joe()
			for range 5 {
				pass(50 * time.Minute)
				b.Get("/me").Want(t, 200, "")
			}
		})
	}},
	{"req.session.cookie.maxAge", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := does(t, func(_ *http.Request, s *session.Session) error { return s.SetMaxAge(48 * time.Hour) })
			b := a.open()
			b.Get("/set")
			b.Get("/do").Want(t, 200, "")
			pass(47 * time.Hour)
			b.Get("/get").Want(t, 200, "full true")
		})
	}},
	{"res.json(req.session)", func(t *testing.T) {
		a := newApp(t)
		a.session("GET /json", func(_ *http.Request, s *session.Session) (any, error) {
			text, err := s.ExpressJSON()
			return string(text), err
		})
		got := a.joe().Get("/json").Text
		if !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":null,`) || strings.Contains(got, "_go") {
			t.Errorf("the session is %s", got)
		}
	}},
}
