// Package browser calls an http.Handler as a browser would: with a cookie jar, over https, but without a
// network, so that tests can run on the clock of testing/synctest.
package browser

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Browser is one visitor. It is safe for concurrent use.
type Browser struct {
	t       testing.TB
	handler http.Handler
	base    *url.URL
	jar     *cookiejar.Jar

	mu     sync.Mutex
	header http.Header
}

// New returns a visitor of handler with an empty jar, at https://app.example.
func New(t testing.TB, handler http.Handler) *Browser {
	return At(t, handler, "https://app.example")
}

// At is New for another origin.
func At(t testing.TB, handler http.Handler, origin string) *Browser {
	t.Helper()
	base, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, handler: handler, base: base, jar: jar, header: http.Header{}}
}

// Twin returns another browser with a copy of the current cookies.
func (b *Browser) Twin() *Browser {
	b.t.Helper()
	c := At(b.t, b.handler, b.base.String())
	c.jar.SetCookies(b.base, b.jar.Cookies(b.base))
	return c
}

// Header sets a header for every later request.
func (b *Browser) Header(name, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.header.Set(name, value)
}

// Request builds a request with the jar's cookies.
func (b *Browser) Request(method, path, body string) *http.Request {
	b.t.Helper()
	r := httptest.NewRequest(method, b.base.String()+path, strings.NewReader(body))
	b.mu.Lock()
	maps.Copy(r.Header, b.header)
	b.mu.Unlock()
	for _, c := range b.jar.Cookies(b.base) {
		r.AddCookie(c)
	}
	return r
}

// Do sends r, does not follow redirects, and keeps the cookies of the response.
func (b *Browser) Do(r *http.Request) Answer {
	b.t.Helper()
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.jar.SetCookies(b.base, res.Cookies())
	return Answer{res, string(body)}
}

// Get fetches path.
func (b *Browser) Get(path string) Answer {
	b.t.Helper()
	return b.Do(b.Request(http.MethodGet, path, ""))
}

// Post sends a form, given as pairs of name and value, as a page of the same origin does.
func (b *Browser) Post(path string, form ...string) Answer {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	r := b.Request(http.MethodPost, path, v.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.Do(r)
}

// Cookie returns the value of the named cookie in the jar, or "".
func (b *Browser) Cookie(name string) string {
	for _, c := range b.jar.Cookies(b.base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie puts a cookie into the jar.
func (b *Browser) SetCookie(name, value string) {
	b.jar.SetCookies(b.base, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: b.base.Scheme == "https"}})
}

// Answer is a response with its body read.
type Answer struct {
	*http.Response
	Text string
}

// Want fails the test unless the response has the status and its text contains part.
func (a Answer) Want(t testing.TB, status int, part string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.Text, part) {
		t.Fatalf("got %d %q, want %d with %q", a.StatusCode, a.Text, status, part)
	}
}
