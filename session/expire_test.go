package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
)

// TestS8_LogOutExpiresEachCookieOfAName: for a browser, cookies with the same name but another Domain or
// Path are different cookies.
func TestS8_LogOutExpiresEachCookieOfAName(t *testing.T) {
	old := session.SecureCookie(secret)
	for _, row := range []struct {
		name string
		also []session.Accept
		ops  []string
		want []string // name, Domain and Path of the cookies that are expired, in order
	}{
		{"one with and one without a domain", []session.Accept{{Name: "old", Codec: old}, {Name: "old", Domain: "app.example", Codec: old}},
			[]string{"logout"}, []string{"__Host-sid; Path=/", "old; Path=/", "old; Domain=app.example; Path=/"}},
		{"two paths", []session.Accept{{Name: "old", Path: "/a", Codec: old}, {Name: "old", Path: "/b", Codec: old}},
			[]string{"logout"}, []string{"__Host-sid; Path=/", "old; Path=/a", "old; Path=/b"}},
		{"two kinds of one cookie", []session.Accept{{Name: "old", Codec: old}, {Name: "old", Codec: session.Express(secret)}},
			[]string{"logout"}, []string{"__Host-sid; Path=/", "old; Path=/"}},
		{"a domain with and without its dot", []session.Accept{{Name: "old", Domain: ".app.example", Codec: old}, {Name: "old", Domain: "App.example", Codec: session.Express(secret)}},
			[]string{"logout"}, []string{"__Host-sid; Path=/", "old; Domain=.app.example; Path=/"}},
		{"a new session after the log-out", []session.Accept{{Name: "old", Path: "/a", Codec: old}, {Name: "old", Path: "/b", Codec: old}},
			[]string{"logout", "set k v"}, []string{"old; Path=/a", "old; Path=/b"}},
		{"a log-out that is saved twice", []session.Accept{{Name: "old", Path: "/a", Codec: old}, {Name: "old", Path: "/b", Codec: old}},
			[]string{"logout", "save", "set k v", "save", "logout"}, []string{"__Host-sid; Path=/", "old; Path=/a", "old; Path=/b"}},
	} {
		st := newScripted()
		m := newManager(t, st, func(c *session.Config) { c.AlsoAccept = row.also })
		b := open(t, m)
		b.Get(path("login 1")).Want(t, 200, "")
		r := httptest.NewRequest("GET", "https://app.example"+path(row.ops...), nil)
		r.Header.Set("Cookie", cookieName+"="+b.Cookie(cookieName)+"; old=x")
		w := newRecorder()
		app(m).ServeHTTP(w, r)
		var got []string
		for _, line := range w.Header()["Set-Cookie"] {
			name, _, _ := strings.Cut(line, "=")
			if attrs, _, expired := strings.Cut(line, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT"); expired {
				got = append(got, name+strings.TrimPrefix(attrs, name+"="))
			}
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if w.Code != 200 || !slices.Equal(got, row.want) {
			t.Errorf("%s: status %d, expired %q, want 200 and %q", row.name, w.Code, got, row.want)
		}
	}
}

// TestS8_LogOutExpiresEveryCookieThatWasEverSet under one name, and ends their sessions.
func TestS8_LogOutExpiresEveryCookieThatWasEverSet(t *testing.T) {
	codec := session.SecureCookie(secret)
	for _, row := range []struct {
		name string
		was  session.Accept // the other attributes are the primary's
		now  func(*session.Config)
		want []string // the expired cookies
	}{
		{"from a domain to the host", session.Accept{Domain: "app.example"}, func(*session.Config) {}, []string{"sid; Path=/", "sid; Domain=app.example; Path=/"}},
		{"from the host to a domain", session.Accept{}, func(c *session.Config) { c.Domain = "app.example" }, []string{"sid; Domain=app.example; Path=/", "sid; Path=/"}},
		{"from a path that the log-out is not below", session.Accept{Path: "/shop"}, func(*session.Config) {}, []string{"sid; Path=/shop"}}, // the browser sends nothing
		{"to a cookie of each partition", session.Accept{}, func(c *session.Config) { c.Partitioned = true }, []string{"sid; Path=/; Partitioned", "sid; Path=/"}},
		{"and back", session.Accept{Partitioned: true}, func(*session.Config) {}, []string{"sid; Path=/", "sid; Path=/; Partitioned"}},
	} {
		st := newScripted()
		before := newManager(t, st, func(c *session.Config) {
			c.Name, c.Codec, c.Domain, c.Path, c.Partitioned = "sid", codec, row.was.Domain, row.was.Path, row.was.Partitioned
		})
		w := newRecorder()
		app(before).ServeHTTP(w, httptest.NewRequest("GET", "https://app.example"+path("login 1"), nil))
		sent, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		now := newManager(t, st, func(c *session.Config) {
			row.was.Name, row.was.Codec = "sid", codec
			c.Name, c.Codec, c.AlsoAccept = "sid", codec, []session.Accept{row.was}
			row.now(c)
		})
		r := httptest.NewRequest("GET", "https://app.example"+path("logout"), nil)
		if row.was.Path == "" {
			r.Header.Set("Cookie", sent)
		}
		w = newRecorder()
		app(now).ServeHTTP(w, r)
		var got []string
		for _, line := range w.Header()["Set-Cookie"] {
			line = strings.Replace(line, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure", "", 1)
			got = append(got, strings.Replace(strings.TrimSuffix(line, "; SameSite=Lax"), "=;", ";", 1))
		}
		if lives := len(st.ids()) != 0; !slices.Equal(got, row.want) || lives != (row.was.Path != "") {
			t.Errorf("%s: expired %q, want %q; the session lives: %v", row.name, got, row.want, lives)
		}
	}
}

// TestS8_WhichPathABrowserAskedFor is the path in the request line, whatever a middleware inside or outside
// made of the URL.
func TestS8_WhichPathABrowserAskedFor(t *testing.T) {
	m := newManager(t, newScripted(), func(c *session.Config) {
		c.AlsoAccept = []session.Accept{{Name: "old", Path: "/shop", Codec: session.SecureCookie(secret)}}
	})
	out := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := session.FromContext(r.Context())
		if err == nil {
			err = s.Destroy(r.Context())
		}
		if err != nil {
			t.Error(err)
		}
	})
	rewritten := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/shop/log-out"
		out.ServeHTTP(w, r)
	})
	for _, row := range []struct {
		name, path string
		h          http.Handler
		want       bool // the cookie for /shop, which the browser did not send, is expired
	}{
		{"as it is", "/log-out", m.Handler(out), true},
		{"rewritten inside", "/log-out", m.Handler(rewritten), true},
		{"below the cookie's path", "/shop/log-out", m.Handler(out), false},
		{"with a prefix that is cut off outside", "/shop/log-out", http.StripPrefix("/shop", m.Handler(out)), false},
		{"by an absolute address, as proxies ask", "https://app.example/log-out", m.Handler(rewritten), true},
	} {
		w := newRecorder()
		row.h.ServeHTTP(w, httptest.NewRequest("GET", row.path, nil))
		if got := strings.Contains(strings.Join(w.Header()["Set-Cookie"], "\n"), "old=; Path=/shop"); got != row.want {
			t.Errorf("%s: got %q, want it to be expired: %t", row.name, w.Header()["Set-Cookie"], row.want)
		}
	}
}
