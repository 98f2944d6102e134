package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// use reports whether value is used for the first time within life. The counter gets a hash
// of it.
func use(ctx context.Context, c strategy.Counter, kind, value string, life time.Duration) (first bool, err error) {
	n, _, err := c.Add(ctx, onceKey(kind, value), 1, life)
	return n == 1, err
}

// release undoes a use, since what it was for failed and may be tried again.
func release(ctx context.Context, c strategy.Counter, kind, value string, life time.Duration) error {
	_, _, err := c.Add(ctx, onceKey(kind, value), -1, life)
	return err
}

func onceKey(kind, value string) string { return "oidc:" + kind + ":" + hashed(value) }

// hashed returns a hash of the parts, in 43 characters. No part may have a NUL.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p + "\x00"))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
