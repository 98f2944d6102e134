package cookies

// Internals for the tests.

var (
	PercentDecode = percentDecode
	PercentEncode = percentEncode
)

const (
	MaxExpress = maxExpress
	MaxSecure  = maxSecure
)

// Sign signs any text, even if it is not a valid id.
func Sign(id, secret string) string { return sign(newKeys([]string{secret}), id) }

// Unsign does what express-session does with a value.
func Unsign(value string, secrets ...string) (id string, ok bool) {
	raw, ok := newKeys(secrets).Get().(*keys).unsign([]byte(value))
	return string(raw), ok
}
