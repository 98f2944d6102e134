package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// maxID is the length of the longest id in bytes, as session.Store says.
const maxID = 512

// maxSuccessorLife is how long a note that names a successor is kept by a store that
// keeps no tombstones: longer than any command can hang in the network.
const maxSuccessorLife = 10 * time.Minute

// ended is what a note says when no session goes on.
const ended = "-"

var (
	errBadID        = errors.New("the id is not 1 to 512 bytes of printable ASCII without braces")
	errBadSuccessor = errors.New("the successor is not an id, or is the reserved \"-\"")
)

// validID reports whether id may name a session. Another one is unknown without
// asking: a brace in it would choose the slot of the key in a cluster.
func validID(id string) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c < ' ' || c > '~' || c == '{' || c == '}' {
			return false
		}
	}
	return true
}

// checkTTL refuses what Redis would take for an outage or, worse, for "no expiry",
// and a ctx that has ended.
func checkTTL(ctx context.Context, ttl time.Duration) error {
	if ttl < time.Millisecond {
		return fmt.Errorf("ttl of %v: want at least 1ms", ttl)
	}
	return ctx.Err()
}

// digest stands for a label, a counter's or a token's key: 24 bytes of its SHA-256
// as 32 characters, so that neither names of users nor braces get into a key.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}
