package oidc_test

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/strategy"
)

// follow opens path as a browser does and follows redirects, also to the provider, whose answer end may
// change. It returns the last answer and the addresses that it visited.
func (w *world) follow(b *browser.Browser, path string, end func(url.Values)) (browser.Answer, []string) {
	w.t.Helper()
	trail := []string{path}
	for {
		a := visit(b, http.MethodGet, path)
		to := a.Header.Get("Location")
		if to == "" || len(trail) > 20 {
			return a, trail
		}
		if strings.HasPrefix(to, issuer) {
			in := w.op.authorize(to)
			if end != nil {
				end(in)
			}
			to = "/login/op/callback?" + in.Encode()
		}
		path = strings.TrimPrefix(to, "https://app.example")
		trail = append(trail, path)
	}
}

// loginURLs are places to which a guard can send browsers.
var loginURLs = []struct{ name, url string }{
	{"none", ""},
	{"a page", "/login"},
	{"an absolute page", "https://app.example/login"},
	{"a page that is guarded", "/guarded"},
	{"an absolute page that is guarded", "https://app.example/guarded"},
	{"the start of the log-in", "/login/op"},
	{"the absolute start of the log-in", "https://app.example/login/op"},
}

// newCallbackWorld returns an application with a page at each of loginURLs.
func newCallbackWorld(t testing.TB, loginURL string, remembered session.Config) *world {
	t.Helper()
	w := newGuardedWorld(t, guard.Config{LoginURL: loginURL}, remembered)
	page := func(text string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, text) })
	}
	w.mux.Handle("GET /login", page("log in here"))
	w.mux.Handle("GET /guarded", w.auth.RequireAuth(page("guarded")))
	w.mux.Handle("GET /pay", w.auth.RequireFresh(5*time.Minute)(page("paid")))
	return w
}

// TestEveryWayACallbackCanEnd follows all redirects: there is no redirect loop, refused credentials get an
// error page, and a user who is logged in stays logged in.
func TestEveryWayACallbackCanEnd(t *testing.T) {
	refusal := func(code string) func(*world, url.Values) {
		return func(_ *world, in url.Values) { in.Del("code"); in.Set("error", code) }
	}
	for _, row := range []struct {
		name   string
		end    func(*world, url.Values) // changes the provider's answer
		status int                      // the status of the callback the first time
		again  int                      // the status the second time, for a visitor
	}{
		{"well", func(*world, url.Values) {}, 200, 200},
		{"the user says no", refusal("access_denied"), 401, 401},
		{"the provider is down", refusal("temporarily_unavailable"), 503, 401},
		{"the application refuses the user", func(w *world, _ url.Values) { w.err = strategy.ErrUnauthenticated }, 401, 401},
		{"the application refuses with a status", func(w *world, _ url.Values) { w.err = &strategy.Failure{Status: 403} }, 403, 401},
		{"the application's database is down", func(w *world, _ url.Values) { w.err = errors.New("down") }, 503, 401},
		{"the code is not taken", func(_ *world, in url.Values) { in.Set("code", "made up") }, 401, 401},
		{"it is another provider's answer", func(_ *world, in url.Values) { in.Set("iss", "https://evil.example") }, 401, 401},
		{"it was begun elsewhere", func(_ *world, in url.Values) { in.Set("state", "made up") }, 401, 401},
		{"it is no answer that a provider sends", func(_ *world, in url.Values) { in.Del("state") }, 400, 400},
		{"the ID token is no good", func(w *world, _ url.Values) { w.op.claims = func(c map[string]any) { c["nonce"] = "x" } }, 401, 401},
	} {
		for _, login := range loginURLs {
			for _, loggedIn := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, LoginURL %s, logged in %t", row.name, login.name, loggedIn), func(t *testing.T) {
					w := newCallbackWorld(t, login.url, session.Config{})
					b := w.open()
					if loggedIn {
						b = w.loggedIn()
					}
					var callback string
					first, trail := w.follow(b, "/login/op?return_to=/me", func(in url.Values) {
						row.end(w, in)
						callback = "/login/op/callback?" + in.Encode()
					})
					want := row.status
					if loggedIn && row.name == "it was begun elsewhere" {
						want = 200 // nothing was proved, and the user stays logged in
					}
					if first.StatusCode != want || len(trail) > 3 {
						t.Errorf("the first time: got %d by %q, want %d", first.StatusCode, trail, want)
					}
					second, trail := w.follow(b, callback, nil)
					want = row.again
					if loggedIn && want == 401 {
						want = 200
					}
					if second.StatusCode != want || len(trail) > 2 {
						t.Errorf("again: got %d by %q, want %d", second.StatusCode, trail, want)
					}
					w.err, w.op.claims = nil, nil
					if me := visit(b, http.MethodGet, "/me"); (me.StatusCode == 200) != (loggedIn || row.name == "well") {
						t.Errorf("afterwards /me answers %d", me.StatusCode)
					}
				})
			}
		}
	}
}

// TestAVisitorIsSentToTheLogInAndNotInACircle, with each of loginURLs.
func TestAVisitorIsSentToTheLogInAndNotInACircle(t *testing.T) {
	for _, login := range loginURLs {
		for _, host := range []string{"", "internal.example:8080"} { // the Host that a proxy sends
			w := newCallbackWorld(t, login.url, session.Config{})
			b := w.open()
			if host != "" {
				inner := w.mux
				b = browser.New(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					r.Host = host
					inner.ServeHTTP(rw, r)
				}))
			}
			want := map[string]int{"none": 401, "a page that is guarded": 401, "an absolute page that is guarded": 401}[login.name]
			if want == 0 {
				want = 200
			}
			for _, path := range []string{"/me", "/guarded", "/guarded?return_to=/me"} {
				a, trail := w.follow(b.Twin(), path, nil)
				most := 5
				if host == "" && want == 401 && path == "/guarded" {
					most = 1 // the redirect to itself is detected at once
				}
				if a.StatusCode != want || len(trail) > most {
					t.Errorf("LoginURL %s, host %q, %s: got %d by %q, want %d", login.name, host, path, a.StatusCode, trail, want)
				}
			}
		}
	}
}

// TestACallbackIsNeverAReturnTo: it works only once.
func TestACallbackIsNeverAReturnTo(t *testing.T) {
	w := newCallbackWorld(t, "/login", session.Config{})
	op, _ := linkable(t, w)
	b := w.loggedIn()
	in := op.authorize(b.Post("/link/hub").Header.Get("Location"))
	b.SetCookie("__Host-sid", "") // the log-in ends while the user is at the provider
	a := visit(b, http.MethodGet, "/link/hub?"+in.Encode())
	if got := a.Header.Get("Location"); got != "/login" {
		t.Errorf("got sent to %q, want the log-in page without a return_to", got)
	}
}

// TestAFreshLogInIsNoCircle: the provider's session lasts an hour, and the page requires a log-in of the last
// five minutes. The log-in is accepted if the provider asks for credentials again, and refused if it does
// not.
func TestAFreshLogInIsNoCircle(t *testing.T) {
	for _, asks := range []bool{true, false} {
		for _, login := range loginURLs {
			if !strings.HasSuffix(login.url, "/login/op") {
				continue
			}
			w := newCallbackWorld(t, login.url, session.Config{})
			old := func(c map[string]any) { c["auth_time"] = time.Now().Add(-time.Hour).Unix() }
			w.op.claims = old
			b := w.loggedIn()
			if asks {
				w.op.claims = func(c map[string]any) { c["auth_time"] = time.Now().Unix() }
			}
			a, trail := w.follow(b, "/pay", nil)
			want := http.StatusUnauthorized
			if asks {
				want = http.StatusOK
			}
			if a.StatusCode != want || len(trail) > 4 || !slices.ContainsFunc(trail, func(p string) bool { return strings.Contains(p, "max_age=300") }) {
				t.Errorf("LoginURL %s, the provider asks again %t: got %d by %q, want %d", login.name, asks, a.StatusCode, trail, want)
			}
		}
	}
}

// TestSessionsOfOneSiteWorkWithAProvider: a browser does not send a SameSite=Strict cookie with a request
// that another site started, nor with redirects that follow it. A page of ours that starts a new request
// solves that.
func TestSessionsOfOneSiteWorkWithAProvider(t *testing.T) {
	foreign := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	for _, mode := range []http.SameSite{http.SameSiteLaxMode, http.SameSiteStrictMode} {
		for _, login := range loginURLs {
			w := newCallbackWorld(t, login.url, session.Config{SameSite: mode})
			op, linked := linkable(t, w)
			b := w.open()
			in := w.op.authorize(w.begin(b))
			callback := "/login/op/callback?" + in.Encode()
			first := visit(b, "GET", callback, foreign...)
			if mode == http.SameSiteLaxMode {
				first.Want(t, http.StatusSeeOther, "")
				continue
			}
			page := html.EscapeString(callback)
			first.Want(t, http.StatusOK, `<meta http-equiv="refresh" content="0;url=`+page+`">`)
			first.Want(t, http.StatusOK, `<a href="`+page+`">Go on</a>`)
			if c := first.Header.Get("Cache-Control"); c != "no-store" {
				t.Errorf("LoginURL %s: the page that continues may be cached: %q", login.name, c)
			}
			visit(b, "GET", callback, "Sec-Fetch-Site", "same-origin").Want(t, http.StatusSeeOther, "")
			me := b.Twin()
			me.SetCookie("__Host-sid", "") // the browser does not send it
			visit(me, "GET", "/me", foreign...).Want(t, http.StatusOK, `content="0;url=/me"`)
			visit(b, "GET", "/me", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusOK, "hello")
			// A visitor who is not logged in is refused then.
			if a := visit(w.open(), "GET", "/me", "Sec-Fetch-Site", "same-origin"); a.StatusCode == http.StatusOK {
				t.Errorf("LoginURL %s: a stranger gets %d %s", login.name, a.StatusCode, a.Text)
			}
			// A flow that is bound to the user works too.
			in = op.authorize(b.Post("/link/hub").Header.Get("Location"))
			callback = "/link/hub?" + in.Encode()
			kept := b.Twin()
			kept.SetCookie("__Host-sid", "")
			visit(kept, "GET", callback, foreign...).Want(t, http.StatusOK, "refresh")
			visit(b, "GET", callback, "Sec-Fetch-Site", "same-origin").Want(t, http.StatusOK, "linked")
			if len(linked) != 1 {
				t.Errorf("LoginURL %s: linked %v", login.name, linked)
			}
			// Requests that are not for a page do not get that page.
			for _, not := range [][]string{{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}} {
				if a := visit(kept, "GET", "/me", not...); strings.Contains(a.Text, "refresh") {
					t.Errorf("%q: got %s", not, a.Text)
				}
			}
		}
	}
}
