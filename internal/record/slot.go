package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Slot is a guard's log-in in the session's record, at the top-level key that names the guard:
// {"user":2,"go":{"for":2,"at":…,"stamp":…,"by":…}}. "by" is the factor that was proved at "at", which is
// absent if it is the record's birth. Several factors, or one that was proved at another time, are in
// "factors" instead. Passport knows "user" and replaces only that. So "go" counts only if its "for" equals
// "user" and it comes after "user". If a user was deleted and set again, as passport 0.4 does at a log-out
// and log-in, "user" comes after "go". The byte slices are parts of the record and must not be changed.
type Slot struct {
	User    json.RawMessage // as the serializer wrote it; nil if nobody is logged in
	At      time.Time       // when the credentials were checked; zero for a log-in by Node
	Stamp   []byte          // security stamp; nil for none
	Factors json.RawMessage // see AllFactors; a string is the name of the one that was proved at At; nil for none
	ByGo    bool            // Go made this log-in: "go" counts. It is not written
	Key     string          // the name of the member. It is not written

	limit // of this log-in
}

// limit is the absolute limit of a log-in or of a record.
type limit struct {
	began int64 // the time from which it counts, in Unix milliseconds; 0: the next write
}

// Over reports whether the time absolute since the limit began is over at now, in whole milliseconds.
func (l limit) Over(absolute time.Duration, now time.Time) bool {
	return l.began > 0 && now.UnixMilli()-l.began >= absolute.Milliseconds()
}

// Deadline returns the time at which the limit is over; zero if that is not known yet. A record ends with
// its latest log-in, or if nobody is logged in, at a time counted from its birth.
func (l limit) Deadline(absolute time.Duration) time.Time {
	if l.began == 0 {
		return time.Time{}
	}
	return time.UnixMilli(l.began).Add(absolute)
}

// DevicePrefix and a guard's key are the name of the member with the device of the guard's log-in. The
// member ends with the log-in; if Node ended that, with the next write by Go.
const DevicePrefix = "_device:"

// PassportKey is the member of Passport's log-in, and of a guard without a key of its own.
const PassportKey = "passport"

// ByNode returns the log-in without Go's notes, as if Node had made it.
func (s Slot) ByNode() Slot { return Slot{User: s.User, Key: s.Key} }

// same reports whether s and o are the same log-in.
func (s Slot) same(o Slot) bool {
	return s.Key == o.Key && s.ByGo == o.ByGo && s.At.Equal(o.At) &&
		bytes.Equal(s.User, o.User) && bytes.Equal(s.Stamp, o.Stamp) && bytes.Equal(s.Factors, o.Factors)
}

// label returns the label that a guard gives the log-in, unless its serializer names users by something
// other than their ids; "" if the id is not JSON.
func (s Slot) label() string {
	name, err := rawjson.Canonical(s.User)
	if err != nil {
		return ""
	}
	return UserLabel(s.Key, string(name))
}

// UserLabel returns the label under which the guard with the session key key finds all sessions of the user
// called name, which is JSON in canonical form.
func UserLabel(key, name string) string {
	label := key + ":" + name
	if len(label) <= MaxLabel {
		return label
	}
	sum := sha256.Sum256([]byte(name))
	return key + ":#" + base64.RawURLEncoding.EncodeToString(sum[:]) // no JSON begins with #
}

// nobody reports whether user means for Passport that nobody is logged in.
func nobody(user json.RawMessage) bool {
	switch string(user) {
	case "", "null", "false", `""`:
		return true
	}
	return false
}

// ParseSlot reads the member at a guard's session key of a record with that birth. ok is false if nobody is
// logged in there: no user, or null, false or "", as in Passport.
func ParseSlot(raw json.RawMessage, born time.Time) (s Slot, ok bool) {
	r := rawjson.NewReader(raw)
	if !readSlot(&r, &s) || r.End() != nil {
		return Slot{}, false
	}
	if s.At.IsZero() && s.byOne() && !born.IsZero() {
		s.At, s.began = born, born.UnixMilli()
	}
	return s, true
}

// byOne reports whether Factors is the name of the one that was proved at At.
func (s Slot) byOne() bool { return len(s.Factors) > 0 && s.Factors[0] == '"' }

// AllFactors returns the factors as a JSON object: strategy name -> Unix milliseconds. It is nil for none.
func (s Slot) AllFactors() json.RawMessage {
	switch {
	case !s.byOne():
		return s.Factors
	case s.At.IsZero():
		return nil
	}
	b := append(append(json.RawMessage{'{'}, s.Factors...), ':')
	return append(strconv.AppendInt(b, s.At.UnixMilli(), 10), '}')
}

// readSlot is ParseSlot for the next value of r, into s. The caller gets syntax errors from r.End. It sets
// the fields of s in place, because a copy of the struct would take longer than the reading.
func readSlot(r *rawjson.Reader, s *Slot) (ok bool) {
	s.User = nil
	var owner []byte
	for ok := r.Enter(); ok && r.Next(); {
		switch string(r.Name()) {
		case "user":
			s.User, owner = r.Value(), nil
		case "go":
			owner = readNotes(r, s)
		}
	}
	s.ByGo = owner != nil && bytes.Equal(owner, s.User)
	switch {
	case nobody(s.User):
		*s = Slot{}
		return false
	case !s.ByGo:
		*s = s.ByNode()
	}
	return true
}

// readNotes reads Go's notes on the log-in into s, and returns for which user they were written.
func readNotes(r *rawjson.Reader, s *Slot) (owner []byte) {
	s.At, s.began, s.Stamp, s.Factors = time.Time{}, 0, nil, nil
	noTime := false // "at" is there, and is not a time
	for ok := r.Enter(); ok && r.Next(); {
		switch string(r.Name()) {
		case "for":
			owner = r.Value()
		case "at":
			ms, ok := rawjson.Int(r.Value())
			if noTime = !ok || ms <= 0; !noTime {
				s.At, s.began = time.UnixMilli(ms), ms
			}
		case "stamp":
			s.Stamp = unquoted(r.Value())
		case "factors":
			if v := r.Value(); len(v) > 0 && v[0] == '{' {
				s.Factors = v
			}
		case "by":
			if v := r.Value(); len(v) > 0 && v[0] == '"' {
				s.Factors = v
			}
		}
	}
	if noTime && s.byOne() { // it was proved at some other time than the birth
		s.Factors = nil
	}
	return owner
}

// AppendSlot appends the JSON of s to b, for a record with that birth; 0 is unknown. Stamp must be plain
// ASCII without quotes.
func AppendSlot(b []byte, s Slot, born int64) []byte {
	b = append(append(b, `{"user":`...), s.User...)
	b = append(append(b, `,"go":{"for":`...), s.User...)
	if !s.At.IsZero() && (!s.byOne() || s.At.UnixMilli() != born) {
		b = append(b, `,"at":`...)
		b = strconv.AppendInt(b, s.At.UnixMilli(), 10)
	}
	if len(s.Stamp) > 0 {
		b = append(append(append(b, `,"stamp":"`...), s.Stamp...), '"')
	}
	switch {
	case s.byOne():
		b = append(append(b, `,"by":`...), s.Factors...)
	case len(s.Factors) > 0:
		b = append(append(b, `,"factors":`...), s.Factors...)
	}
	return append(b, '}', '}')
}

// withNotesOf returns was, the text of a log-in, with the notes in text, which Go has written. Members that
// Node has added stay.
func withNotesOf(was, text json.RawMessage) json.RawMessage {
	var slot rawjson.Object
	if slot.Parse(was) != nil {
		return text
	}
	slot.Set("go", rawjson.Find(text, "go"))
	return slot.AppendTo(nil)
}

// WithoutNotes returns the log-in in raw in the form that Passport writes.
func WithoutNotes(raw json.RawMessage) json.RawMessage {
	var slot rawjson.Object
	if slot.Parse(raw) != nil || !slot.Delete("go") {
		return raw
	}
	return slot.AppendTo(nil)
}

// unquoted returns the text between the quotes of v, nil if v is not a string.
func unquoted(v json.RawMessage) []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}
