package totp

import (
	"crypto/rand"
	"strings"

	"github.com/seed-6f34412b/passport/strategy/internal/token"
)

// recoveryLength is the number of characters in a recovery code, 5 bits each: 120 bits, so that a plain
// hash is enough (NIST SP 800-63B-4 §3.1.2.2 asks for 112).
const recoveryLength = 24

// recoveryAlphabet is Crockford's base 32: without i, l, o and u, which are easily misread.
const recoveryAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// NewRecoveryCodes returns n codes for a user who lost the app, each like
// a1b2-c3d4-e5f6-g7h8-j9k0-m1n2, and their hashes. Show the codes once, store the
// hashes, and replace all by new ones. Each is good once.
func NewRecoveryCodes(n int) (codes, hashes []string) {
	for range n {
		var random [recoveryLength]byte
		_, _ = rand.Read(random[:]) // crypto/rand never fails
		var code strings.Builder
		for i, b := range random {
			if i > 0 && i%4 == 0 {
				code.WriteByte('-')
			}
			code.WriteByte(recoveryAlphabet[b&31])
		}
		hash, _ := HashRecoveryCode(code.String())
		codes, hashes = append(codes, code.String()), append(hashes, hash)
	}
	return codes, hashes
}

// HashRecoveryCode returns the hash of a recovery code, whatever its case, spaces and
// hyphens. ok is false if the text has not the form of one.
func HashRecoveryCode(code string) (hash string, ok bool) {
	code = strings.NewReplacer("-", "", " ", "", "i", "1", "l", "1", "o", "0").Replace(strings.ToLower(code))
	if len(code) != recoveryLength || strings.Trim(code, recoveryAlphabet) != "" {
		return "", false
	}
	return token.Hash("recovery", code), true
}
