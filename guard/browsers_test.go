package guard_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/strategy"
)

// TestOnlyAWindowIsSentToTheLogInPage: a script would insert the page into a fragment (G23).
func TestOnlyAWindowIsSentToTheLogInPage(t *testing.T) {
	const html = "text/html, */*;q=0.8"
	for _, row := range []struct {
		name   string
		header []string
		window bool
	}{
		{"a link in Chrome, Firefox or Safari", []string{"Accept", html, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{"a frame", []string{"Accept", html, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, true},
		{"a browser over plain http, which says nothing of it", []string{"Accept", html}, true},
		{"a program that navigates and wants JSON", []string{"Accept", "application/json", "Sec-Fetch-Mode", "navigate"}, false},
		{"htmx 2", []string{"Accept", "*/*", "HX-Request", "true", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"htmx 4", []string{"Accept", "text/html", "HX-Request", "true", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"htmx 4 over plain http", []string{"Accept", "text/html", "HX-Request", "true"}, false},
		{"Turbo", []string{"Accept", "text/html, application/xhtml+xml", "X-Turbo-Request-Id", "1", "Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Dest", "empty"}, false},
		{"a Turbo frame over plain http", []string{"Accept", "text/html, application/xhtml+xml", "Turbo-Frame", "cart"}, false},
		{"Unpoly", []string{"Accept", html, "X-Up-Version", "3.11.0", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"Unpoly over plain http", []string{"Accept", html, "X-Up-Version", "3.11.0"}, false},
		{"jQuery's load", []string{"Accept", "text/html, */*; q=0.01", "X-Requested-With", "XMLHttpRequest"}, false},
		{"axios", []string{"Accept", "application/json, text/plain, */*", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"fetch for a fragment", []string{"Accept", "text/html", "Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Dest", "empty"}, false},
		{"EventSource", []string{"Accept", "text/event-stream", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"an image", []string{"Accept", "image/avif,image/webp,*/*;q=0.8", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"a script", []string{"Accept", "*/*", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, false},
		{"curl", []string{"Accept", "*/*"}, false},
	} {
		w := newWorld(t, func(c *guard.Config) { c.LoginURL = "/login" })
		b := w.open()
		for i := 0; i < len(row.header); i += 2 {
			b.Header(row.header[i], row.header[i+1])
		}
		if a := b.Get("/me"); (a.StatusCode == http.StatusSeeOther) != row.window {
			t.Errorf("%s: got %d to %q, want a redirect: %t", row.name, a.StatusCode, a.Header.Get("Location"), row.window)
		}
	}
}

// TestAChallengeThatABrowserCanAnswerIsSent, even if there is a log-in page (G23).
func TestAChallengeThatABrowserCanAnswerIsSent(t *testing.T) {
	w := newWorld(t)
	basic := strategy.NewBasic("staging", w.table.check)
	g, err := guard.New(guard.Config{Sessions: w.sessions, LoginURL: "/login", Logger: w.logger()}, w.table.stamped(), basic)
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("GET /staging", g.Authenticate("basic")(w.hello()))
	b := w.open()
	b.Header("Accept", "text/html")
	a := b.Get("/staging")
	a.Want(t, 401, "")
	if got := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
		t.Errorf("got challenge %q, want Basic's", got)
	}
}

// TestAPrefetchLogsNobodyOut (G25).
func TestAPrefetchLogsNobodyOut(t *testing.T) {
	for _, header := range [][2]string{{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Purpose", "prefetch"}, {"X-Moz", "prefetch"}} {
		w := newWorld(t)
		b := w.loggedIn("joe@test.com")
		r := b.Request("GET", "/logout", "")
		r.Header.Set(header[0], header[1])
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if a := b.Do(r); a.StatusCode != 503 || a.Text != "" {
			t.Errorf("%s: got %d %q, want 503", header, a.StatusCode, a.Text)
		}
		b.Get("/me").Want(t, 200, "hello joe")
		b.Get("/logout").Want(t, 200, "")
		b.Get("/me").Want(t, 401, "")
	}
}

// TestAWebSocketOfAnotherSiteIsRefused: its handshake is a GET with cookies (G25).
func TestAWebSocketOfAnotherSiteIsRefused(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) { c.TrustedOrigins = []string{"https://shop.example"} })
	b := w.loggedIn("joe@test.com")
	for _, row := range []struct {
		name   string
		header []string
		want   int
	}{
		{"of another site", []string{"Origin", "https://evil.example"}, 403},
		{"of another site, with Sec-Fetch-Site", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"of a sub-domain", []string{"Origin", "https://blog.app.example", "Sec-Fetch-Site", "same-site"}, 403},
		{"of a sandboxed page", []string{"Origin", "null"}, 403},
		{"of a trusted site", []string{"Origin", "https://shop.example"}, 200},
		{"of our own page", []string{"Origin", "https://app.example"}, 200},
		{"of a program", nil, 200},
	} {
		r := b.Request("GET", "/me", "")
		r.Header.Set("Connection", "keep-alive, Upgrade")
		r.Header.Set("Upgrade", "websocket")
		for i := 0; i < len(row.header); i += 2 {
			r.Header.Set(row.header[i], row.header[i+1])
		}
		if a := b.Do(r); a.StatusCode != row.want {
			t.Errorf("a handshake %s: got %d, want %d", row.name, a.StatusCode, row.want)
		}
	}
}

// TestTrustedOriginsAreComparedAsBrowsersWriteThem (G24).
func TestTrustedOriginsAreComparedAsBrowsersWriteThem(t *testing.T) {
	for configured, sent := range map[string]string{
		"https://shop.example":            "https://shop.example",
		"https://Shop.Example":            "https://shop.example",
		"https://shop.example:443":        "https://shop.example",
		"http://shop.example:80":          "http://shop.example",
		"https://shop.example:8443":       "https://shop.example:8443",
		"https://bücher.example":          "https://xn--bcher-kva.example",
		"https://BÜCHER.example":          "https://xn--bcher-kva.example",
		"https://münchen.de":              "https://xn--mnchen-3ya.de",
		"https://例え.テスト":                  "https://xn--r8jz45g.xn--zckzah",
		"https://пример.испытание":        "https://xn--e1afmkfd.xn--80akhbyknj4f",
		"https://[2001:0DB8:0:0:0:0:0:1]": "https://[2001:db8::1]",
		"https://[::ffff:1.2.3.4]:444":    "https://[::ffff:102:304]:444",
		"https://xn--bcher-kva.example":   "https://xn--bcher-kva.example",
	} {
		w := newWorld(t, func(c *guard.Config) { c.TrustedOrigins = []string{configured} })
		b := w.loggedIn("joe@test.com")
		if a := from(b, sent, "POST", "/me", ""); a.StatusCode != 200 {
			t.Errorf("%s is configured, a browser sends %s: got %d, want 200", configured, sent, a.StatusCode)
		}
		from(b, "https://evil.example", "POST", "/me", "").Want(t, 403, "")
	}
}

// TestTenantsOriginsAreTrustedByAFunction (G24).
func TestTenantsOriginsAreTrustedByAFunction(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) {
		c.TrustOrigin = func(origin string) bool { return origin == "https://tenant.example" }
	})
	b := w.loggedIn("joe@test.com")
	from(b, "https://tenant.example", "POST", "/me", "").Want(t, 200, "")
	from(b, "https://tenant.example.evil.example", "POST", "/me", "").Want(t, 403, "")
	from(b, "null", "POST", "/me", "").Want(t, 403, "")
	from(b, "", "POST", "/me", "").Want(t, 403, "")
}

// TestAPreflightIsForTheMiddlewareAround: it has no credentials, so a guard does not let it pass (G25).
func TestAPreflightIsForTheMiddlewareAround(t *testing.T) {
	w := newWorld(t, func(c *guard.Config) { c.LoginURL = "/login" })
	r := httptest.NewRequest(http.MethodOptions, "https://app.example/me", nil)
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	if rec.Code != 401 || w.saw() != "[]" {
		t.Errorf("got %d, want 401 and no event", rec.Code)
	}
}
