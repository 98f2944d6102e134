// Package rawjson reads and edits JSON objects as text.
//
// A session's record is written by Node and by Go in turns. What one side does not
// know it must hand on byte for byte: key order, number text, escapes. So a record
// is never decoded into Go values and encoded again: it is scanned once, in linear
// time and without allocation for small objects, and its members are replaced,
// added or removed as text.
package rawjson

import (
	"encoding/binary"
	"errors"
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

func space(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// str returns the index after the string literal that starts at data[i], and
// whether it has escapes. RFC 8259 section 7.
func str(data []byte, i int) (end int, escaped bool, err error) {
	if i >= len(data) || data[i] != '"' {
		return 0, false, errSyntax
	}
	start := i
	ascii := true
	for i++; i < len(data); i++ {
		for i+8 <= len(data) && plain(binary.LittleEndian.Uint64(data[i:])) {
			i += 8
		}
		if i >= len(data) {
			break
		}
		switch c := data[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(data[start+1:i]) {
				return 0, false, errUTF8
			}
			return i + 1, escaped, nil
		case c < 0x20:
			return 0, false, errSyntax
		case c >= utf8.RuneSelf:
			ascii = false
		case c == '\\':
			escaped = true
			i++
			if i >= len(data) {
				return 0, false, errSyntax
			}
			switch data[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(data) || !hex4(data[i+1:i+5]) {
					return 0, false, errSyntax
				}
				i += 4
			default:
				return 0, false, errSyntax
			}
		}
	}
	return 0, false, errSyntax
}

// plain reports whether none of eight bytes needs a look: no quote, backslash, control
// character, or part of a character beyond ASCII. (Sean Eron Anderson, Bit Twiddling
// Hacks, "Determine if a word has a byte less than n".)
func plain(w uint64) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := w^each*'"', w^each*'\\'
	return (w|(w-each*0x20)&^w|(quote-each)&^quote|(backslash-each)&^backslash)&high == 0
}

func hex4(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}

func digits(data []byte, i int) int {
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	return i
}

// number returns the index after the number that starts at data[i]. RFC 8259 section 6.
func number(data []byte, i int) (int, error) {
	if i < len(data) && data[i] == '-' {
		i++
	}
	first := i
	if i = digits(data, i); i == first || data[first] == '0' && i > first+1 {
		return 0, errSyntax
	}
	if i < len(data) && data[i] == '.' {
		first = i + 1
		if i = digits(data, first); i == first {
			return 0, errSyntax
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		first = i
		if i = digits(data, i); i == first {
			return 0, errSyntax
		}
	}
	return i, nil
}

func literal(data []byte, i int, word string) (int, error) {
	if len(data)-i < len(word) || string(data[i:i+len(word)]) != word {
		return 0, errSyntax
	}
	return i + len(word), nil
}

// scalar returns the index after the string, number or literal at data[i].
func scalar(data []byte, i int) (int, error) {
	if i >= len(data) {
		return 0, errSyntax
	}
	switch data[i] {
	case '"':
		end, _, err := str(data, i)
		return end, err
	case 't':
		return literal(data, i, "true")
	case 'f':
		return literal(data, i, "false")
	case 'n':
		return literal(data, i, "null")
	}
	return number(data, i)
}

// value returns the index after the JSON value that starts at data[i]. It keeps
// its own stack, so that no depth of nesting can exhaust the goroutine's.
func value(data []byte, i int) (int, error) {
	if i < len(data) && data[i] != '{' && data[i] != '[' {
		return scalar(data, i)
	}
	var inline [64]byte
	open := inline[:0] // the closing bracket of each level
	for {
		// A value is due at data[i].
		if i = space(data, i); i >= len(data) {
			return 0, errSyntax
		}
		switch c := data[i]; c {
		case '{', '[':
			if len(open) == MaxDepth {
				return 0, errDepth
			}
			open = append(open, c+2) // '{'+2 is '}', '['+2 is ']'
			i = space(data, i+1)
			if i < len(data) && data[i] == c+2 {
				break // empty: close below
			}
			if c == '{' {
				var err error
				if i, err = memberName(data, i); err != nil {
					return 0, err
				}
			}
			continue
		default:
			var err error
			if i, err = scalar(data, i); err != nil {
				return 0, err
			}
		}
		// A value ended: close what closes here, then go on behind a comma.
		for {
			i = space(data, i)
			if i >= len(data) {
				return 0, errSyntax
			}
			if data[i] != open[len(open)-1] {
				break
			}
			i++
			if open = open[:len(open)-1]; len(open) == 0 {
				return i, nil
			}
		}
		if data[i] != ',' {
			return 0, errSyntax
		}
		i++
		if open[len(open)-1] == '}' {
			var err error
			if i, err = memberName(data, space(data, i)); err != nil {
				return 0, err
			}
		}
	}
}

// memberName returns the index after `"name" :` at data[i].
func memberName(data []byte, i int) (int, error) {
	i, _, err := str(data, i)
	if err != nil {
		return 0, err
	}
	if i = space(data, i); i >= len(data) || data[i] != ':' {
		return 0, errSyntax
	}
	return i + 1, nil
}

// Valid reports whether data is one JSON value, nothing more, not nested beyond
// MaxDepth and valid UTF-8.
func Valid(data []byte) bool {
	i, err := value(data, space(data, 0))
	return err == nil && space(data, i) == len(data)
}
