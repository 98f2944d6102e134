package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newID returns a fresh id: 24 bytes from the system's generator as 32 characters,
// what express-session makes (express-session index.js, generateSessionId).
func newID() string { return randomText(24) }

// randomText returns n random bytes as unpadded base64url.
func randomText(n int) string {
	var b [24]byte
	rand.Read(b[:n]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:n])
}

// refOf returns the name by which a session may be shown: a hash of its id, of which
// the id cannot be found since ids are random. 16 characters.
func refOf(id string) string {
	sum := sha256.Sum256([]byte("passport session ref\x00" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
