// Package contract answers: what do all stores refuse, and what do they keep of a session's end? It is
// session.Store in the few functions that every store needs.
package contract

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxID is the length of the longest id in bytes, as session.Store says.
const MaxID = 512

// maxSuccessorLife is how long a note that names a successor is kept by a store that
// keeps no tombstones: longer than any command can hang in the network.
const maxSuccessorLife = 10 * time.Minute

// Ended is what a note says when no session goes on.
const Ended = "-"

// Errors for what cannot be the id of a session.
var (
	ErrBadID        = errors.New("the id is not 1 to 512 bytes of printable ASCII without braces")
	ErrBadSuccessor = errors.New("the successor is not an id, or is the reserved \"-\"")
)

// ValidID reports whether id may name a session. Another one is unknown without
// asking: a brace in it would choose the slot of a Redis key in a cluster.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > MaxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c < ' ' || c > '~' || c == '{' || c == '}' {
			return false
		}
	}
	return true
}

// CheckTTL refuses what a database would take for an outage or, worse, for "no expiry",
// and a ctx that has ended.
func CheckTTL(ctx context.Context, ttl time.Duration) error {
	if ttl < time.Millisecond {
		return fmt.Errorf("ttl of %v: want at least 1ms", ttl)
	}
	return ctx.Err()
}

// CheckSwap is CheckTTL for a strategy.Cells, where a new of nil removes and needs no ttl.
func CheckSwap(ctx context.Context, new []byte, ttl time.Duration) error {
	if new == nil {
		return ctx.Err()
	}
	return CheckTTL(ctx, ttl)
}

// Digest stands for a label, a counter's or a token's key: 24 bytes of its SHA-256
// as 32 characters, so that neither names of users nor braces get into a key.
func Digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// Note returns what the end of a session leaves behind, and for how long: 0 leaves nothing, but
// next is compared with the note that is there also then. The error says that next, where there
// is one, cannot be the id of a session.
func Note(next string, life time.Duration, tombstones bool) (string, time.Duration, error) {
	switch {
	case next != "" && (!ValidID(next) || next == Ended):
		return "", 0, ErrBadSuccessor
	case life < time.Millisecond, next == "" && !tombstones:
		life = 0
	case !tombstones:
		life = min(life, maxSuccessorLife)
	}
	return cmp.Or(strings.Clone(next), Ended), life, nil
}

// Successor is the id that a note names, empty where it names none.
func Successor(note string) string {
	if note == Ended {
		return ""
	}
	return note
}
