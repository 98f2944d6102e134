// Package rawjson reads and edits JSON objects as text.
//
// A session's record is written by Node and by Go in turns. Each must keep byte for byte what it does not
// know: the order of keys, the text of numbers, escapes. So a record is never decoded into Go values and
// encoded again. It is scanned once, in linear time and for small objects without allocation, and its
// members are replaced, added or removed as text.
package rawjson

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how many levels of nesting are accepted, as in encoding/json.
const MaxDepth = 10000

var (
	errSyntax = errors.New("rawjson: invalid JSON")
	errDepth  = errors.New("rawjson: nested too deeply")
	errObject = errors.New("rawjson: not an object")
	errUTF8   = errors.New("rawjson: invalid UTF-8")
)

// The scanning functions return the index after what they scanned, or one of these. A second result for
// the error would cost a fifth of the time for a small record.
const (
	badSyntax = -1 - iota
	tooDeep
	badUTF8
)

// errorOf returns the error for the result of a scanning function.
func errorOf(i int) error {
	switch i {
	case tooDeep:
		return errDepth
	case badUTF8:
		return errUTF8
	}
	return errSyntax
}

// space returns the index of the first byte from i on that is not white space.
func space(data []byte, i int) int {
	for i < len(data) && data[i] <= ' ' && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// str scans the string literal that starts at data[i], and reports whether it has escapes. RFC 8259 section
// 7.
func str(data []byte, i int) (end int, escaped bool) {
	const each, high = 0x0101010101010101, 0x8080808080808080
	if i >= len(data) || data[i] != '"' {
		return badSyntax, false
	}
	start := i
	ascii := true
	for i++; ; i++ {
		for i+8 <= len(data) {
			// The lowest bit of m that is set marks the first of these eight bytes that is a quote, a backslash,
			// a control character, or part of a character beyond ASCII. The bits after it mean nothing. Each sum
			// has the high bit of a byte below 0x80 unless that is a backslash; or a quote or a control character,
			// for those alone are below 0x21 once their bit of 2 is turned over.
			w := binary.LittleEndian.Uint64(data[i:])
			plain := ((w ^ each*2) + each*(0x80-0x21)) & ((w ^ each*'\\') + each*(0x80-1)) &^ w
			if m := ^plain & high; m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		if i >= len(data) {
			return badSyntax, false
		}
		switch c := data[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(data[start+1:i]) {
				return badUTF8, false
			}
			return i + 1, escaped
		case c < 0x20:
			return badSyntax, false
		case c >= utf8.RuneSelf:
			ascii = false
		case c == '\\':
			escaped = true
			i++
			if i >= len(data) {
				return badSyntax, false
			}
			switch data[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(data) || !hex4(data[i+1:i+5]) {
					return badSyntax, false
				}
				i += 4
			default:
				return badSyntax, false
			}
		}
	}
}

func hex4(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}

// plain scans the number, true, false or null that starts at data[i]. RFC 8259 sections 3, 6.
func plain(data []byte, i int) int {
	digits := func(i int) int {
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		return i
	}
	switch rest := data[i:]; {
	case len(rest) >= 4 && (string(rest[:4]) == "null" || string(rest[:4]) == "true"):
		return i + 4
	case len(rest) >= 5 && string(rest[:5]) == "false":
		return i + 5
	case len(rest) > 0 && rest[0] == '-':
		i++
	}
	first := i
	if i = digits(i); i == first || data[first] == '0' && i > first+1 {
		return badSyntax
	}
	if i < len(data) && data[i] == '.' {
		first = i + 1
		if i = digits(first); i == first {
			return badSyntax
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		first = i
		if i = digits(i); i == first {
			return badSyntax
		}
	}
	return i
}

// value scans the JSON value that starts at data[i], with at most depth levels. It keeps its own stack, so
// that no depth of nesting can exhaust the goroutine's.
func value(data []byte, i, depth int) int {
	if i >= len(data) {
		return badSyntax
	}
	switch data[i] {
	case '"':
		i, _ = str(data, i)
		return i
	case '{', '[':
	default:
		return plain(data, i)
	}
	var inline [64]byte
	open := append(inline[:0], data[i]+2) // the closing bracket of each level: '{'+2 is '}', '['+2 is ']'
	if depth >= MaxDepth {
		return tooDeep
	}
	i = space(data, i+1)
	fresh := true // nothing of the innermost level has been read yet
	for {
		// A member of the innermost level must follow at data[i], or its end.
		if i >= len(data) {
			return badSyntax
		}
		closing := open[len(open)-1]
		switch {
		case data[i] == closing:
			if i++; len(open) == 1 {
				return i
			}
			open = open[:len(open)-1]
			i, fresh = space(data, i), false
			continue
		case fresh:
		case data[i] == ',':
			i = space(data, i+1)
		default:
			return badSyntax
		}
		if closing == '}' {
			if i, _ = str(data, i); i < 0 {
				return i
			}
			if i = space(data, i); i >= len(data) || data[i] != ':' {
				return badSyntax
			}
			i = space(data, i+1)
		}
		if fresh = false; i >= len(data) {
			return badSyntax
		}
		switch data[i] {
		case '{', '[':
			if depth+len(open) >= MaxDepth {
				return tooDeep
			}
			open, fresh = append(open, data[i]+2), true
			i++
		case '"':
			i, _ = str(data, i)
		default:
			i = plain(data, i)
		}
		if i < 0 {
			return i
		}
		i = space(data, i)
	}
}

// Valid reports whether data is one JSON value, nothing more, not nested beyond
// MaxDepth and valid UTF-8.
func Valid(data []byte) bool {
	i := value(data, space(data, 0), 0)
	return i >= 0 && space(data, i) == len(data)
}
