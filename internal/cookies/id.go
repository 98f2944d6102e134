package cookies

import "errors"

// MaxID is the length of the longest id in bytes: the limit of session.Store.
const MaxID = 512

// ValidID reports whether id may name a session: 1 to 512 bytes that are allowed in a cookie's value (RFC
// 6265 §4.1.1, cookie-octet), except braces, which in a Redis key would choose the cluster's slot.
func ValidID[T string | []byte](id T) bool {
	for i := range len(id) {
		if c := id[i]; !cookieOctet[c] || c == '{' || c == '}' {
			return false
		}
	}
	return len(id) > 0 && len(id) <= MaxID
}

// cookieOctet says which bytes may be part of a cookie's value. RFC 6265 §4.1.1, cookie-octet:
// "US-ASCII characters excluding CTLs, whitespace DQUOTE, comma, semicolon, and backslash".
var cookieOctet = func() (may [256]bool) {
	for c := '!'; c <= '~'; c++ {
		may[c] = c != '"' && c != ',' && c != ';' && c != '\\'
	}
	return may
}()

var errInvalidID = errors.New("sign id: want 1 to 512 bytes of printable ASCII without space, quote, comma, semicolon, backslash and braces")
