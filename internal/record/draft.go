package record

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Terms are the lifetimes that a configuration gives sessions, and the cookie member of
// a new record.
type Terms struct {
	Idle, Absolute, RefreshAfter time.Duration   // session.Config's
	Cookie                       json.RawMessage // for a new record
}

// Draft is the content of a session as a request wants it: a copy of the record with the
// request's operations applied. When the record turns out to have changed, the
// operations run again on the new one. The zero value is the content of a new session.
type Draft struct {
	Members rawjson.Object // all members but our own

	born   int64    // Unix milliseconds; 0 means at the commit
	keys   []string // slot keys recorded by Go
	labels []string
}

// Op is one change of a draft. It must give the same result when it runs again, except
// for what it finds in the draft.
type Op func(d *Draft, now time.Time) error

// Reset makes d a copy of r.
func (d *Draft) Reset(r *Record) {
	d.Members.CopyFrom(r.Members())
	d.Members.Delete(NotesKey)
	d.born = r.notes.born
	d.keys = stringsOf(r.notes.keys)
	d.dropNotes(r)
	d.labels = relabelled(r.listed(), d.SlotKeys(), d.Slot)
}

// Replay makes d the record r with ops applied at now.
func (d *Draft) Replay(r *Record, ops []Op, now time.Time) error {
	d.Reset(r)
	for _, o := range ops {
		if err := o(d, now); err != nil {
			return err
		}
	}
	return nil
}

// Copy returns an independent copy of d.
func (d *Draft) Copy() *Draft {
	c := &Draft{born: d.born, keys: slices.Clone(d.keys), labels: slices.Clone(d.labels)}
	c.Members.CopyFrom(&d.Members)
	return c
}

// Empty reports whether there is nothing worth a record.
func (d *Draft) Empty() bool {
	n := d.Members.Len()
	if d.Members.Get(CookieKey) != nil {
		n--
	}
	return n == 0 && len(d.labels) == 0
}

// room is what a record needs besides its values: our own notes, and the cookie's date.
const room = 1 << 10

// Put sets the member called name. The error is ErrTooLarge where the record would then be
// too large to be written; d is unchanged.
func (d *Draft) Put(name string, value json.RawMessage) error {
	before := len(d.Members.Get(name))
	if len(value) > before && d.Members.Size()-before+len(name)+len(value) > MaxBytes-room {
		return ErrTooLarge
	}
	d.Members.Set(name, value)
	return nil
}

// Labels returns the labels of the session.
func (d *Draft) Labels() []string { return d.labels }

// AddLabel gives the session a label.
func (d *Draft) AddLabel(label string) { d.labels = add(d.labels, label) }

// RemoveLabel takes a label off the session.
func (d *Draft) RemoveLabel(label string) { d.labels = remove(d.labels, label) }

// SlotKeys returns the slot keys of d, passport's own included.
func (d *Draft) SlotKeys() []string { return add(slices.Clone(d.keys), PassportKey) }

// Watch makes the members called keys count as log-ins: guards said that they are.
func (d *Draft) Watch(keys []string) {
	d.keys = slices.Clone(d.keys)
	for _, key := range keys {
		d.keys = add(d.keys, key)
	}
}

// Slot returns the log-in under key, whether or not it is past its limit.
func (d *Draft) Slot(key string) (Slot, bool) { return ParseSlot(d.Members.Get(key)) }

// Live returns the log-in under key if it is not past its limit at now.
func (d *Draft) Live(key string, absolute time.Duration, now time.Time) (Slot, bool) {
	slot, ok := d.Slot(key)
	if limit := limitOf(slot, d.born, absolute); !ok || !limit.IsZero() && !now.Before(limit) {
		return Slot{}, false
	}
	return slot, true
}

// Others reports whether somebody is logged in at now under another key than keys.
func (d *Draft) Others(keys []string, absolute time.Duration, now time.Time) bool {
	return slices.ContainsFunc(d.SlotKeys(), func(k string) bool {
		_, ok := d.Live(k, absolute, now)
		return ok && !slices.Contains(keys, k)
	})
}

// SetSlot replaces the log-in under key by slot.
func (d *Draft) SetSlot(key string, slot Slot) {
	d.keys = add(d.keys, key)
	d.Members.Set(key, AppendSlot(nil, slot))
}

// DropSlots removes the log-ins under keys and those that are past their limit at now,
// with the labels that bear their keys.
func (d *Draft) DropSlots(keys []string, absolute time.Duration, now time.Time) {
	for _, k := range d.SlotKeys() {
		if _, ok := d.Live(k, absolute, now); ok && !slices.Contains(keys, k) {
			continue
		}
		d.Members.Delete(k)
		d.keys = remove(d.keys, k)
		d.labels = slices.DeleteFunc(slices.Clone(d.labels), func(l string) bool { return strings.HasPrefix(l, k+":") })
	}
}

// Clear removes all log-ins and labels, and the values whose names keep does not hold.
func (d *Draft) Clear(keep func(name string) bool) {
	slots := d.SlotKeys()
	d.Members.DeleteFunc(func(name string) bool { return slices.Contains(slots, name) || !keep(name) })
	d.keys, d.labels = nil, nil
}
