package record

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// ErrTooLarge says that a draft cannot be written: its record would not be read again.
var ErrTooLarge = fmt.Errorf("session: record is over %d bytes, or nested beyond %d levels: keep large data in a database and its key in the session", MaxBytes, rawjson.MaxDepth)

// ErrPastDeadline says that the record's time is over: it is ended, not written.
var ErrPastDeadline = errors.New("session: past its absolute deadline")

var errTooManyKeys = errors.New("session: too many guards are logged in under long session keys")

// Encoded is a draft as text.
type Encoded struct {
	Record   Record        // as reading it would give
	TTL      time.Duration // whole milliseconds, at least one
	Deadline time.Time     // when it ends at the latest
}

// Encode writes d as the record that is stored under id at now: a new cookie's member first,
// as express-session does, and our own last. before is the record that it replaces under
// that id, or nil. The error is ErrTooLarge, ErrPastDeadline, or says what of the draft
// cannot be written. Nothing that is written by the rules is read again: a test does that.
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
	// A value of our own can be nested as deeply as a whole record may be.
	if len(r.data) > MaxBytes || len(r.data) > 2*rawjson.MaxDepth && !rawjson.Valid(r.data) {
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
