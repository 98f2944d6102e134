// Package record reads and writes stored sessions: Express's JSON, the log-ins of guards in it, and our own
// notes. It parses a record, changes a copy of its content, and encodes that again. It does no input or
// output and has no clock: callers give it the time.
package record

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// MaxBytes is the size of the largest record that is read or written.
const MaxBytes = 1 << 20

// CookieKey is express-session's own member, with the settings of the cookie.
const CookieKey = "cookie"

var errMalformed = errors.New("session: record is not what express-session writes")

// Record is a stored session: its JSON, and the few fields that every request needs, parsed once. Other
// members are searched for when they are asked for. The zero value is a session without a record. A [Draft]
// is its changeable form. It is not safe for concurrent use, except Value.
type Record struct {
	data    []byte          // nil if there is no record; must not be changed
	members *rawjson.Object // nil until Members is called
	idle    time.Duration   // the cookie's originalMaxAge; 0 for none
	notes   notes
	slot    Slot // the log-in that was read last, at first passport's
	logged  bool // whether slot is a log-in; its Key names the member in either case
	relabel bool // a log-in made by Node has no label yet
	limit        // that of the latest log-in, or else of the record: see Deadline
}

// Parse reads data, the record of id, which must not change while r is in use. After an error r is empty:
// no part of a malformed record is used as a value or a log-in.
func (r *Record) Parse(id string, data []byte) error {
	if r.data != nil {
		*r = Record{}
	}
	r.data = data
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
			r.logged = readSlot(&in, &r.slot)
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
	r.slot.Key = PassportKey
	if r.notes.born == 0 {
		r.slot = r.slot.ByNode()
	}
	if r.slot.began == 0 {
		r.slot.began = r.notes.born
		if f := r.slot.Factors; len(f) > 0 && f[0] == '"' { // Slot.byOne, in nearly every record
			r.slot.At = time.UnixMilli(r.notes.born)
		}
	}
	r.began = r.slot.began
	if r.notes.keys != nil || r.logged && !r.slot.ByGo { // rare
		slots := r.Slots()
		r.began = r.notes.born
		if len(slots) > 0 {
			r.began = slices.MaxFunc(slots, func(a, b Slot) int { return cmp.Compare(a.began, b.began) }).began
		}
		_, r.relabel = r.labels(slots)
	}
	return nil
}

// Exists reports whether there is a record.
func (r *Record) Exists() bool { return r.data != nil }

// Bytes returns the record's text, nil if there is none. It must not be changed.
func (r *Record) Bytes() []byte { return r.data }

// Members returns all members of the record. The result must not be changed.
func (r *Record) Members() *rawjson.Object {
	if r.members == nil {
		r.members = new(rawjson.Object)
		if r.data != nil {
			_ = r.members.Parse(r.data) // no error: Parse has checked it
		}
	}
	return r.members
}

// Value returns the text of the member called name, or nil. It may be called concurrently.
func (r *Record) Value(name string) json.RawMessage { return rawjson.Find(r.data, name) }

// Written returns when Go first and last wrote the record. ok is false if only Node did.
func (r *Record) Written() (born, seen time.Time, ok bool) {
	if r.notes.born == 0 {
		return time.Time{}, time.Time{}, false
	}
	return time.UnixMilli(r.notes.born), time.UnixMilli(r.notes.seen), true
}

// passportKeys are the slot keys of most records.
var passportKeys = []string{PassportKey}

// SlotKeys returns the members that are, or may be, log-ins: those that Go recorded, and passport. The
// result must not be changed.
func (r *Record) SlotKeys() []string {
	if r.notes.keys == nil {
		return passportKeys
	}
	return add(stringsOf(r.notes.keys), PassportKey)
}

// Slot returns the log-in under key, whether or not it is past its limit. Under a key that Go did not
// record, it is one made by Node.
func (r *Record) Slot(key string) (Slot, bool) {
	if r.slot.Key == key || r.data == nil {
		return r.slot, r.logged
	}
	return r.readSlot(key, slices.Contains(r.SlotKeys(), key))
}

// readSlot is Slot for a member other than the last one; known says that Go recorded it.
func (r *Record) readSlot(key string, known bool) (Slot, bool) {
	var raw json.RawMessage
	if r.members != nil {
		raw = r.members.Get(key)
	} else {
		raw = r.Value(key)
	}
	born, _, _ := r.Written()
	r.slot, r.logged = ParseSlot(raw, born)
	r.slot.Key = key
	if r.notes.born == 0 || !known {
		r.slot = r.slot.ByNode()
	}
	if r.slot.began == 0 {
		r.slot.began = r.notes.born
	}
	r.relabel = r.relabel || r.logged && !known
	return r.slot, r.logged
}

// Slots returns the log-ins under [Record.SlotKeys] and under the keys in also, whether or not they are
// past their limit.
func (r *Record) Slots(also ...string) (list []Slot) {
	keys := r.SlotKeys()
	recorded := len(keys)
	for _, key := range also {
		keys = add(keys, key)
	}
	if len(keys) > 2 {
		r.Members() // parse all once instead of searching for each
	}
	for i, key := range keys {
		s, ok := r.slot, r.logged
		if s.Key != key && r.data != nil {
			s, ok = r.readSlot(key, i < recorded)
		}
		if ok {
			list = append(list, s)
		}
	}
	return list
}

// LogIns returns the log-ins under [Record.SlotKeys] and also that are valid at now.
func (r *Record) LogIns(absolute time.Duration, now time.Time, also ...string) []Slot {
	return slices.DeleteFunc(r.Slots(also...), func(s Slot) bool { return s.Over(absolute, now) })
}

// SameIdentity reports whether o has the same log-ins, labels and birth as r: what never changes under one
// id (S1). Our notes may be added to what Node made. Members whose names are in guards count as log-ins
// too.
func (r *Record) SameIdentity(o *Record, guards ...string) bool {
	mine, theirs := r.Slots(slices.Concat(o.SlotKeys(), guards)...), o.Slots(slices.Concat(r.SlotKeys(), guards)...)
	if r.notes.born > 0 {
		had, _ := r.labels(mine)
		has, _ := o.labels(theirs)
		slices.Sort(had)
		slices.Sort(has)
		if r.notes.born != o.notes.born || !slices.Equal(had, has) {
			return false
		}
	}
	for _, s := range mine {
		if !slices.ContainsFunc(theirs, s.same) {
			return false
		}
	}
	return len(mine) == len(theirs)
}

// Unnoted reports whether Go has not yet noted the record, or a log-in in it, because Node made it. The
// record's birth is our first write (S14), which also adds the log-in's label.
func (r *Record) Unnoted() bool { return r.notes.born == 0 || r.relabel }

// RefreshDue reports whether the idle timeout should be restarted at now. For an unnoted record it always
// should.
func (r *Record) RefreshDue(t Terms, now time.Time) bool {
	age, after := now.UnixMilli()-r.notes.seen, t.RefreshAfter.Milliseconds()
	if r.idle > 0 && r.idle < t.Idle { // with a shorter lifetime it is refreshed more often
		after = min(after, r.idle.Milliseconds()/10)
	}
	return r.notes.born == 0 || r.relabel || age >= after || age < -after
}
