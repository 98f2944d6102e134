package session_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/reqstate"
	"github.com/seed-6f34412b/passport/session"
)

// caused are the method and the Fetch Metadata headers of a request, as browsers send them.
type caused struct{ method, site, mode, dest string }

func (c caused) request(r *http.Request) *http.Request {
	r.Method = c.method
	for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.dest} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

// TestS13_ARequestFromWhichTheCookieWasWithheldGetsNoSession: its cookie would replace the one that the
// browser did not send.
func TestS13_ARequestFromWhichTheCookieWasWithheldGetsNoSession(t *testing.T) {
	const lax, strict, none = http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode
	for _, row := range []struct {
		name  string
		mode  http.SameSite
		r     caused
		other string // another cookie in the request
		made  bool   // whether a session is made
	}{
		{"a form of another site", lax, caused{"POST", "cross-site", "navigate", "document"}, "", false},
		{"a form of another site, and a cookie that is not ours", lax, caused{"POST", "cross-site", "navigate", "document"}, "theme=dark", false},
		{"a frame in another site", lax, caused{"GET", "cross-site", "navigate", "iframe"}, "", false},
		{"an image in another site", lax, caused{"GET", "cross-site", "no-cors", "image"}, "", false},
		{"a script of another site", lax, caused{"POST", "cross-site", "cors", "empty"}, "", false},
		{"a link of another site", lax, caused{"GET", "cross-site", "navigate", "document"}, "", true},
		{"a link of another site", strict, caused{"GET", "cross-site", "navigate", "document"}, "", false},
		{"a form of another site", strict, caused{"POST", "cross-site", "navigate", "document"}, "", false},
		{"a form of another site, which brought a cookie of ours", strict, caused{"POST", "cross-site", "navigate", "document"}, "__Host-sid=stale", true},
		{"a form of another site, which brought a cookie of before", lax, caused{"POST", "cross-site", "navigate", "document"}, "old=stale", true},
		{"a form of another site", none, caused{"POST", "cross-site", "navigate", "document"}, "", true},
		{"a frame in another site", none, caused{"GET", "cross-site", "navigate", "iframe"}, "", true},
		{"a form of a sub-domain", strict, caused{"POST", "same-site", "navigate", "document"}, "", true},
		{"a form of our own", strict, caused{"POST", "same-origin", "navigate", "document"}, "", true},
		{"an address that was typed in", strict, caused{"GET", "none", "navigate", "document"}, "", true},
		{"no browser, or an old one", strict, caused{"POST", "", "", ""}, "", true},
	} {
		for _, op := range []string{"set text v", "set text v; save; set text w", "renew; set text v", "destroy; set text v"} {
			st := newScripted()
			var log logText
			m := newManager(t, st, func(c *session.Config) {
				c.SameSite, c.Logger = row.mode, slog.New(slog.NewTextHandler(&log, nil))
				c.AlsoAccept = []session.Accept{{Name: "old", Codec: session.Express(secret)}}
			})
			inside := app(m)
			b := browser.New(t, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				clear(r.Header) // the header as received counts
				inside.ServeHTTP(w, r)
			})))
			r := row.r.request(b.Request("GET", path(strings.Split(op, "; ")...), ""))
			if row.other != "" {
				r.Header.Set("Cookie", row.other)
			}
			a := b.Do(r)
			a.Want(t, 200, "") // the visitor does not notice
			if row.r.method != "HEAD" && !strings.Contains(a.Text, `"text":"`) {
				t.Errorf("%s (%v): the request does not see its own change: %s", row.name, row.mode, a.Text)
			}
			if made := len(a.Header["Set-Cookie"]) > 0; made != row.made || made != (len(st.ids()) == 1) {
				t.Errorf("%s (%v), %s: got cookies %q and %d records, want a session %t", row.name, row.mode, op, a.Header["Set-Cookie"], len(st.ids()), row.made)
			}
			if n := strings.Count(log.String(), "another site caused the request"); (n == 1) == row.made || n > 1 {
				t.Errorf("%s (%v), %s: %d lines in the log: %s", row.name, row.mode, op, n, &log)
			}
		}
	}
}

// TestS13_CredentialsCountWhoeverBringsThem: a provider's form that logs somebody in, such as OpenID
// Connect's response_mode=form_post, makes a session; a browser that was remembered without credentials is
// logged in for that request only.
func TestS13_CredentialsCountWhoeverBringsThem(t *testing.T) {
	for _, row := range []struct {
		in   reqstate.LogIn
		made bool
	}{
		{reqstate.LogIn{Key: "passport", Slot: reqstate.Slot{User: []byte("1")}}, true},
		{reqstate.LogIn{Key: "passport", Slot: reqstate.Slot{User: []byte("1")}, NoTime: true}, false},
	} {
		st := newScripted()
		m := newManager(t, st)
		b := open(t, m)
		b.Get(path("login 2")).Want(t, 200, "")
		live := b.Cookie(cookieName)
		r := caused{"POST", "cross-site", "navigate", "document"}.request(b.Request("GET", "/", ""))
		r.Header.Del("Cookie")
		w := newRecorder()
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			slots := reqstate.Of(r.Context(), m).Slots
			if err := slots.LogIn(r.Context(), row.in); err != nil {
				t.Error(err)
			}
			for _, step := range []string{"slot", "save", "slot"} {
				if err := do(r.Context(), m, step); err != nil {
					t.Errorf("%s: %v", step, err)
				}
			}
		})).ServeHTTP(w, r)
		if made := len(w.Header()["Set-Cookie"]) > 0; made != row.made {
			t.Errorf("NoTime %t: got cookies %q, want one %t", row.in.NoTime, w.Header()["Set-Cookie"], row.made)
		}
		b.SetCookie(cookieName, live)
		b.Get(path("slot")).Want(t, 200, `"user":2`)
	}
}

// TestS13_OutsideOfRequestsNothingIsWithheld: Open has no headers to check.
func TestS13_OutsideOfRequestsNothingIsWithheld(t *testing.T) {
	st := newScripted()
	m := newManager(t, st)
	open(t, m).Get(path("set text v")).Want(t, 200, "")
	s, err := m.Open(context.Background(), st.ids()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := text.Set(s, "w"); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil || len(st.ids()) != 1 {
		t.Errorf("Save() = %v, %d records", err, len(st.ids()))
	}
}
