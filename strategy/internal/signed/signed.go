// Package signed has what the cookies of strategies share: names, secrets and signatures.
package signed

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
)

// minSecret is the smallest length of a secret in bytes.
const minSecret = 32

// CheckSecrets calls wrong for each secret that could be guessed.
func CheckSecrets(secrets []string, wrong func(format string, args ...any)) {
	for i, secret := range secrets {
		if len(secret) < minSecret {
			wrong("Secrets[%d] has %d bytes and could be guessed: give %d random ones or more", i, len(secret), minSecret)
		}
	}
}

// CookieName returns the name of a cookie whose default is usual, with the prefix __Host- if the cookie is
// Secure. It calls wrong for a name that browsers do not accept.
func CookieName(name, usual string, insecureHTTP bool, wrong func(format string, args ...any)) string {
	lower := strings.ToLower(name)
	switch prefixed := strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-"); {
	case name == "" && insecureHTTP:
		return usual
	case name == "":
		return "__Host-" + usual
	case prefixed && insecureHTTP:
		wrong("CookieName %q needs the Secure attribute: drop InsecureHTTP or the prefix", name)
	case (&http.Cookie{Name: name}).Valid() != nil: //nolint:gosec // only the name is looked at
		wrong("CookieName %q is not a cookie name (RFC 6265 §4.1.1): use letters, digits, - _ and .", name)
	}
	return name
}

// MAC signs parts: 32 bytes of HMAC-SHA-256. The length before each part keeps "ab","c" and "a","bc" apart.
func MAC(secret string, parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part) // a hash never fails
	}
	return mac.Sum(nil)
}

// Verify reports whether mac is the beginning of MAC of parts with one of the secrets. It takes the same
// time for every mac of the same length. An empty mac is never valid.
func Verify(mac []byte, secrets []string, parts ...string) bool {
	ok := false
	for _, secret := range secrets {
		want := MAC(secret, parts...)
		if len(mac) > 0 && len(mac) <= len(want) && subtle.ConstantTimeCompare(mac, want[:len(mac)]) == 1 {
			ok = true
		}
	}
	return ok
}
