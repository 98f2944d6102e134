package session

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// cookieValues yields the value of every cookie called name, in the order of the
// Cookie header lines, until yield returns false. Names are compared exactly.
//
// It finds what cookie 0.7.2 finds (index.js:100), not what net/http does: the two
// disagree on quotes, tabs, bytes outside of ASCII and pairs without a name. Blanks
// around name and value and one pair of quotes around the value are no part of
// them. Node keeps only the first cookie of a name; here the caller sees all, because a
// stale first one must not hide a live second one. Nothing is percent-decoded.
func cookieValues(h http.Header, name string, yield func(raw string) bool) {
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			eq := strings.IndexByte(pair, '=')
			if eq < 0 || trimBlanks(pair[:eq]) != name {
				continue
			}
			if !yield(unquote(trimBlanks(pair[eq+1:]))) {
				return
			}
		}
	}
}

// trimBlanks removes spaces and tabs from both ends of s, and nothing else that
// Unicode calls space.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// unquote removes the quotes around s. A single quote counts as both, as in cookie
// 0.7.2, index.js:138.
func unquote(s string) string {
	switch {
	case s == `"`:
		return ""
	case len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"':
		return s[1 : len(s)-1]
	}
	return s
}

// percentDecode is JavaScript's decodeURIComponent (ECMA-262 §19.2.6.2), except
// that it returns raw itself where that throws, as cookie 0.7.2 does (index.js:329).
func percentDecode(raw string) string {
	if strings.IndexByte(raw, '%') < 0 {
		return raw
	}
	return string(appendUnescaped(nil, raw))
}

// appendUnescaped appends percentDecode(raw) to dst. The result is never longer
// than raw.
func appendUnescaped(dst []byte, raw string) []byte {
	start := len(dst)
	for rest := raw; ; {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			return append(dst, rest...)
		}
		dst = append(dst, rest[:i]...)
		char, size := unescapeRune(rest[i:])
		if size == 0 {
			return append(dst[:start], raw...)
		}
		dst = utf8.AppendRune(dst, char)
		rest = rest[i+size:]
	}
}

// unescapeRune returns the character whose UTF-8 form stands percent-encoded at
// the start of s, and the number of bytes that takes. The size is 0 when there is
// none: bad hexadecimal digits, an overlong form, a surrogate, a character cut short.
func unescapeRune(s string) (char rune, size int) {
	var b [utf8.UTFMax]byte
	for n := range b {
		octet, ok := unescapeByte(s[3*n:])
		if !ok {
			return 0, 0
		}
		b[n] = octet
		if utf8.FullRune(b[:n+1]) {
			char, used := utf8.DecodeRune(b[:n+1])
			if char == utf8.RuneError && used == 1 {
				return 0, 0
			}
			return char, 3 * (n + 1)
		}
	}
	return 0, 0
}

// unescapeByte reads "%XX" at the start of s.
func unescapeByte(s string) (b byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, low := unhex(s[1]), unhex(s[2])
	return high<<4 | low&0xf, high < 16 && low < 16
}

// unhex returns the value of a hexadecimal digit, or 16.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
