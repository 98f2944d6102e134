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
//	"_go":{"b":…,"s":…,"v":"…","k":["passport"],"l":["passport:2"]}
//
// b is the birth and s the last write by Go, in Unix milliseconds. v holds the
// revisions of the last writes, newest first. k names the members that are log-ins
// of guards, l the labels. k and l are absent when empty.
const ownKey = "_go"

// cookieKey is express-session's own member.
const cookieKey = "cookie"

// MaxRecordBytes is the size of the largest record that is read or written. A larger
// one in the store counts as malformed; a commit that would write one fails.
const MaxRecordBytes = 1 << 20

// maxKeyList is the size of the largest list of log-ins' keys. A longer one is not
// ours, and looking each of its keys up would take quadratic time.
const maxKeyList = 1 << 10

var errMalformed = errors.New("session: record is not what express-session writes")

// A record is the parsed form of a session's bytes. It shares memory with them.
type record struct {
	obj  rawjson.Object
	own  own
	slot reqstate.Slot // the log-in under slotKey, parsed once
	key  string        // the slot's member
	has  bool          // whether slot is a log-in
}

type own struct {
	known  bool            // the record has our member: Go wrote it before
	born   int64           // Unix milliseconds; 0 when Node made the record
	seen   int64           // Unix milliseconds; 0 when Node made the record
	revs   []byte          // revisions, newest first, revLen bytes each
	keys   json.RawMessage // array of strings
	labels json.RawMessage // array of strings
}

// parse reads data, which must stay unchanged while r is in use. After an error r is
// empty: nothing of a malformed record can be taken for a value or a log-in.
func (r *record) parse(data []byte) error {
	err := r.read(data)
	if err != nil {
		*r = record{}
	}
	return err
}

func (r *record) read(data []byte) error {
	r.own, r.key, r.has = own{}, "", false
	if len(data) > MaxRecordBytes {
		return errMalformed
	}
	if err := r.obj.Parse(data); err != nil {
		return err
	}
	if cookie := r.obj.Get(cookieKey); len(cookie) == 0 || cookie[0] != '{' {
		return errMalformed
	}
	raw := r.obj.Get(ownKey)
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var o own
	rawjson.Each(raw, func(name, value []byte, _ bool) {
		switch string(name) {
		case "b":
			o.born, _ = rawjson.Int(value)
		case "s":
			o.seen, _ = rawjson.Int(value)
		case "v":
			if value[0] == '"' {
				o.revs = value[1 : len(value)-1]
			}
		case "k":
			o.keys = value
		case "l":
			o.labels = value
		}
	})
	if len(o.keys) > maxKeyList {
		return errMalformed
	}
	o.known = o.born > 0
	r.own = o
	return nil
}

// passportKeys is the list of slot keys of nearly every record.
var passportKeys = []string{"passport"}

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
	if len(r.own.keys) == 0 || string(r.own.keys) == `["passport"]` {
		return passportKeys
	}
	keys := stringsOf(r.own.keys)
	if !slices.Contains(keys, "passport") {
		keys = append(keys, "passport")
	}
	return keys
}

func (r *record) labels() []string { return stringsOf(r.own.labels) }

// slotAt returns the log-in under key, whether or not it is past its limit.
func (r *record) slotAt(key string) (reqstate.Slot, bool) {
	if r.key != key {
		r.key = key
		r.slot, r.has = reqstate.ParseSlot(r.obj.Get(key))
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
// never changes under one id (S1). Our member alone may be added to what Node made.
func (r *record) sameIdentity(o *record) bool {
	if r.own.known && (!o.own.known || r.own.born != o.own.born || !bytes.Equal(r.own.labels, o.own.labels)) {
		return false
	}
	return r.sameSlots(o, r.slotKeys()) && r.sameSlots(o, o.slotKeys())
}

func (r *record) sameSlots(o *record, keys []string) bool {
	for _, key := range keys {
		mine, theirs := r.obj.Get(key), o.obj.Get(key)
		if bytes.Equal(mine, theirs) {
			continue
		}
		_, mineLive := reqstate.ParseSlot(mine)
		if _, theirsLive := reqstate.ParseSlot(theirs); mineLive || theirsLive {
			return false
		}
	}
	return true
}

// idle returns the record's own idle timeout, Express's originalMaxAge, if it is a
// number of milliseconds.
func (r *record) idle() (time.Duration, bool) { return maxAgeOf(r.obj.Get(cookieKey)) }

func maxAgeOf(cookie json.RawMessage) (time.Duration, bool) {
	raw := rawjson.Find(cookie, "originalMaxAge")
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
