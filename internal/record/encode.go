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

// Encode writes d as the record that is stored under id at now. before is the record that
// it replaces under that id, or nil. The error is ErrTooLarge, ErrPastDeadline, or says
// what of the draft cannot be written.
func (d *Draft) Encode(t Terms, id string, before *Record, revision string, now time.Time) (*Encoded, error) {
	age, err := d.SetExpires(t, now)
	if err != nil {
		return nil, err
	}
	e := new(Encoded)
	r := &e.Record
	r.idle = age
	d.Members.Set(NotesKey, r.notes.write(d, id, before, revision, now))
	r.data = d.Members.AppendTo(nil)
	d.Members.Delete(NotesKey)
	if len(r.notes.keys) > maxKeyList {
		return nil, errTooManyKeys
	}
	// Nothing that was written by the rules needs to be read again, but a value of our own
	// can be nested as deeply as a whole record may be.
	if len(r.data) > MaxBytes || len(r.data) > 2*rawjson.MaxDepth && !rawjson.Valid(r.data) {
		return nil, ErrTooLarge
	}
	r.key = PassportKey
	r.slot, r.has = d.Slot(PassportKey)
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

// SetBorn makes now the birth of a session that has none yet, so that it stays the same
// however often the draft is encoded. undo takes it back.
func (d *Draft) SetBorn(now time.Time) (undo func()) {
	before := d.born
	if d.born == 0 {
		d.born = now.UnixMilli()
	}
	return func() { d.born = before }
}

// BornAs gives d the birth of r, if it has none of its own.
func (d *Draft) BornAs(r *Record) {
	if d.born == 0 {
		d.born = r.notes.born
	}
}
