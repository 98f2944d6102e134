package session

import (
	"crypto/sha256"
	"encoding/base64"
)

// refOf returns the name by which a session may be shown: a hash of its id, 16 characters long. Since ids
// are random, the hash does not reveal the id. It is "" for no id.
func refOf(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("passport session ref\x00" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
