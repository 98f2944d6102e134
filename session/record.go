package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/reqstate"
)

// ownKey is the one top-level member that is ours. Node keeps it and ignores it:
//
//	"_go":{"b":…,"s":…,"v":"…","i":"…","k":["passport","admin"],"l":["passport:2","sid:x"]}
//
// b is the birth and s the last write by Go, in Unix milliseconds; s is absent when it
// is b. v holds the revisions of the last writes, newest first. i says for which id Go
// wrote this, see [tieOf]. k names the members that are log-ins of guards, l the labels.
// Each is absent when it is empty, and k also when it is passport alone; l is 1 when it
// is the one label of passport's log-in, if Go made that. So the member has some 65
// bytes in nearly every record.
const ownKey = "_go"

// cookieKey is express-session's own member.
const cookieKey = "cookie"

// maxAgeKey is the cookie's own idle timeout.
const maxAgeKey = "originalMaxAge"

// MaxRecordBytes is the size of the largest record that is read or written. A larger
// one in the store counts as malformed; a commit that would write one fails.
const MaxRecordBytes = 1 << 20

// maxKeyList is the size of the largest list of log-ins' keys. A longer one is not
// ours, and looking each of its keys up would take quadratic time.
const maxKeyList = 1 << 10

var errMalformed = errors.New("session: record is not what express-session writes")

// A record is a session's bytes, and what every request wants of them. They are read
// in one pass; the other members are found when somebody asks for them.
type record struct {
	data    []byte          // nil when there is no record; must stay unchanged
	members *rawjson.Object // all of them, once asked for: see object
	maxAge  json.RawMessage // the cookie's originalMaxAge
	own     own
	slot    reqstate.Slot // the log-in under key, parsed once
	key     string        // the slot's member
	has     bool          // whether slot is a log-in
	relabel bool          // a log-in by Node has no label yet
}

type own struct {
	known bool            // the record has our member: Go wrote it before
	keyed bool            // k is there
	born  int64           // Unix milliseconds; 0 when Node made the record
	seen  int64           // Unix milliseconds; 0 when Node made the record
	revs  []byte          // revisions, newest first, revLen bytes each
	text  json.RawMessage // all of it
}

// parse reads data, the record of id, which must stay unchanged while r is in use. After
// an error r is empty: nothing of a malformed record can be taken for a value or a log-in.
func (r *record) parse(id string, data []byte) error {
	if r.data != nil {
		*r = record{}
	}
	r.data = data
	err := r.read(id)
	if err != nil {
		*r = record{}
	}
	return err
}

func (r *record) read(id string) error {
	if len(r.data) > MaxRecordBytes {
		return errMalformed
	}
	cookie := false
	r.key = passportKey
	in := rawjson.NewReader(r.data)
	for ok := in.Enter(); ok && in.Next(); {
		switch string(in.Name()) {
		case cookieKey:
			r.maxAge, cookie = nil, in.Enter()
			for cookie && in.Next() {
				if string(in.Name()) == maxAgeKey {
					r.maxAge = in.Value()
				}
			}
		case passportKey:
			r.slot, r.has = reqstate.ReadSlot(&in)
		case ownKey:
			r.own.read(&in)
		}
	}
	if err := in.End(); err != nil {
		return err
	}
	if !cookie || r.own.keyed && len(r.own.list("k")) > maxKeyList {
		return errMalformed
	}
	r.judge(id)
	return nil
}

// read reads our own member, which is the value due in in.
func (o *own) read(in *rawjson.Reader) {
	*o = own{}
	start := in.Offset()
	for ok := in.Enter(); ok && in.Next(); {
		switch string(in.Name()) {
		case "b":
			o.born, _ = rawjson.Int(in.Value())
		case "s":
			o.seen, _ = rawjson.Int(in.Value())
		case "v":
			o.revs = unquoted(in.Value())
		case "k":
			o.keyed = true
		}
	}
	if o.known = o.born > 0; o.seen == 0 {
		o.seen = o.born
	}
	o.text = in.Since(start)
}

// unquoted returns what stands between the quotes of v, nil when v is no text.
func unquoted(v json.RawMessage) []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}

// object returns all members of the record. The result must not be changed.
func (r *record) object() *rawjson.Object {
	if r.members == nil {
		r.members = new(rawjson.Object)
		if r.data != nil {
			_ = r.members.Parse(r.data) // valid: parse has read it
		}
	}
	return r.members
}

// passportKey is the member of Passport's log-in, and of a guard's that says nothing else.
const passportKey = "passport"

// passportKeys is the list of slot keys of nearly every record.
var passportKeys = []string{passportKey}

// stringsOf reads a JSON array of strings. Anything else is the empty list.
func stringsOf(raw json.RawMessage) []string {
	if len(raw) == 0 {
		return nil
	}
	if list, ok := plainStrings(raw); ok {
		return list
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// plainStrings is stringsOf for the form in which we write lists, without blanks,
// escapes and commas in the strings: a tenth of the time.
func plainStrings(raw []byte) (list []string, ok bool) {
	if len(raw) < 2 || raw[0] != '[' || raw[len(raw)-1] != ']' {
		return nil, false
	}
	for item := range bytes.SplitSeq(raw[1:len(raw)-1], []byte(`,`)) {
		if len(item) < 2 || item[0] != '"' || item[len(item)-1] != '"' || bytes.ContainsAny(item[1:len(item)-1], `"\\`) {
			return nil, false
		}
		list = append(list, string(item[1:len(item)-1]))
	}
	return list, true
}

// appendStrings appends the JSON array of list.
func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, rawjson.Quote(s)...)
	}
	return append(b, ']')
}

// slotKeys returns the members that are, or may be, log-ins: those that Go recorded,
// and passport's own. The result must not be changed.
func (r *record) slotKeys() []string {
	if !r.own.keyed {
		return passportKeys
	}
	keys := stringsOf(r.own.list("k"))
	if !slices.Contains(keys, passportKey) {
		keys = append(keys, passportKey)
	}
	return keys
}

// list returns the text of k or l, nil when it is absent.
func (o *own) list(name string) json.RawMessage { return rawjson.Find(o.text, name) }

// slotAt returns the log-in under key, whether or not it is past its limit.
func (r *record) slotAt(key string) (reqstate.Slot, bool) {
	if r.key != key {
		r.key = key
		r.slot, r.has = reqstate.ParseSlot(r.object().Get(key))
		r.judgeSlot()
	}
	return r.slot, r.has
}

// limit returns when the log-in s ends at the latest; zero means that nothing is
// known yet of its beginning. A log-in by Node begins with our first write.
func (r *record) limit(s reqstate.Slot, absolute time.Duration) time.Time {
	switch {
	case !s.At.IsZero():
		return s.At.Add(absolute)
	case r.own.born > 0:
		return time.UnixMilli(r.own.born).Add(absolute)
	}
	return time.Time{}
}

// live returns the log-in under key if its time is not over.
func (r *record) live(key string, absolute time.Duration, now time.Time) (reqstate.Slot, bool) {
	s, ok := r.slotAt(key)
	if !ok {
		return reqstate.Slot{}, false
	}
	if limit := r.limit(s, absolute); !limit.IsZero() && !now.Before(limit) {
		return reqstate.Slot{}, false
	}
	return s, true
}

// liveKeys returns the slot keys under which somebody is logged in.
func (r *record) liveKeys(absolute time.Duration, now time.Time) []string {
	var keys []string
	for _, key := range r.slotKeys() {
		if _, ok := r.live(key, absolute, now); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// deadline returns when the record ends at the latest: with its latest log-in, or
// counted from its birth when nobody is logged in. Zero means not known yet.
func (r *record) deadline(absolute time.Duration) time.Time {
	var latest time.Time
	any := false
	for _, key := range r.slotKeys() {
		s, ok := r.slotAt(key)
		if !ok {
			continue
		}
		limit := r.limit(s, absolute)
		if limit.IsZero() {
			return time.Time{}
		}
		if any = true; limit.After(latest) {
			latest = limit
		}
	}
	if any {
		return latest
	}
	return r.limit(reqstate.Slot{}, absolute)
}

// sameIdentity reports whether o has the log-ins, labels and birth that r has: what
// never changes under one id (S1). What is ours may be added to what Node made.
func (r *record) sameIdentity(o *record) bool {
	if r.own.known && (!o.own.known || r.own.born != o.own.born || !slices.Equal(r.labels(), o.labels())) {
		return false
	}
	return r.sameSlots(o, r.slotKeys()) && r.sameSlots(o, o.slotKeys())
}

func (r *record) sameSlots(o *record, keys []string) bool {
	for _, key := range keys {
		mine, logged := r.slotAt(key)
		if theirs, too := o.slotAt(key); logged != too || logged && !mine.Same(theirs) {
			return false
		}
	}
	return true
}

// idle returns the record's own idle timeout, Express's originalMaxAge, if it is a
// number of milliseconds.
func (r *record) idle() (time.Duration, bool) { return parseMaxAge(r.maxAge) }

// parseMaxAge reads the value of originalMaxAge.
func parseMaxAge(raw json.RawMessage) (time.Duration, bool) {
	ms, ok := rawjson.Int(raw)
	if !ok && len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') {
		var f float64 // 1e6, 60000.5
		if json.Unmarshal(raw, &f) == nil && f >= 1 && f < 1e15 {
			ms, ok = int64(f), true
		}
	}
	if !ok || ms <= 0 || ms > int64(maxCookieAge/time.Millisecond) {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}
