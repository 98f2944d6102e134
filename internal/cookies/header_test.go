package cookies_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/cookies"
)

// valuesOf returns what Values yields for a request with these Cookie lines.
func valuesOf(name string, lines ...string) []string {
	return slices.Collect(cookies.Values(strings.Join(lines, ";"), name))
}

func TestCookieValues(t *testing.T) {
	for _, row := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"no header", nil, nil},
		{"an empty header", []string{""}, nil},
		{"another cookie", []string{"tid=1"}, nil},
		{"one cookie", []string{"sid=1"}, []string{"1"}},
		{"duplicates in their order", []string{"sid=1; a=b; sid=2;sid=3"}, []string{"1", "2", "3"}},
		{"several lines in their order", []string{"sid=1; a=b", "c=d", "sid=2"}, []string{"1", "2"}},
		{"a line that ends in a pair without a value", []string{"sid", "sid=2"}, []string{"2"}},
		{"empty value", []string{"sid=; sid=\"\""}, []string{"", ""}},
		{"other case is another name", []string{"SID=1; Sid=2; sid=3"}, []string{"3"}},
		{"an escaped name is another name", []string{"%73id=1; sid=2"}, []string{"2"}},
		{"a longer and a shorter name", []string{"sid2=1; xsid=2; si=3; sid=4"}, []string{"4"}},
		{"the name as a value", []string{"a=sid; b=sid=5; sid=6"}, []string{"6"}},
		{"blanks and tabs around both", []string{"\t sid \t=\t 1 \t; a=b"}, []string{"1"}},
		{"a space that is not ASCII stays", []string{"sid=\u00a01\u00a0"}, []string{"\u00a01\u00a0"}},
		{"quotes are stripped once", []string{`sid="1"; sid=""2""; sid="`}, []string{"1", `"2"`, ""}},
		{"quotes do not protect a semicolon", []string{`sid="1; sid=2"`}, []string{`"1`, `2"`}},
		{"percent signs stay", []string{"sid=s%3A1"}, []string{"s%3A1"}},
		{"commas stay", []string{"sid=1, sid=2"}, []string{"1, sid=2"}},
		{"bytes beyond ASCII and controls stay", []string{"sid=\xff\x01\x7f"}, []string{"\xff\x01\x7f"}},
	} {
		if got := valuesOf("sid", row.lines...); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q gives %q, want %q", row.name, row.lines, got, row.want)
		}
	}
}

func TestCookieValuesStops(t *testing.T) {
	calls := 0
	cookies.Values("sid=1; sid=2;sid=3", "sid")(func(string) bool {
		calls++
		return false
	})
	if calls != 1 {
		t.Errorf("yield returned false and was called %d times in all, want 1", calls)
	}
}

// net/http stops at 3000 cookies; a header may be as long as the server allows.
func TestCookieValuesOfManyCookies(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "c%d=%d; ", i, i)
	}
	b.WriteString("sid=last")
	if got := valuesOf("sid", b.String()); !slices.Equal(got, []string{"last"}) {
		t.Errorf("behind 5000 cookies: %q, want the last one", got)
	}
	codec, found := cookies.Express(secretA), 0
	for raw := range cookies.Values(strings.Repeat("connect.sid=s:x.y; ", 5000), "connect.sid") {
		if id, ok := codec.Decode("connect.sid", raw); ok {
			t.Errorf("decode(%q) = %q", raw, id)
		}
		found++
	}
	if found != 5000 {
		t.Errorf("%d duplicates found, want 5000", found)
	}
}

var plainCookies = regexp.MustCompile(`^[A-Za-z0-9_.-]+=[A-Za-z0-9_.%:/+-]*(; [A-Za-z0-9_.-]+=[A-Za-z0-9_.%:/+-]*)*$`)

func FuzzCookieHeader(f *testing.F) {
	for _, header := range []string{
		"", "sid=1", "sid=1; a=b; sid=2", `sid="1"; a`, "sid=\t\"1 \" ;;= =;sid", "=;sid==", "sid=%", "sid=s%3Aid.mac", "sid=\xff\x00", `sid=";"`,
	} {
		f.Add(header, "sid")
	}
	f.Add("a=b", "a")
	f.Add("=b", "")
	f.Fuzz(func(t *testing.T, header, name string) {
		got := valuesOf(name, header)
		for _, value := range got {
			if !strings.Contains(header, value) || strings.Contains(value, ";") {
				t.Fatalf("%q gives %q, which is not a part of it", header, value)
			}
			if len(cookies.PercentDecode(value)) > len(value) {
				t.Fatalf("percentDecode(%q) is longer than its input", value)
			}
		}
		// Node joins header lines, so that splitting one between two pairs changes nothing.
		if cut := strings.Split(header, "; "); name != "" && len(header) > 1 {
			if split := valuesOf(name, cut...); !slices.Equal(split, got) {
				t.Fatalf("%q in one line gives %q, in %d lines %q", header, got, len(cut), split)
			}
		}
		if !plainCookies.MatchString(header) {
			return
		}
		cookies, err := http.ParseCookie(header)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", header, err)
		}
		var want []string
		for _, c := range cookies {
			if c.Name == name {
				want = append(want, c.Value)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q gives %q, net/http finds %q", header, got, want)
		}
	})
}
