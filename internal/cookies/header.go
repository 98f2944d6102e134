package cookies

import (
	"iter"
	"strings"
)

// Values yields the values of all cookies called name in header, in order. header is the Cookie header; if
// a request has several of them, they are joined by semicolons (RFC 9113 §8.2.3). Names are compared
// exactly.
//
// It finds what cookie 0.7.2 finds (index.js:100), not what net/http does: they treat quotes, tabs,
// non-ASCII bytes and pairs without a name differently. Spaces and tabs around name and value, and one pair
// of quotes around the value, are removed. Node uses only the first cookie of a name; here the caller sees
// all, because a stale first one must not hide a live second one. Nothing is percent-decoded.
func Values(header, name string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		for header != "" {
			var pair string
			pair, header, _ = strings.Cut(header, ";")
			eq := strings.IndexByte(pair, '=')
			if eq < len(name) || strings.Trim(pair[:eq], blanks) != name { // the first condition: too short, or no "="
				continue
			}
			value := strings.Trim(pair[eq+1:], blanks)
			if value != "" && value[0] == '"' {
				value = unquote(value)
			}
			if !yield(value) {
				return
			}
		}
	}
}

// Sent reports whether header has a cookie called name.
func Sent(header, name string) bool {
	for range Values(header, name) {
		return true
	}
	return false
}

// blanks are space and tab, not the other spaces of Unicode.
const blanks = " \t"

// unquote removes the quotes around s, which begins with one. A string of one quote counts as both, as in
// cookie 0.7.2, index.js:138.
func unquote(s string) string {
	switch {
	case s == `"`:
		return ""
	case s[len(s)-1] == '"':
		return s[1 : len(s)-1]
	}
	return s
}
