// Package cookies reads and writes the cookies that carry the id of a session: their names,
// signatures, Cookie headers and Set-Cookie lines. It knows no session and no store.
package cookies

import "fmt"

// Codec turns an id into the value of a cookie and back. It is immutable and safe for concurrent use. It
// reveals no secret when printed.
type Codec interface {
	// Encode returns the value with id for the cookie called name, ready for Set-Cookie. The error says
	// that the codec's secrets or the id cannot be used.
	Encode(name, id string) (string, error)

	// Decode returns the id in value, which is as in the Cookie header under name. ok is false unless one
	// of the secrets signed it and the id is valid. The comparison takes the same time wherever the
	// signature differs.
	Decode(name, value string) (id string, ok bool)

	// Kind is KindSecureCookie or KindExpress.
	Kind() string

	// Check returns the mistakes in the secrets, without quoting them.
	Check() []error

	// Derive returns a secret of 32 bytes from each of the codec's, in order, for a purpose other than
	// signing ids. No signature of the codec equals one of them.
	Derive(purpose string) [][]byte
}

// The kinds of codec.
const (
	KindSecureCookie = "securecookie"
	KindExpress      = "express"
)

// minSecret is the smallest length in bytes of a secret, except in codecs named insecure: the output size
// of SHA-256, below which RFC 2104 §3 discourages keys.
const minSecret = 32

// checkSecrets returns the mistakes in secrets. by is the constructor's name, least the smallest length in
// bytes.
func checkSecrets(by string, secrets []string, least int) []error {
	if len(secrets) == 0 {
		return []error{fmt.Errorf("%s: no secret: give one of at least %d random bytes", by, minSecret)}
	}
	var errs []error
	for i, s := range secrets {
		switch {
		case s == "":
			errs = append(errs, fmt.Errorf("%s: secret %d of %d is empty: give at least %d random bytes", by, i+1, len(secrets), minSecret))
		case len(s) < least && by == "Express":
			errs = append(errs, fmt.Errorf("%s: secret %d of %d has %d bytes: give at least %d, or use InsecureExpress while Node still signs with a short one", by, i+1, len(secrets), len(s), least))
		case len(s) < least:
			errs = append(errs, fmt.Errorf("%s: secret %d of %d has %d bytes: give at least %d", by, i+1, len(secrets), len(s), least))
		}
	}
	return errs
}
