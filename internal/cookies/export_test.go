package cookies

// What the tests see of the room's inside.

var (
	PercentDecode = percentDecode
	PercentEncode = percentEncode
)

const (
	MaxExpress = maxExpress
	MaxSecure  = maxSecure
)

// Sign signs any text at all, also what is no valid id.
func Sign(id, secret string) string { return sign(newKeys([]string{secret}), id) }

// Unsign is what express-session does to a value.
func Unsign(value string, secrets ...string) (id string, ok bool) {
	raw, ok := newKeys(secrets).Get().(*keys).unsign([]byte(value))
	return string(raw), ok
}
