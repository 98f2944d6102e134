package guard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// returnTos are addresses to which a request may ask to be redirected.
var returnTos = []struct {
	name, target string
	safe         bool
}{
	{"the root", "/", true},
	{"a path", "/orders/1", true},
	{"a path with a slash at the end", "/orders/", true},
	{"a query", "/search?q=a+b&next=https://x.example//y", true},
	{"a fragment", "/page#part", true},
	{"percent-encoded letters", "/caf%C3%A9", true},
	{"an at sign", "/@joe", true},
	{"a colon", "/a:b", true},
	{"a dot in a name", "/.well-known/x.y..z", true},
	{"nothing", "", false},
	{"a relative path", "orders", false},
	{"a query alone", "?a=b", false},
	{"an absolute URL", "https://evil.example/", false},
	{"this site's absolute URL", "https://app.example/", false},
	{"a script", "javascript:alert(1)", false},
	{"a host", "//evil.example", false},
	{"a host that is empty", "//", false},
	{"a host that is empty, and a query", "//?a=b", false},
	{"a host after three slashes", "///evil.example", false},
	{"a host after a backslash", `/\evil.example`, false},
	{"a host after two backslashes", `\\evil.example`, false},
	{"a backslash in the middle", `/a\b`, false},
	{"a backslash in the query", `/a?b=\c`, false},
	{"a tab that browsers drop", "/\t/evil.example", false},
	{"a line break that browsers drop", "/\n/evil.example", false},
	{"a line break for a header", "/a\r\nSet-Cookie: x=y", false},
	{"a space in front", " //evil.example", false},
	{"a space inside", "/a b", false},
	{"a NUL", "/\x00/evil.example", false},
	{"a DEL", "/\x7f", false},
	{"an encoded slash", "/%2fevil.example", false},
	{"two encoded slashes", "/%2f%2fevil.example", false},
	{"an encoded backslash", "/%5cevil.example", false},
	{"an encoded tab", "/%09/evil.example", false},
	{"an encoded line break", "/%0d%0aSet-Cookie:x", false},
	{"user information", "//user@evil.example", false},
	{"user information and a path", "https://app.example@evil.example", false},
	{"a fullwidth slash", "/／evil.example", false},
	{"a division slash", "/∕evil.example", false},
	{"letters beyond ASCII", "/café", false},
	{"a byte that is no UTF-8", "/\xff", false},
	{"a way up", "/../evil.example", false},
	{"a way up, inside", "/a/../../evil.example", false},
	{"an encoded way up", "/%2e%2e/evil.example", false},
	{"a way up to a host", "/..//evil.example", false},
	{"a dot segment before a host", "/.//evil.example", false},
	{"two slashes inside", "/a//evil.example", false},
	{"two slashes at the end", "/a//", false},
	{"four slashes", "////evil.example", false},
	{"two slashes and a backslash", `//\evil.example`, false},
	{"slashes and backslashes in turn", `/\/\evil.example`, false},
	{"a slash, a backslash, a slash", `/\/evil.example`, false},
	{"a backslash first", `\/evil.example`, false},
	{"a backslash and a tab", "/\t\\evil.example", false},
	{"a tab first", "\t//evil.example", false},
	{"a tab inside of the host", "//ev\til.example", false},
	{"a carriage return that browsers drop", "/\r/evil.example", false},
	{"both line breaks that browsers drop", "/\r\n/evil.example", false},
	{"a line break at the end", "/a\n", false},
	{"a vertical tab", "/\v/evil.example", false},
	{"a unit separator first", "\x1f//evil.example", false},
	{"a scheme alone", "http:", false},
	{"a scheme without slashes", "http:evil.example", false},
	{"this site's scheme without slashes", "https:evil.example", false},
	{"a scheme with one slash", "https:/evil.example", false},
	{"a scheme with three slashes", "https:///evil.example", false},
	{"a scheme with backslashes", `https:\\evil.example`, false},
	{"a scheme in capitals", "HTTPS://evil.example", false},
	{"a scheme with a tab in it", "java\tscript:alert(1)", false},
	{"a script with a comment that looks like a path", "javascript://app.example/%0aalert(1)", false},
	{"a script behind a slash", "/javascript:alert(1)", true},
	{"data", "data:text/html,<script>alert(1)</script>", false},
	{"a view of the source", "view-source:https://evil.example", false},
	{"a file", "file:///etc/passwd", false},
	{"a blob", "blob:https://evil.example/1", false},
	{"a mail", "mailto:joe@evil.example", false},
	{"a colon and a host", "://evil.example", false},
	{"a name without a slash", "evil.example", false},
	{"a host and a port", "evil.example:443/", false},
	{"a host with a dot at the end", "//evil.example.", false},
	{"an address", "//192.0.2.1/", false},
	{"an address as a number", "//3221225985", false},
	{"an IPv6 address", "//[2001:db8::1]/", false},
	{"an IPv6 address with a zone", "//[fe80::1%25en0]/", false},
	{"brackets in a path", "/[2001:db8::1]/", true},
	{"an empty user", "//@evil.example", false},
	{"this site as the user", "//app.example@evil.example", false},
	{"this site as the user, with a password", "//app.example:443@evil.example/", false},
	{"this site as a sub-domain", "//app.example.evil.example", false},
	{"an escaped at sign before the host", "//app.example%40evil.example", false},
	{"a fragment first", "#//evil.example", false},
	{"a query first", "?//evil.example", false},
	{"a host in the query", "/?//evil.example", true},
	{"a host in the fragment", "/#//evil.example", true},
	{"an absolute URL in the query", "/?to=https://evil.example", true},
	{"a backslash in the fragment", `/#\evil.example`, false},
	{"a dot, a slash and a space", "/./ /evil.example", false},
	{"a dot segment", "/./evil.example", false},
	{"a dot segment before two slashes", "/.//evil.example/..", false},
	{"an encoded dot segment", "/%2e/evil.example", false},
	{"a half encoded way up", "/.%2e/evil.example", false},
	{"a way up by an encoded slash", "/a/..%2fevil.example", false},
	{"a way up at the end", "/a/..", false},
	{"three dots", "/.../evil.example", true},
	{"a dot at the end of a name", "/evil.example.", true},
	{"encoded slashes without one", "%2f%2fevil.example", false},
	{"encoded slashes in capitals", "/%2F%2Fevil.example", false},
	{"an encoded slash at the end", "/a%2f", true},
	{"an encoded slash before one", "/a%2f/evil.example", false},
	{"encoded backslashes without a slash", "%5c%5cevil.example", false},
	{"two encoded backslashes", "/%5C%5Cevil.example", false},
	{"a slash that is encoded twice", "/%252f%252fevil.example", true},
	{"an encoded NUL", "/%00/evil.example", false},
	{"an encoded NUL at the end", "/a%00", false},
	{"an encoded space", "/a%20b", true},
	{"an encoded DEL", "/%7f", false},
	{"an overlong slash", "/%c0%afevil.example", false},
	{"an overlong slash in three bytes", "/%e0%80%afevil.example", false},
	{"an encoded byte that is no UTF-8", "/%ff", false},
	{"an encoded fullwidth slash", "/%EF%BC%8Fevil.example", true},
	{"a fullwidth dot", "//evil．example", false},
	{"an ideographic full stop", "//evil。example", false},
	{"a line separator", "/\u2028/evil.example", false},
	{"a space without width", "/\u200b/evil.example", false},
	{"a byte order mark first", "\ufeff//evil.example", false},
	{"a space that does not break", "\u00a0//evil.example", false},
	{"a next-line control", "/\u0085/evil.example", false},
	{"a path of 64 KiB", "/" + strings.Repeat("a", 64<<10), false},
	{"a host behind 2 KiB of slashes", strings.Repeat("/", 2047) + "e", false},
	{"a broken escape", "/%zz", false},
	{"half an escape", "/%2", false},
	{"the longest", "/" + strings.Repeat("a", 2047), true},
	{"longer", "/" + strings.Repeat("a", 2048), false},
}

func TestASVS_3_7_2_ReturnToIsALocalPath(t *testing.T) {
	for _, row := range returnTos {
		got, ok := guard.SafeReturnTo(row.target)
		want := row.target
		if !row.safe {
			want = ""
		}
		if ok != row.safe || got != want {
			t.Errorf("%s: SafeReturnTo(%q): got %q, %v, want %q, %v", row.name, row.target, got, ok, want, row.safe)
		}
	}
}

// browserHost returns the scheme and host to which a browser at https://app.example/x goes for target,
// according to the URL standard: strip controls and spaces at the ends, drop tabs and line breaks, treat a
// backslash as a slash.
//
// https://url.spec.whatwg.org/#concept-basic-url-parser
func browserHost(target string) (scheme, host string) {
	target = strings.TrimFunc(target, func(c rune) bool { return c <= ' ' })
	target = strings.Map(func(c rune) rune {
		switch c {
		case '\t', '\n', '\r':
			return -1
		case '\\':
			return '/'
		}
		return c
	}, target)
	scheme, host = "https", "app.example"
	authority := strings.HasPrefix(target, "//")
	if i := strings.IndexAny(target, ":/?#"); i > 0 && target[i] == ':' {
		scheme, target = strings.ToLower(target[:i]), target[i+1:]
		switch authority = strings.HasPrefix(target, "//"); scheme {
		case "https": // the base's: without two slashes it is a relative reference
		case "http", "ws", "wss", "ftp": // special schemes have a host, slashes or not
			authority = true
		default:
			return scheme, ""
		}
	}
	if authority {
		host = strings.TrimLeft(target, "/")
		if i := strings.IndexAny(host, "/?#"); i >= 0 {
			host = host[:i]
		}
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = host[i+1:]
		}
	}
	return scheme, strings.ToLower(host)
}

func TestBrowserHostKnowsTheTricks(t *testing.T) {
	for _, row := range []struct{ target, scheme, host string }{
		{"/x", "https", "app.example"},
		{"//evil.example/x", "https", "evil.example"},
		{`/\evil.example`, "https", "evil.example"},
		{"/\t/evil.example", "https", "evil.example"},
		{" ///evil.example", "https", "evil.example"},
		{"//user@evil.example", "https", "evil.example"},
		{"http://evil.example", "http", "evil.example"},
		{"http:evil.example", "http", "evil.example"},
		{"https:evil.example", "https", "app.example"},
		{"https:/evil.example", "https", "app.example"},
		{"https:///evil.example", "https", "evil.example"},
		{`https:\\evil.example`, "https", "evil.example"},
		{"HTTPS://app.example@evil.example:8443/x", "https", "evil.example:8443"},
		{"?//evil.example", "https", "app.example"},
		{"#//evil.example", "https", "app.example"},
		{"//[2001:db8::1]/", "https", "[2001:db8::1]"},
		{"/./ /evil.example", "https", "app.example"},
		{"data:text/html,x", "data", ""},
		{"java\tscript:alert(1)", "javascript", ""},
		{"javascript:alert(1)", "javascript", ""},
	} {
		if scheme, host := browserHost(row.target); scheme != row.scheme || host != row.host {
			t.Errorf("%q: got %s, %s, want %s, %s", row.target, scheme, host, row.scheme, row.host)
		}
	}
}

// FuzzReturnTo: an accepted address stays on the site, for net/url and for a browser, even if somebody
// decodes its path again and redirects to that.
func FuzzReturnTo(f *testing.F) {
	for _, row := range returnTos {
		f.Add(row.target)
	}
	base, err := url.Parse("https://app.example/x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		got, ok := guard.SafeReturnTo(target)
		if !ok {
			if got != "" {
				t.Errorf("%q: refused, but got %q", target, got)
			}
			return
		}
		if got != target {
			t.Errorf("%q: got %q, want it unchanged", target, got)
		}
		u, err := base.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "app.example" || u.User != nil {
			t.Fatalf("%q: net/url goes to %v, %v", target, u, err)
		}
		for _, s := range []string{got, u.Path} {
			if scheme, host := browserHost(s); scheme != "https" || host != "app.example" {
				t.Errorf("%q: a browser goes to %s://%s for %q", target, scheme, host, s)
			}
		}
		if strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%q: a line break would split the header", target)
		}
	})
}

func TestReturnToIsOfTheQueryOrTheForm(t *testing.T) {
	for _, row := range []struct{ name, query, form, want string }{
		{"neither", "", "", ""},
		{"the query", "?return_to=/a", "", "/a"},
		{"the form", "", "return_to=/b", "/b"},
		{"both", "?return_to=/a", "return_to=/b", "/a"},
		{"the query's is not safe", "?return_to=//evil.example", "return_to=/b", "/b"},
		{"neither is safe", "?return_to=%5C", "return_to=https://evil.example", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/login"+row.query, strings.NewReader(row.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := guard.ReturnTo(r); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
