package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/strategy"
)

// redirectOf calls s without a guard, with b's cookies, and returns where it sends b.
func redirectOf[U any](t *testing.T, s strategy.Strategy[U], b *browser.Browser, path string) string {
	t.Helper()
	var to *strategy.Redirect
	if err := ask(s, b, path); !errors.As(err, &to) {
		t.Fatalf("got %v, want a redirect", err)
	}
	return to.URL
}

// httpAnswer sends the provider's answer to s without a guard.
func httpAnswer[U any](t *testing.T, s strategy.Strategy[U], b *browser.Browser, in url.Values) error {
	t.Helper()
	return ask(s, b, "/callback?"+in.Encode())
}

// ask calls s, and stores the cookies that it sets in b.
func ask[U any](s strategy.Strategy[U], b *browser.Browser, path string) error {
	r := b.Request(http.MethodGet, path, "")
	rec := httptest.NewRecorder()
	_, err := s.Authenticate(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			c.Value = ""
		}
		b.SetCookie(c.Name, c.Value)
	}
	return err
}
