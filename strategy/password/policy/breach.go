package policy

import (
	"context"
	"crypto/sha1" //nolint:gosec // the lists of stolen passwords use SHA-1; it protects nothing here
	"encoding/hex"
	"strings"
)

// BreachChecker knows passwords that were stolen elsewhere (OWASP ASVS 5.0, 6.2.12).
// [Range] asks a service, [File] a list on disk. It is safe for concurrent use.
type BreachChecker interface {
	// Breached reports whether password is known to have been stolen. An error is an
	// outage.
	Breached(ctx context.Context, password string) (bool, error)
}

// sha1Of returns the hash of password that lists of stolen passwords use.
func sha1Of(password string) string {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
