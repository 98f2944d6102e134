package cookies_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

func TestSetCookieRefuses(t *testing.T) {
	const value = "the-value-is-a-secret"
	type cookie struct {
		cookies.Attributes
		value   string
		expires time.Time
	}
	for _, row := range []struct {
		name   string
		change func(*cookie)
		want   string // part of the error, empty for a valid cookie
	}{
		{"nothing wrong", func(*cookie) {}, ""},
		{"no name", func(c *cookie) { c.Name = "" }, "name is not a token"},
		{"a name with a space", func(c *cookie) { c.Name = "s id" }, "name is not a token"},
		{"a value with a line end", func(c *cookie) { c.value = value + "\r\nX: y" }, "value has bytes"},
		{"a value with a semicolon", func(c *cookie) { c.value = value + "; Domain=evil" }, "value has bytes"},
		{"4096 bytes of name and value", func(c *cookie) { c.value = strings.Repeat("x", 4093) }, ""},
		{"4097 bytes of name and value", func(c *cookie) { c.value = strings.Repeat("x", 4094) }, "take 4097 bytes, browsers keep 4096"},
		{"a path that is not absolute", func(c *cookie) { c.Path = "app" }, `path "app"`},
		{"a path with a semicolon", func(c *cookie) { c.Path = "/;x" }, `path "/;x"`},
		{"a path of 1024 bytes", func(c *cookie) { c.Path = "/" + strings.Repeat("x", 1023) }, ""},
		{"a path of 1025 bytes", func(c *cookie) { c.Path = "/" + strings.Repeat("x", 1024) }, `path "/xxx`},
		{"a domain with a port", func(c *cookie) { c.Domain = "example.com:80" }, `domain "example.com:80"`},
		{"a domain of 253 bytes", func(c *cookie) { c.Domain = strings.Repeat("a.", 126) + "a" }, ""},
		{"a domain of 255 bytes", func(c *cookie) { c.Domain = strings.Repeat("a.", 127) + "a" }, `domain "a.a`},
		{"a year of five digits", func(c *cookie) { c.expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year 10000"},
		{"the year 1600", func(c *cookie) { c.expires = time.Date(1600, 12, 31, 0, 0, 0, 0, time.UTC) }, "year 1600"},
		{"the year 1601", func(c *cookie) { c.expires = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) }, ""},
		{"an unknown priority", func(c *cookie) { c.Priority = "urgent" }, `priority "urgent"`},
		{"an unknown SameSite", func(c *cookie) { c.SameSite = 9 }, "SameSite 9"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := cookie{Attributes: cookies.Attributes{Name: "sid"}, value: value}
			row.change(&c)
			got, err := setCookie(c.Attributes, c.value, c.expires)
			if row.want == "" {
				if err != nil {
					t.Fatalf("error %v, want none", err)
				}
				if !strings.HasPrefix(got, c.Name+"="+c.value) {
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

// Expires is an instant: the zone of the time.Time makes no difference, and parts of a second are dropped.
func TestLineDropsPartOfASecond(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 1, 0, 999_999_999, time.FixedZone("", 3600))
	got, err := setCookie(cookies.Attributes{Name: "n"}, "v", at)
	if want := "n=v; Expires=Mon, 23 Nov 2026 14:01:00 GMT"; got != want || err != nil {
		t.Errorf("Set-Cookie is %q, %v, want %q", got, err, want)
	}
}

func TestLineSaysMaxAgeToo(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 123_000_000, time.UTC)
	for _, row := range []struct {
		name    string
		expires time.Time
		want    string
	}{
		{"a cookie that ends with the browser", time.Time{}, "n=v; Path=/"},
		{"a minute", now.Add(time.Minute), "n=v; Max-Age=60; Path=/; Expires=Mon, 23 Nov 2026 14:01:00 GMT"},
		{"part of a second is dropped", now.Add(1999 * time.Millisecond), "n=v; Max-Age=1; Path=/; Expires=Mon, 23 Nov 2026 14:00:02 GMT"},
		{"less than a second is one, for 0 deletes the cookie", now.Add(time.Millisecond), "n=v; Max-Age=1; Path=/; Expires=Mon, 23 Nov 2026 14:00:00 GMT"},
	} {
		l, err := cookies.NewLine(cookies.Attributes{Name: "n", Path: "/", MaxAge: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.Set("v", now, row.expires); got != row.want || err != nil {
			t.Errorf("%s: Set-Cookie is %q, %v, want %q", row.name, got, err, row.want)
		}
	}
}

// net/http, an independent implementation, reads the same cookie.
func TestLineIsReadable(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 1, 0, 0, time.UTC)
	line, err := setCookie(cookies.Attributes{
		Name: "__Secure-sid", Domain: "example.com", Path: "/app", Priority: "HIGH",
		HTTPOnly: true, Secure: true, Partitioned: true, SameSite: http.SameSiteNoneMode,
	}, "s%3Aid.mac", at)
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
		t.Errorf("net/http does not parse %q, want only Priority=High", got.Unparsed)
	}
}

// A browser deletes a cookie if name, domain and path are those that it was set with.
func TestLineExpires(t *testing.T) {
	for _, row := range []struct {
		name    string
		c       cookies.Attributes
		expires time.Time
		want    string
	}{
		{"a cookie of one host", cookies.Attributes{Name: "__Host-sid", Path: "/", HTTPOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}, time.Time{}, "__Host-sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax"},
		{"a cookie of a domain", cookies.Attributes{Name: "sid", Path: "/", Domain: "example.com", Secure: true}, time.Time{}, "sid=; Domain=example.com; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure"},
		{"a cookie of a path", cookies.Attributes{Name: "sid", Path: "/app"}, time.Time{}, "sid=; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT"},
		{"a persistent cookie", cookies.Attributes{Name: "sid", Path: "/", Partitioned: true, Secure: true, Priority: "low"}, time.Now().Add(time.Hour), "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; Partitioned; Priority=Low"},
	} {
		t.Run(row.name, func(t *testing.T) {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			page := &url.URL{Scheme: "https", Host: "www.example.com", Path: "/app/page"}
			send := func(line string) {
				t.Helper()
				cookie, err := http.ParseSetCookie(line)
				if err != nil {
					t.Fatal(err)
				}
				jar.SetCookies(page, []*http.Cookie{cookie})
			}
			line, err := cookies.NewLine(row.c)
			if err != nil {
				t.Fatal(err)
			}
			set, err := line.Set("v", time.Now(), row.expires)
			if err != nil {
				t.Fatal(err)
			}
			send(set)
			if got := jar.Cookies(page); len(got) != 1 || got[0].Value != "v" {
				t.Fatalf("after setting it the jar holds %v", got)
			}
			if got := line.Expire(); got != row.want {
				t.Errorf("Set-Cookie is %q, want %q", got, row.want)
			}
			send(line.Expire())
			if got := jar.Cookies(page); len(got) != 0 {
				t.Errorf("after the log-out the jar still holds %v", got)
			}
		})
	}
}

func TestScopesOfOneCookie(t *testing.T) {
	for _, row := range []struct {
		name string
		a, b cookies.Attributes
		want bool
	}{
		{"other flags", cookies.Attributes{Name: "sid", Path: "/", Secure: true}, cookies.Attributes{Name: "sid", Path: "/", HTTPOnly: true}, true},
		{"a domain with a dot and in capitals", cookies.Attributes{Name: "sid", Domain: ".app.example"}, cookies.Attributes{Name: "sid", Domain: "App.example"}, true},
		{"a domain and none", cookies.Attributes{Name: "sid", Domain: "app.example"}, cookies.Attributes{Name: "sid"}, false},
		{"two names", cookies.Attributes{Name: "sid"}, cookies.Attributes{Name: "SID"}, false},
		{"one of them in a partition", cookies.Attributes{Name: "sid", Path: "/", Partitioned: true}, cookies.Attributes{Name: "sid", Path: "/"}, false},
		{"two paths", cookies.Attributes{Name: "sid", Path: "/a"}, cookies.Attributes{Name: "sid", Path: "/"}, false},
	} {
		if got := row.a.Scope() == row.b.Scope(); got != row.want {
			t.Errorf("%s: one cookie: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestScopeMayHide(t *testing.T) {
	for _, row := range []struct {
		path, request string
		want          bool
	}{
		{"/", "/", false}, {"/", "/a/b", false}, {"/a", "/a", false}, {"/a", "/a/b", false}, {"/a/", "/a/b", false},
		{"/a", "/", true}, {"/a", "/ab", true}, {"/a/", "/a", true}, {"/a/b", "/a", true}, {"/a", "", true},
	} {
		a := cookies.Attributes{Name: "sid", Path: row.path}
		if s := a.Scope(); s.MayHide(row.request) != row.want {
			t.Errorf("Path=%s and a request for %s: hidden: %v, want %v", row.path, row.request, !row.want, row.want)
		}
	}
}

func TestValidDomain(t *testing.T) {
	for domain, want := range map[string]bool{
		"": true, "example.com": true, ".example.com": true, "localhost": true, "a": true, "a-b.c": true, "10.0.0.1": true,
		".": false, "..": false, "a.": false, "a..b": false, "-a": false, "a-": false, "a b": false, "a_b": false, "a/b": false, "ü.de": false, "http://a": false, "[::1]": false,
		strings.Repeat("x", 63): true, strings.Repeat("x", 64): false,
	} {
		if got := cookies.ValidDomain(domain); got != want {
			t.Errorf("validDomain(%q) = %v, want %v", domain, got, want)
		}
	}
}

func TestPublicSuffix(t *testing.T) {
	for domain, want := range map[string]bool{
		"co.uk": true, ".co.uk": true, "CO.UK": true, "github.io": true, "com.au": true, "workers.dev": true, "com.de": true,
		"shop.co.uk": false, "example.com": false, "me.github.io": false, "uk": false, "": false, "co": false,
	} {
		if got := cookies.PublicSuffix(domain); got != want {
			t.Errorf("PublicSuffix(%q) = %v, want %v", domain, got, want)
		}
	}
}
