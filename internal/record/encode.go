package record

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// ErrTooLarge is returned for a draft whose record would be too large to be read again.
var ErrTooLarge = fmt.Errorf("session: record is over %d bytes, or nested beyond %d levels: keep large data in a database and its key in the session", MaxBytes, rawjson.MaxDepth)

// ErrPastDeadline is returned for a draft that has expired: its record must be ended, not written.
var ErrPastDeadline = errors.New("session: past its absolute deadline")

var errTooManyKeys = errors.New("session: too many guards are logged in under long session keys")

// Encoded is an encoded draft.
type Encoded struct {
	Record   Record        // the same as Parse would return
	TTL      time.Duration // whole milliseconds, at least one
	Deadline time.Time     // the latest time at which it ends
}

// Encode encodes d as the record to be stored under id at now. The cookie member of a new session comes
// first, as in express-session, and our own member last. before is the record that it replaces under that
// id, or nil. The error is ErrTooLarge or ErrPastDeadline, or says which part of the draft cannot be
// encoded. The result is not parsed again; a test checks that Parse returns the same.
func (d *Draft) Encode(t Terms, id string, before *Record, revision string, now time.Time) (*Encoded, error) {
	cookie, age, err := d.cookieAt(t, now)
	if err != nil {
		return nil, err
	}
	e := new(Encoded)
	r := &e.Record
	r.idle, r.slot.Key = age, PassportKey
	r.notes.born, r.notes.seen = d.Born, now.UnixMilli()
	if d.Born == 0 {
		r.notes.born = r.notes.seen
	}
	r.slot.began = r.notes.born
	for i := range d.slots {
		s := &d.slots[i]
		if s.At.IsZero() {
			s.began = r.notes.born
		}
		if s.ByGo && s.byOne() {
			was, text := d.Members.Get(s.Key), AppendSlot(nil, *s, r.notes.born)
			if !bytes.Equal(was, text) && !bytes.Equal(was, AppendSlot(nil, *s, 0)) { // rare
				text = withNotesOf(was, text)
			}
			d.Members.Set(s.Key, text)
		}
		if s.Key == PassportKey {
			r.slot, r.logged = *s, true
		}
		r.began = max(r.began, s.began)
	}
	if len(d.slots) == 0 {
		r.began = r.notes.born
	}

	b := make([]byte, 0, len(cookie)+d.Members.Size()+notesSize)
	b = append(b, '{')
	if d.Members.Get(CookieKey) != nil {
		d.Members.Set(CookieKey, cookie)
	} else {
		b = append(append(append(b, `"`+CookieKey+`":`...), cookie...), ',')
	}
	b = d.Members.AppendMembers(b)
	b = append(b, `"`+NotesKey+`":`...)
	r.data = append(r.notes.write(b, d, id, before, revision), '}')
	if len(r.notes.keys) > maxKeyList {
		return nil, errTooManyKeys
	}
	// Its members are valid, but a value alone may have as many levels as a whole record.
	deep := len(r.data) > 2*rawjson.MaxDepth &&
		bytes.Count(r.data, []byte{'['})+bytes.Count(r.data, []byte{'{'}) > rawjson.MaxDepth
	if len(r.data) > MaxBytes || deep && !rawjson.Valid(r.data) {
		return nil, ErrTooLarge
	}
	e.Deadline = r.Deadline(t.Absolute)
	idle, ok := r.Idle()
	if !ok {
		idle = t.Idle
	}
	e.TTL = min(idle, e.Deadline.Sub(now)).Truncate(time.Millisecond)
	if e.TTL < time.Millisecond {
		return nil, ErrPastDeadline
	}
	return e, nil
}
