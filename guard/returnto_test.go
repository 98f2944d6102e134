package guard_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/guard"
)

// returnTos are addresses that a request may ask to be sent to.
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

// browserHost returns the scheme and host to which a browser at https://app.example/x
// goes for target, by the URL standard: strip controls and spaces at the ends, drop
// tabs and line breaks, treat a backslash as a slash.
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
	if i := strings.IndexAny(target, ":/?#"); i > 0 && target[i] == ':' {
		scheme, target = strings.ToLower(target[:i]), target[i+1:]
		if !strings.HasPrefix(target, "/") && scheme == "https" {
			return scheme, host // a relative reference with the base's scheme
		}
		host = ""
	}
	if strings.HasPrefix(target, "//") {
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
		{"javascript:alert(1)", "javascript", ""},
	} {
		if scheme, host := browserHost(row.target); scheme != row.scheme || host != row.host {
			t.Errorf("%q: got %s, %s, want %s, %s", row.target, scheme, host, row.scheme, row.host)
		}
	}
}

// FuzzReturnTo: what is let through stays on the site, for net/url and for a browser,
// also when somebody decodes its path once more and redirects to that.
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
