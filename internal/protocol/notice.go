package protocol

import (
	"crypto/sha256"
	"encoding/base64"
)

// A notice says that a record ended and how. It names the record by a part of the hash of its id, so it is
// no secret: it cannot be used to find the session or to log in, and a forged notice only causes a read of
// the store.

// The first byte of a notice: how a record ended.
const (
	noticeEnded    = 'e' // whatever it contained: a log-out, or a log-in of a request that presented it
	noticeRevoked  = 'r' // with the other sessions under a label
	noticeReplaced = 'c' // by comparison, no successor: a log-in over it, or a guard found its log-in over
	noticeMoved    = 'm' // with a successor
	noticeChanged  = 'u' // not ended: a log-in was removed from it
)

// handle stands for the id in a notice: 128 bits of its hash, so that no two sessions share one.
type handle [16]byte

func handleOf(id string) handle {
	sum := sha256.Sum256([]byte("passport: this session ended\x00" + id))
	return handle(sum[:16])
}

// EndNotice returns the notice of a Delete or End of id that was called with old and next.
func EndNotice(id string, old []byte, next string) string {
	switch {
	case next != "":
		return notice(noticeMoved, id)
	case old != nil:
		return notice(noticeReplaced, id)
	}
	return notice(noticeEnded, id)
}

// EndManyNotice returns the notice of an EndMany for one of its ids.
func EndManyNotice(id string) string { return notice(noticeRevoked, id) }

func notice(how byte, id string) string {
	h := handleOf(id)
	return string(how) + base64.RawURLEncoding.EncodeToString(h[:])
}

// parseNotice reads a notice.
func parseNotice(text string) (how byte, h handle, ok bool) {
	if len(text) != 1+base64.RawURLEncoding.EncodedLen(len(h)) {
		return 0, h, false
	}
	n, err := base64.RawURLEncoding.Decode(h[:], []byte(text[1:]))
	return text[0], h, err == nil && n == len(h)
}
