package session

import (
	"errors"
	"fmt"
)

// Codec is how a session's id becomes the value of a cookie and back. It is made
// by [SecureCookie], [Express] or [InsecureExpress] and cannot be implemented
// elsewhere: what it accepts decides whether the store is asked at all.
//
// A Codec is immutable and safe for concurrent use. It reveals no secret when
// printed. Mistakes in its secrets are reported by [New].
type Codec interface {
	// encode returns the value that carries id in the cookie called name, ready for
	// Set-Cookie. The error says that the codec's secrets or the id are not usable.
	encode(name, id string) (string, error)

	// decode returns the id in value, as it stands in the Cookie header under name.
	// ok is false unless one of the secrets signed it and the id is a valid one. The
	// comparison takes the same time wherever the signature differs.
	decode(name, value string) (id string, ok bool)

	// kind is "securecookie" or "express": it selects the default cookie name.
	kind() string

	// check returns the mistakes in the secrets, none of which it quotes.
	check() []error
}

// maxID is the length of the longest id in bytes: the Store contract's limit.
const maxID = 512

// validID reports whether id may name a session: 1 to 512 bytes that can stand in
// a cookie's value (RFC 6265 §4.1.1, cookie-octet), except braces, which in a
// Redis key would choose the cluster's slot.
func validID[T string | []byte](id T) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if alphanumeric(c) || c == '-' || c == '_' {
			continue // nearly every byte: halves the time
		}
		if !cookieOctet(c) || c == '{' || c == '}' {
			return false
		}
	}
	return true
}

// errInvalidID is returned by encode. The id itself is a secret.
var errInvalidID = errors.New("session: sign id: want 1 to 512 bytes of printable ASCII without space, quote, comma, semicolon, backslash and braces")

// minSecret is the least length in bytes of a secret that is not named insecure:
// the output size of SHA-256, below which RFC 2104 §3 discourages keys.
const minSecret = 32

// checkSecrets returns the mistakes in secrets. by is the constructor's name. least
// is the least length in bytes.
func checkSecrets(by string, secrets []string, least int) []error {
	if len(secrets) == 0 {
		return []error{fmt.Errorf("session: %s: no secret: give one of at least %d random bytes", by, minSecret)}
	}
	var errs []error
	for i, s := range secrets {
		switch {
		case s == "":
			errs = append(errs, fmt.Errorf("session: %s: secret %d of %d is empty: give at least %d random bytes", by, i+1, len(secrets), minSecret))
		case len(s) < least && by == "Express":
			errs = append(errs, fmt.Errorf("session: %s: secret %d of %d has %d bytes: give at least %d, or use InsecureExpress while Node still signs with a short one", by, i+1, len(secrets), len(s), least))
		case len(s) < least:
			errs = append(errs, fmt.Errorf("session: %s: secret %d of %d has %d bytes: give at least %d", by, i+1, len(secrets), len(s), least))
		}
	}
	return errs
}
