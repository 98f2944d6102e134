package reqstate

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Slot is a guard's log-in as it lies in the session's record, at the top-level
// key that names the guard: {"user":2,"go":{"for":2,"at":…,"stamp":…,"factors":…}}.
// Passport knows "user" and replaces it alone; so "go" counts only while its "for"
// equals "user". Its byte slices are parts of the record and must not be changed.
type Slot struct {
	User    json.RawMessage // as the serializer wrote it; nil when nobody is logged in
	At      time.Time       // when the credentials were checked; zero when Node logged in
	Stamp   []byte          // security stamp, nil when there is none
	Factors json.RawMessage // JSON object: strategy name -> Unix milliseconds; nil when there is none
}

// ParseSlot reads the member of a record at a guard's session key. ok is false when
// nobody is logged in there: no user, or null, false or "", as Passport has it.
func ParseSlot(raw json.RawMessage) (s Slot, ok bool) {
	s.User = rawjson.Find(raw, "user")
	switch string(s.User) {
	case "", "null", "false", `""`:
		return Slot{}, false
	}
	var extra Slot
	var owner []byte
	rawjson.Each(rawjson.Find(raw, "go"), func(name, value []byte, _ bool) {
		switch string(name) {
		case "for":
			owner = value
		case "at":
			if ms, ok := rawjson.Int(value); ok && ms > 0 {
				extra.At = time.UnixMilli(ms)
			}
		case "stamp":
			if len(value) >= 2 && value[0] == '"' {
				extra.Stamp = value[1 : len(value)-1]
			}
		case "factors":
			if value[0] == '{' {
				extra.Factors = value
			}
		}
	})
	if owner != nil && bytes.Equal(owner, s.User) {
		s.At, s.Stamp, s.Factors = extra.At, extra.Stamp, extra.Factors
	}
	return s, true
}

// Factor returns when the named strategy last succeeded for this log-in.
func (s Slot) Factor(name string) (time.Time, bool) {
	ms, ok := rawjson.Int(rawjson.Find(s.Factors, name))
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(ms), true
}

// AppendSlot appends the JSON of s to b. Stamp must be plain ASCII without quotes.
func AppendSlot(b []byte, s Slot) []byte {
	b = append(append(b, `{"user":`...), s.User...)
	b = append(append(b, `,"go":{"for":`...), s.User...)
	if !s.At.IsZero() {
		b = append(b, `,"at":`...)
		b = strconv.AppendInt(b, s.At.UnixMilli(), 10)
	}
	if len(s.Stamp) > 0 {
		b = append(append(append(b, `,"stamp":"`...), s.Stamp...), '"')
	}
	if len(s.Factors) > 0 {
		b = append(append(b, `,"factors":`...), s.Factors...)
	}
	return append(b, '}', '}')
}
