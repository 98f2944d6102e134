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

// Browser is one visitor of an application, who asks as a browser's window does: with a cookie jar, the
// headers Accept and Sec-Fetch-Site, and along redirects. There is no network, so that it works in a
// bubble of testing/synctest, and no JavaScript. It is made by [NewBrowser] and used by one goroutine.
type Browser struct {
	// Header is sent with every request, such as User-Agent. The browser's own headers go before.
	Header http.Header

	t      testing.TB
	app    http.Handler
	origin *url.URL
	jar    *cookiejar.Jar
}

// Page is what a browser shows at the end of the redirects.
type Page struct {
	*http.Response // its Body has been read

	URL  string // where it is: a path with its query, or an address elsewhere, which is not fetched
	Text string // of the body
}

// NewBrowser returns a visitor of app, which is at origin, such as "https://app.example".
func NewBrowser(t testing.TB, app http.Handler, origin string) *Browser {
	t.Helper()
	at, err := url.Parse(origin)
	if err != nil || at.Host == "" {
		t.Fatalf("guardtest: the origin is %q: give one like https://app.example", origin)
	}
	jar, _ := cookiejar.New(nil) // never an error
	return &Browser{Header: http.Header{}, t: t, app: app, origin: at, jar: jar}
}

// Add puts cookies into the jar: those of [LogIn].
func (b *Browser) Add(cookies []*http.Cookie) { b.jar.SetCookies(b.origin, cookies) }

// Get goes to a path, as somebody does who types it into the address bar.
func (b *Browser) Get(path string) Page {
	b.t.Helper()
	return b.visit(http.MethodGet, path, "", "none")
}

// Submit sends a form, in pairs of name and value, from a page of the application.
func (b *Browser) Submit(path string, pairs ...string) Page {
	b.t.Helper()
	if len(pairs)%2 != 0 {
		b.t.Fatalf("guardtest: Submit: %q are not pairs of name and value", pairs)
	}
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.visit(http.MethodPost, path, form.Encode(), "same-origin")
}

// mostRedirects is as many as browsers follow.
const mostRedirects = 20

// visit sends a request from a page that is at site, and follows the redirects.
func (b *Browser) visit(method, path, form, site string) Page {
	b.t.Helper()
	at, err := b.origin.Parse(path)
	if err != nil {
		b.t.Fatalf("guardtest: the path %q: %v", path, err)
	}
	for range mostRedirects {
		page := b.send(method, at, form, site)
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
		if page.StatusCode != http.StatusTemporaryRedirect && page.StatusCode != http.StatusPermanentRedirect {
			method, form = http.MethodGet, ""
		}
	}
	b.t.Fatalf("guardtest: %s redirects in circles", at.RequestURI())
	panic("not reached")
}

// send sends one request and keeps the cookies of the answer.
func (b *Browser) send(method string, at *url.URL, form, site string) Page {
	b.t.Helper()
	r := httptest.NewRequest(method, at.RequestURI(), strings.NewReader(form)).WithContext(b.t.Context())
	r.Host = at.Host // the address has neither host nor fragment, as a server gets it
	if at.Scheme == "https" {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: at.Hostname()}
	}
	maps.Copy(r.Header, b.Header)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
