// Package contract answers: which arguments do all stores refuse, and what do they keep of a session that
// has ended? It has the parts of session.Store that every store needs.
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

// maxSuccessorLife is how long a store without tombstones keeps a note that names a successor: longer than
// any command can be delayed in the network.
const maxSuccessorLife = 10 * time.Minute

// Ended is the text of a note without a successor.
const Ended = "-"

// Errors for strings that cannot be the id of a session.
var (
	ErrBadID        = errors.New("the id is not 1 to 512 bytes of printable ASCII without braces")
	ErrBadSuccessor = errors.New("the successor is not an id, or is the reserved \"-\"")
)

// ValidID reports whether id may name a session. A store treats any other id as unknown without asking its
// server: a brace in it would choose the slot of a Redis key in a cluster.
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

// CheckTTL refuses a ttl that a database would answer with an error or, worse, take for "no expiry", and a
// ctx that has ended.
func CheckTTL(ctx context.Context, ttl time.Duration) error {
	if ttl < time.Millisecond {
		return fmt.Errorf("ttl of %v: want at least 1ms", ttl)
	}
	return ctx.Err()
}

// CheckSwap is CheckTTL for a strategy.Cells, where a nil new removes the value and needs no ttl.
func CheckSwap(ctx context.Context, new []byte, ttl time.Duration) error {
	if new == nil {
		return ctx.Err()
	}
	return CheckTTL(ctx, ttl)
}

// Digest stands for a label, or for the key of a counter or token: 24 bytes of its SHA-256 as 32
// characters, so that neither users' names nor braces get into a key.
func Digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// Note returns the note that the end of a session stores, and for how long; 0 means that none is stored,
// but even then next is compared with a note that is there. The error says that next, if not empty, cannot
// be the id of a session.
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

// Successor returns the id that a note names, empty if it names none.
func Successor(note string) string {
	if note == Ended {
		return ""
	}
	return note
}
