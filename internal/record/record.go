// Package record is what lies in the store under a session's id: Express's JSON, the
// log-ins of guards in it, and our own notes. It reads bytes into facts, changes a copy of
// them, and writes it back as bytes. It does no input or output and has no clock: times
// are given to it.
package record

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// MaxBytes is the size of the largest record that is read or written.
const MaxBytes = 1 << 20

// CookieKey is express-session's own member, the settings of the cookie.
const CookieKey = "cookie"

var errMalformed = errors.New("session: record is not what express-session writes")

// Record is a stored session: its JSON, and the few fields that every request needs,
// parsed once. The other members are found when somebody asks for them. The zero value is
// the session that has no record. Not safe for concurrent use; Value is.
type Record struct {
	data    []byte          // nil when there is no record; must stay unchanged
	members *rawjson.Object // all of them, once asked for: see Members
	idle    time.Duration   // the cookie's originalMaxAge; 0 for none
	notes   notes
	slot    Slot   // the log-in under key, parsed once
	key     string // the slot's member
	has     bool   // whether slot is a log-in
	relabel bool   // a log-in by Node has no label yet
}

// Parse reads data, the record of id, which must stay unchanged while r is in use. After
// an error r is empty: nothing of a malformed record can be taken for a value or a log-in.
func (r *Record) Parse(id string, data []byte) error {
	*r = Record{data: data, key: PassportKey}
	cookie := false
	in := rawjson.NewReader(data)
	for ok := in.Enter(); ok && in.Next(); {
		switch string(in.Name()) {
		case CookieKey:
			r.idle, cookie = 0, in.Enter()
			for cookie && in.Next() {
				if string(in.Name()) != maxAgeKey {
					continue
				}
				if age := in.Value(); string(age) == "null" {
					r.idle = 0
				} else {
					r.idle = parseMaxAge(age)
				}
			}
		case PassportKey:
			r.slot, r.has = readSlot(&in)
		case NotesKey:
			r.notes.read(&in, id)
		}
	}
	err := in.End()
	if err == nil && (!cookie || len(data) > MaxBytes || len(r.notes.keys) > maxKeyList) {
		err = errMalformed
	}
	if err != nil {
		*r = Record{}
		return err
	}
	if r.notes.born == 0 {
		r.slot = r.slot.ByNode()
	} else if r.has && !r.slot.ByGo || r.notes.keys != nil {
		r.relabel = !slices.Equal(r.Labels(), r.listed())
	}
	return nil
}

// Exists reports whether there is a record at all.
func (r *Record) Exists() bool { return r.data != nil }

// Bytes returns the record's text, nil when there is none. It must not be changed.
func (r *Record) Bytes() []byte { return r.data }

// Members returns all members of the record. The result must not be changed.
func (r *Record) Members() *rawjson.Object {
	if r.members == nil {
		r.members = new(rawjson.Object)
		if r.data != nil {
			_ = r.members.Parse(r.data) // valid: Parse has read it
		}
	}
	return r.members
}

// Value returns the text of the member called name, or nil. Several goroutines may call
// it at once.
func (r *Record) Value(name string) json.RawMessage { return rawjson.Find(r.data, name) }

// Written returns when Go first and last wrote the record. ok is false when only Node did.
func (r *Record) Written() (born, seen time.Time, ok bool) {
	if r.notes.born == 0 {
		return time.Time{}, time.Time{}, false
	}
	return time.UnixMilli(r.notes.born), time.UnixMilli(r.notes.seen), true
}

// passportKeys is the list of slot keys of nearly every record.
var passportKeys = []string{PassportKey}

// SlotKeys returns the members that are, or may be, log-ins: those that Go recorded,
// and passport's own. The result must not be changed.
func (r *Record) SlotKeys() []string {
	if r.notes.keys == nil {
		return passportKeys
	}
	return add(stringsOf(r.notes.keys), PassportKey)
}

// Slot returns the log-in under key, whether or not it is past its limit.
func (r *Record) Slot(key string) (Slot, bool) {
	if r.key != key {
		r.key = key
		if r.slot, r.has = ParseSlot(r.Members().Get(key)); r.notes.born == 0 {
			r.slot = r.slot.ByNode()
		}
	}
	return r.slot, r.has
}

// Live returns the log-in under key if it is not past its limit at now.
func (r *Record) Live(key string, absolute time.Duration, now time.Time) (Slot, bool) {
	s, ok := r.Slot(key)
	if limit := limitOf(s, r.notes.born, absolute); !ok || !limit.IsZero() && !now.Before(limit) {
		return Slot{}, false
	}
	return s, true
}

// LiveKeys returns the slot keys under which somebody is logged in at now.
func (r *Record) LiveKeys(absolute time.Duration, now time.Time) []string {
	var keys []string
	for _, key := range r.SlotKeys() {
		if _, ok := r.Live(key, absolute, now); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// limitOf returns when the log-in s of a record that was born then, in Unix milliseconds,
// ends at the latest; zero means that nothing is known yet of its beginning. A log-in by
// Node begins with our first write.
func limitOf(s Slot, born int64, absolute time.Duration) time.Time {
	switch {
	case !s.At.IsZero():
		return s.At.Add(absolute)
	case born > 0:
		return time.UnixMilli(born).Add(absolute)
	}
	return time.Time{}
}

// Deadline returns when the record ends at the latest: with its latest log-in, or
// counted from its birth when nobody is logged in. Zero means not known yet.
func (r *Record) Deadline(absolute time.Duration) time.Time {
	var latest time.Time
	for _, key := range r.SlotKeys() {
		s, ok := r.Slot(key)
		if !ok {
			continue
		}
		limit := limitOf(s, r.notes.born, absolute)
		if limit.IsZero() {
			return limit
		}
		if limit.After(latest) {
			latest = limit
		}
	}
	if latest.IsZero() {
		return limitOf(Slot{}, r.notes.born, absolute)
	}
	return latest
}

// Over reports whether the record is past its deadline at now.
func (r *Record) Over(absolute time.Duration, now time.Time) bool {
	deadline := r.Deadline(absolute)
	return !deadline.IsZero() && !now.Before(deadline)
}

// SameIdentity reports whether o has the log-ins, labels and birth that r has: what
// never changes under one id (S1). What is ours may be added to what Node made.
func (r *Record) SameIdentity(o *Record) bool {
	if r.notes.born > 0 && (o.notes.born == 0 || r.notes.born != o.notes.born || !slices.Equal(r.Labels(), o.Labels())) {
		return false
	}
	return r.sameSlots(o, r.SlotKeys()) && r.sameSlots(o, o.SlotKeys())
}

func (r *Record) sameSlots(o *Record, keys []string) bool {
	for _, key := range keys {
		mine, logged := r.Slot(key)
		if theirs, too := o.Slot(key); logged != too || logged && !mine.Same(theirs) {
			return false
		}
	}
	return true
}

// RefreshDue reports whether the idle timeout's start should move at now. A record or a
// log-in that Node made is due at once: its birth is our first write (S14), and so is its
// label.
func (r *Record) RefreshDue(t Terms, now time.Time) bool {
	age, after := now.Sub(time.UnixMilli(r.notes.seen)), t.RefreshAfter
	if r.idle > 0 && r.idle < t.Idle { // a shorter lifetime of its own needs a shorter pace
		after = min(after, r.idle/10)
	}
	return r.notes.born == 0 || r.relabel || age >= after || age < -after
}
