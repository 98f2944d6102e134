package session

import "net/http"

// What the tests of the cookie side see of it.

type CookieAttrs = cookieAttrs

var (
	PercentDecode   = percentDecode
	PercentEncode   = percentEncode
	ValidCookieName = validCookieName
	ValidDomain     = validDomain
	ValidPath       = validPath
)

const (
	MaxExpress = maxExpress
	MaxSecure  = maxSecure
)

// CookieValues is a func, not a variable: the compiler sees through it that yield
// does not escape.
func CookieValues(h http.Header, name string, yield func(raw string) bool) {
	cookieValues(h, name, yield)
}

func ValidID(id string) bool { return validID(id) }

func Encode(c Codec, name, id string) (string, error)         { return c.encode(name, id) }
func Decode(c Codec, name, value string) (id string, ok bool) { return c.decode(name, value) }
func Check(c Codec) []error                                   { return c.check() }
func Kind(c Codec) string                                     { return c.kind() }

// Sign signs any text at all, also what is no valid id.
func Sign(id, secret string) string { return newKeyring([]string{secret}).sign(id) }

func Unsign(value string, secrets ...string) (id string, ok bool) {
	raw, ok := newKeyring(secrets).take().unsign([]byte(value))
	return string(raw), ok
}
