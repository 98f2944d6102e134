// Package devicebound has the parts of a device-bound session, as in the W3C's draft of Device Bound
// Session Credentials: the text in an id that says that its session is bound and to which key, the token by
// which a browser proves that it has the key, and what the server seals itself, challenges and proofs. It
// depends on no session, store or HTTP.
//
// https://w3c.github.io/webappsec-dbsc/
package devicebound

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// The id of a bound session is a random one followed by its binding:
//
//	random ~ kind since key
//
// kind is one character, since is when the session was bound, in 8 characters of base64url, and key is the
// public key: 33 bytes of a point on P-256, compressed, or the 256 of an RSA modulus, in base64url. So
// nobody who rewrites the session's record can lose the key, and a proof is checked without the store. The
// id is signed in the cookie like any other, and its random part is as long.
const (
	mark = '~'

	kindEC, kindRSA = 'e', 'r'

	sinceBytes, sinceLen = 6, 8
	ecBytes, ecLen       = 33, 44
	rsaBytes, rsaLen     = 256, 342
	head                 = 1 + 1 + sinceLen // the part before the key
)

// Binding is the part of a bound session's id after the random part: it says that the session is bound, and
// to which key. It is empty for a session that is not bound.
type Binding string

// Of returns the binding in id. It does not check that the key is valid: a signed id was made with [New].
func Of(id string) Binding {
	i := strings.IndexByte(id, mark)
	if i < 0 {
		return ""
	}
	b := id[i:]
	if len(b) == head+ecLen && b[1] == kindEC || len(b) == head+rsaLen && b[1] == kindRSA {
		return Binding(b)
	}
	return "" // an id of another form
}

// New returns the binding to key of a session that is bound at now.
func New(key Key, now time.Time) Binding {
	b := make([]byte, 0, head+rsaLen)
	b = append(b, mark, key.kind)
	b = base64.RawURLEncoding.AppendEncode(b, appendMillis(nil, now))
	return Binding(base64.RawURLEncoding.AppendEncode(b, key.packed))
}

// Tag returns 8 characters that distinguish the keys of one browser.
func (b Binding) Tag() string { return string(b[max(0, len(b)-8):]) }

// Since returns when the session was bound; zero if b is not a binding.
func (b Binding) Since() time.Time {
	if len(b) < head {
		return time.Time{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(b[2:head]))
	if err != nil || len(raw) != sinceBytes {
		return time.Time{}
	}
	return millis(raw)
}

// appendMillis appends t as 6 bytes of Unix milliseconds, which last until the year 10889.
func appendMillis(b []byte, t time.Time) []byte {
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], uint64(t.UnixMilli()))
	return append(b, all[2:]...)
}

// millis reads what appendMillis wrote.
func millis(b []byte) time.Time {
	_ = b[5]
	return time.UnixMilli(int64(b[0])<<40 | int64(b[1])<<32 | int64(b[2])<<24 | int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5]))
}
