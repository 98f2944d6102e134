package cookies

import (
	"strings"
	"unicode/utf8"
)

// percentEncode is JavaScript's encodeURIComponent (ECMA-262 §19.2.6.4).
func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := range len(s) {
		c := s[i]
		if alphanumeric(c) || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&0xf])
	}
	return b.String()
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// percentDecode is JavaScript's decodeURIComponent (ECMA-262 §19.2.6.2), except that it returns raw itself
// if that would throw, as cookie 0.7.2 does (index.js:329).
func percentDecode(raw string) string {
	if strings.IndexByte(raw, '%') < 0 {
		return raw
	}
	return string(appendUnescaped(nil, raw))
}

// appendUnescaped appends percentDecode(raw) to dst. The result is never longer than raw.
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

// unescapeRune returns the character whose percent-encoded UTF-8 form is at the start of s, and the length
// of that form. The size is 0 if there is none: wrong hexadecimal digits, an overlong form, a surrogate, a
// truncated character.
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
