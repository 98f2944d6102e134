package serializer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// stampBytes is how many bytes of the HMAC a session stores. Guessing a stamp requires write access to the
// store, so 128 bits are enough.
const stampBytes = 16

// Stamped is a Serializer with a security stamp, made by [WithStamp].
type Stamped[U any] struct {
	Serializer[U]
	value func(U) string
}

// WithStamp adds a security stamp to s: a session is valid only while value(user) is
// the same as at the log-in. With a value taken from the password hash, a change of the
// password logs the user out everywhere at once; a handler that makes the change keeps
// its own session by logging the new user in again. ASP.NET Core calls it the security
// stamp; Passport has none.
//
//	serializer.WithStamp(byID, func(u *User) string { return u.PasswordHash })
//
// The session keeps an HMAC of it, cut to 128 bits, never the value. A log-in without a
// stamp, made by Node or before the stamp was introduced, stays valid. value is called
// concurrently. WithStamp panics if s or value is nil. Put it outside of Chain and
// decorators: guard.New refuses a serializer that hides a stamp.
func WithStamp[U any](s Serializer[U], value func(U) string) *Stamped[U] {
	if isNil(s) || value == nil {
		panic("serializer: WithStamp needs a serializer and a function")
	}
	return &Stamped[U]{Serializer: s, value: value}
}

// Stamp returns what the session stores with id, user's serialized id: the first 16
// bytes of HMAC-SHA256, keyed by the stamp's value, over the id's JSON, as base64url.
// With the id in it, users with equal values have different stamps. Compare stamps in
// constant time.
func (s *Stamped[U]) Stamp(user U, id json.RawMessage) string {
	mac := hmac.New(sha256.New, []byte(s.value(user)))
	mac.Write(id)
	var sum [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(mac.Sum(sum[:0])[:stampBytes])
}

// Unwrap returns the serializer that s adds a stamp to.
func (s *Stamped[U]) Unwrap() Serializer[U] { return s.Serializer }

var _ Serializer[string] = (*Stamped[string])(nil)
