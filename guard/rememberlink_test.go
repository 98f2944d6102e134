package guard_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy/remember"
)

// TestALinkFromAnotherSiteEndsNoSession: the request has the cookie of RememberMe, which is Lax, but not
// the session's, which is Strict. The page knows the user, and no new session replaces the one whose cookie
// the browser did not send.
func TestALinkFromAnotherSiteEndsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRememberWorld(t)
		m, err := remember.New(remember.Config{Cells: w.cells, Secrets: rememberSecrets})
		if err != nil {
			t.Fatal(err)
		}
		w.sessions, err = session.New(session.Config{Store: w.store, Codec: session.SecureCookie(secret), SameSite: http.SameSiteStrictMode, Logger: w.logger()})
		if err != nil {
			t.Fatal(err)
		}
		auth := w.guard("", func(c *guard.Config) { c.RememberMe = m })
		w.mux.Handle("POST /strict/login", auth.Authenticate("local")(auth.LogInWith(always)(whoami(auth))))
		w.mux.Handle("GET /strict/me", auth.RequireAuth(whoami(auth)))
		b := w.open()
		b.Post("/strict/login", "email", "joe@test.com", "password", password).Want(t, 200, "joe")
		before := b.Cookie(sid)
		w.saw()
		pass(time.Minute)

		link := b.Twin()
		link.SetCookie(sid, "")
		r := link.Request(http.MethodGet, "/strict/me", "")
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"} {
			r.Header.Set(name, value)
		}
		r.Header.Set("Cookie", rememberCookie+"="+b.Cookie(rememberCookie))
		answer := link.Do(r)
		answer.Want(t, 200, "joe")
		for _, c := range answer.Cookies() {
			if c.Name == sid {
				t.Errorf("got the cookie %s, want no session cookie", c)
			}
		}
		if got := w.saw(); got != "[authn_login_success]" {
			t.Errorf("got events %s, want the log-in alone", got)
		}
		b.Get("/strict/me").Want(t, 200, "joe")
		if got := b.Cookie(sid); got != before {
			t.Error("the visitor's session did not survive the link")
		}
	})
}
