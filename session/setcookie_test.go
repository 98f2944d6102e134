package session_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

func TestSetCookieRefuses(t *testing.T) {
	const value = "the-value-is-a-secret"
	good := session.CookieAttrs{Name: "sid", Value: value}
	for _, row := range []struct {
		name   string
		change func(*session.CookieAttrs)
		want   string // part of the error, empty when the cookie is fine
	}{
		{"nothing wrong", func(*session.CookieAttrs) {}, ""},
		{"no name", func(c *session.CookieAttrs) { c.Name = "" }, "name is not a token"},
		{"a name with a space", func(c *session.CookieAttrs) { c.Name = "s id" }, "name is not a token"},
		{"a value with a line end", func(c *session.CookieAttrs) { c.Value = value + "\r\nX: y" }, "value has bytes"},
		{"a value with a semicolon", func(c *session.CookieAttrs) { c.Value = value + "; Domain=evil" }, "value has bytes"},
		{"4096 bytes of name and value", func(c *session.CookieAttrs) { c.Value = strings.Repeat("x", 4093) }, ""},
		{"4097 bytes of name and value", func(c *session.CookieAttrs) { c.Value = strings.Repeat("x", 4094) }, "take 4097 bytes, browsers keep 4096"},
		{"a path that is not absolute", func(c *session.CookieAttrs) { c.Path = "app" }, `path "app"`},
		{"a path with a semicolon", func(c *session.CookieAttrs) { c.Path = "/;x" }, `path "/;x"`},
		{"a path of 1024 bytes", func(c *session.CookieAttrs) { c.Path = "/" + strings.Repeat("x", 1023) }, ""},
		{"a path of 1025 bytes", func(c *session.CookieAttrs) { c.Path = "/" + strings.Repeat("x", 1024) }, `path "/xxx`},
		{"a domain with a port", func(c *session.CookieAttrs) { c.Domain = "example.com:80" }, `domain "example.com:80"`},
		{"a domain of 253 bytes", func(c *session.CookieAttrs) { c.Domain = strings.Repeat("a.", 126) + "a" }, ""},
		{"a domain of 255 bytes", func(c *session.CookieAttrs) { c.Domain = strings.Repeat("a.", 127) + "a" }, `domain "a.a`},
		{"a year of five digits", func(c *session.CookieAttrs) { c.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year 10000"},
		{"the year 1600", func(c *session.CookieAttrs) { c.Expires = time.Date(1600, 12, 31, 0, 0, 0, 0, time.UTC) }, "year 1600"},
		{"the year 1601", func(c *session.CookieAttrs) { c.Expires = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) }, ""},
		{"an unknown priority", func(c *session.CookieAttrs) { c.Priority = "urgent" }, `priority "urgent"`},
		{"an unknown SameSite", func(c *session.CookieAttrs) { c.SameSite = 9 }, "SameSite 9"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := good
			row.change(&c)
			got, err := c.String()
			if row.want == "" {
				if err != nil {
					t.Fatalf("error %v, want none", err)
				}
				if !strings.HasPrefix(got, c.Name+"="+c.Value) {
					t.Errorf("Set-Cookie is %q", got)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.want) || got != "" {
				t.Fatalf("Set-Cookie is %q, error %v, want one that says %q", got, err, row.want)
			}
			if strings.Contains(err.Error(), value) {
				t.Errorf("error %q quotes the value", err)
			}
		})
	}
}

// Expires is an instant: the zone of the time.Time does not matter, and part of a
// second is dropped.
func TestSetCookieExpires(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 1, 0, 999_999_999, time.FixedZone("", 3600))
	got, err := session.CookieAttrs{Name: "n", Value: "v", Expires: at}.String()
	if want := "n=v; Expires=Mon, 23 Nov 2026 14:01:00 GMT"; got != want || err != nil {
		t.Errorf("Set-Cookie is %q, %v, want %q", got, err, want)
	}
}

// net/http, which is not ours, reads the same cookie.
func TestSetCookieIsReadable(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 1, 0, 0, time.UTC)
	line, err := session.CookieAttrs{
		Name: "__Secure-sid", Value: "s%3Aid.mac", Domain: "example.com", Path: "/app", Priority: "HIGH", Expires: at,
		HTTPOnly: true, Secure: true, Partitioned: true, SameSite: http.SameSiteNoneMode,
	}.String()
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.ParseSetCookie(line)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "__Secure-sid" || got.Value != "s%3Aid.mac" || got.Domain != "example.com" || got.Path != "/app" || !got.Expires.Equal(at) ||
		!got.HttpOnly || !got.Secure || !got.Partitioned || got.SameSite != http.SameSiteNoneMode {
		t.Errorf("net/http reads %q as %+v", line, got)
	}
	if len(got.Unparsed) != 1 || got.Unparsed[0] != "Priority=High" {
		t.Errorf("net/http does not know %q, want only Priority=High", got.Unparsed)
	}
}

// A browser deletes a cookie when name, domain and path are those it was set with.
func TestSetCookieExpire(t *testing.T) {
	at := time.Now().Add(time.Hour)
	for _, row := range []struct {
		name string
		c    session.CookieAttrs
		want string
	}{
		{"a cookie of one host", session.CookieAttrs{Name: "__Host-sid", Path: "/", HTTPOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}, "__Host-sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"a cookie of a domain", session.CookieAttrs{Name: "sid", Path: "/", Domain: "example.com", Secure: true}, "sid=; Domain=example.com; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure"},
		{"a cookie of a path", session.CookieAttrs{Name: "sid", Path: "/app"}, "sid=; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT"},
		{"a persistent cookie", session.CookieAttrs{Name: "sid", Path: "/", Expires: at, Partitioned: true, Secure: true, Priority: "low"}, "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; Partitioned; Priority=Low"},
	} {
		t.Run(row.name, func(t *testing.T) {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			page := &url.URL{Scheme: "https", Host: "www.example.com", Path: "/app/page"}
			send := func(c session.CookieAttrs) string {
				t.Helper()
				line, err := c.String()
				if err != nil {
					t.Fatal(err)
				}
				cookie, err := http.ParseSetCookie(line)
				if err != nil {
					t.Fatal(err)
				}
				jar.SetCookies(page, []*http.Cookie{cookie})
				return line
			}
			row.c.Value = "v"
			send(row.c)
			if got := jar.Cookies(page); len(got) != 1 || got[0].Value != "v" {
				t.Fatalf("after setting it the jar holds %v", got)
			}
			row.c.Expire = true
			if got := send(row.c); got != row.want {
				t.Errorf("Set-Cookie is %q, want %q", got, row.want)
			}
			if got := jar.Cookies(page); len(got) != 0 {
				t.Errorf("after the log-out the jar still holds %v", got)
			}
		})
	}
}

func TestValidDomain(t *testing.T) {
	for domain, want := range map[string]bool{
		"": true, "example.com": true, ".example.com": true, "localhost": true, "a": true, "a-b.c": true, "10.0.0.1": true,
		".": false, "..": false, "a.": false, "a..b": false, "-a": false, "a-": false, "a b": false, "a_b": false, "a/b": false, "ü.de": false, "http://a": false, "[::1]": false,
		strings.Repeat("x", 63): true, strings.Repeat("x", 64): false,
	} {
		if got := session.ValidDomain(domain); got != want {
			t.Errorf("validDomain(%q) = %v, want %v", domain, got, want)
		}
	}
}
