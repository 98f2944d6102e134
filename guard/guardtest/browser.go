package guardtest

import (
	"crypto/tls"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Browser is one visitor of an application. It sends what a browser sends: the cookies of its jar, and the
// headers Accept, Origin and Sec-Fetch-Site, Mode and Dest. It follows redirects. It uses no network, so it
// works in a bubble of testing/synctest, and it runs no JavaScript: [Browser.Fetch] stands for a script.
// NewBrowser makes one. Only one goroutine may use it.
type Browser struct {
	// Header is added to every request, such as User-Agent. The headers above take precedence, except for
	// the Accept of a Fetch.
	Header http.Header

	t      testing.TB
	app    http.Handler
	origin *url.URL
	jar    *cookiejar.Jar
}

// Page is the response after the redirects.
type Page struct {
	*http.Response // its Body has been read

	URL  string // where the redirects ended: a path with its query; an address of another site is not fetched
	Text string // the body
}

// NewBrowser returns a visitor without cookies. Origin is where app is, such as "https://app.example".
func NewBrowser(t testing.TB, app http.Handler, origin string) *Browser {
	t.Helper()
	at, err := url.Parse(origin)
	if err != nil || at.Host == "" {
		t.Fatalf("guardtest: the origin is %q: give one like https://app.example", origin)
	}
	jar, _ := cookiejar.New(nil) // never an error
	return &Browser{Header: http.Header{}, t: t, app: app, origin: at, jar: jar}
}

// Add puts cookies into the jar, such as those of [LogIn] and [LogInWith].
func (b *Browser) Add(cookies []*http.Cookie) { b.jar.SetCookies(b.origin, cookies) }

// Get goes to a path, as somebody does who types it into the address bar.
func (b *Browser) Get(path string) Page {
	b.t.Helper()
	return b.visit(path, ask{method: http.MethodGet, site: "none"})
}

// Submit sends a form by POST, in pairs of name and value, from a page of the application.
func (b *Browser) Submit(path string, pairs ...string) Page {
	b.t.Helper()
	if len(pairs)%2 != 0 {
		b.t.Fatalf("guardtest: Submit: %q are not pairs of name and value", pairs)
	}
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.visit(path, ask{http.MethodPost, form.Encode(), "application/x-www-form-urlencoded", "same-origin", false})
}

// Fetch sends a request as a script on a page of the application does. A body is sent as JSON; "" means none.
// Where a window is sent to the log-in page, a script is answered 401 with a problem document.
func (b *Browser) Fetch(method, path, body string) Page {
	b.t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	return b.visit(path, ask{method, body, kind, "same-origin", true})
}

// ask is a request without its address.
type ask struct {
	method, body, kind string // kind is the body's Content-Type
	site               string // Sec-Fetch-Site
	script             bool   // sent by a script, not by the window
}

// after returns the request that follows a redirect (Fetch Standard, HTTP-redirect fetch).
func (a ask) after(status int) ask {
	if status == http.StatusSeeOther && a.method != http.MethodHead ||
		(status == http.StatusMovedPermanently || status == http.StatusFound) && a.method == http.MethodPost {
		a.method, a.body, a.kind = http.MethodGet, "", ""
	}
	return a
}

// mostRedirects is the number of redirects that browsers follow.
const mostRedirects = 20

// visit sends a request and follows the redirects.
func (b *Browser) visit(path string, a ask) Page {
	b.t.Helper()
	at, err := b.origin.Parse(path)
	if err != nil {
		b.t.Fatalf("guardtest: the path %q: %v", path, err)
	}
	for range mostRedirects {
		page := b.send(at, a)
		location := page.Header.Get("Location")
		if page.StatusCode < 300 || page.StatusCode > 399 || location == "" {
			return page
		}
		if at, err = at.Parse(location); err != nil {
			b.t.Fatalf("guardtest: %s redirects to %q: %v", page.URL, location, err)
		}
		if at.Scheme != b.origin.Scheme || at.Host != b.origin.Host {
			page.URL = at.String()
			return page
		}
		a = a.after(page.StatusCode)
	}
	b.t.Fatalf("guardtest: %s redirects in circles", at.RequestURI())
	panic("not reached")
}

// send sends one request and stores the cookies of the response.
func (b *Browser) send(at *url.URL, a ask) Page {
	b.t.Helper()
	r := httptest.NewRequest(a.method, at.RequestURI(), strings.NewReader(a.body)).WithContext(b.t.Context())
	r.Host = at.Host // like a server's request, r.URL has neither host nor fragment
	if at.Scheme == "https" {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: at.Hostname()}
	}
	maps.Copy(r.Header, b.Header)
	r.Header.Set("Sec-Fetch-Site", a.site)
	if a.script {
		r.Header.Set("Sec-Fetch-Mode", "cors")
		r.Header.Set("Sec-Fetch-Dest", "empty")
		if r.Header.Get("Accept") == "" {
			r.Header.Set("Accept", "*/*")
		}
	} else {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	}
	if a.kind != "" {
		r.Header.Set("Content-Type", a.kind)
	}
	if a.method != http.MethodGet && a.method != http.MethodHead {
		r.Header.Set("Origin", b.origin.Scheme+"://"+b.origin.Host)
	}
	for _, c := range b.jar.Cookies(at) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.app.ServeHTTP(rec, r)
	res := rec.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("guardtest: %s: %v", at, err)
	}
	b.jar.SetCookies(at, res.Cookies())
	return Page{res, at.RequestURI(), string(text)}
}
