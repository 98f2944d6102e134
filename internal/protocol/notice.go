package protocol

import (
	"crypto/sha256"
	"encoding/base64"
)

// A notice says that a record ended: how, and a part of a hash of its id, in text that is not
// worth having. Who reads it can neither use nor find the session; who forges one causes a look at
// the store.

// How a record ended, as a notice says it.
const (
	noticeEnded    = 'e' // whatever it held: a log-out, or a log-in beside it
	noticeRevoked  = 'r' // together with others that are found under a label
	noticeReplaced = 'c' // compared and ended, with no successor: by a log-in over it, or a guard that found its log-in to be over
	noticeMoved    = 'm' // and its session went on
	noticeChanged  = 'u' // it did not: a log-in was taken out of it
)

// handle is what a notice has in place of the id: 128 bits, so that no two sessions share one.
type handle [16]byte

func handleOf(id string) handle {
	sum := sha256.Sum256([]byte("passport: this session ended\x00" + id))
	return handle(sum[:16])
}

// EndNotice is the notice of a Delete or End of id that was given old and next.
func EndNotice(id string, old []byte, next string) string {
	switch {
	case next != "":
		return notice(noticeMoved, id)
	case old != nil:
		return notice(noticeReplaced, id)
	}
	return notice(noticeEnded, id)
}

// EndManyNotice is the notice of an EndMany of id and others.
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
