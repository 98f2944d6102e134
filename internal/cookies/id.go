package cookies

import "errors"

// MaxID is the length of the longest id in bytes: the limit of session.Store.
const MaxID = 512

// ValidID reports whether id may name a session: 1 to 512 bytes that can stand in a cookie's
// value (RFC 6265 §4.1.1, cookie-octet), except braces, which in a Redis key would choose the
// cluster's slot.
func ValidID[T string | []byte](id T) bool {
	const braces = 1<<('{'-64) | 1<<('}'-64)
	for i := range len(id) {
		switch c := id[i]; {
		case c < 64 && notOctetLow>>c&1 == 0, 64 <= c && c < 128 && (notOctetHigh|braces)>>(c-64)&1 == 0:
		default:
			return false
		}
	}
	return len(id) > 0 && len(id) <= MaxID
}

// A set bit stands for a byte that may not be part of a cookie's value, in one number for the
// bytes below 64 and one for those below 128. RFC 6265 §4.1.1, cookie-octet: "US-ASCII characters
// excluding CTLs, whitespace DQUOTE, comma, semicolon, and backslash".
const (
	notOctetLow  uint64 = 1<<('\x20'+1) - 1 | 1<<'"' | 1<<',' | 1<<';'
	notOctetHigh uint64 = 1<<('\\'-64) | 1<<('\x7f'-64)
)

var errInvalidID = errors.New("sign id: want 1 to 512 bytes of printable ASCII without space, quote, comma, semicolon, backslash and braces")
