package record

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// Terms are the lifetimes of sessions in a configuration, and the cookie member of a new record.
type Terms struct {
	Idle, Absolute, RefreshAfter time.Duration   // from session.Config
	Cookie                       json.RawMessage // for a new record
	MaxAge                       time.Duration   // the originalMaxAge in Cookie; 0 for null
}

// Draft is the content of a session as a request sees it: a copy of the record with the request's
// operations applied. If the stored record turns out to have changed, the operations run again on the new
// one. The zero value is the content of a new session.
type Draft struct {
	Members rawjson.Object // all members except our own
	Labels  []string
	Born    int64 // Unix milliseconds; 0 means the time of the commit

	cookie json.RawMessage // the cookie member, which keeps its place in Members; nil for that of a new session
	maxAge time.Duration   // the originalMaxAge in cookie
	slots  []Slot          // the log-ins, including those past their limit
}

// Op is one change of a draft. Run again on an equal draft, it must have the same result.
type Op func(d *Draft, now time.Time) error

// Reset makes d a copy of r. Members whose names are in guards count as log-ins too, besides those that Go
// recorded.
func (d *Draft) Reset(r *Record, guards ...string) {
	*d = Draft{Born: r.notes.born}
	if r.data == nil {
		return
	}
	d.Members.CopyFrom(r.Members())
	d.Members.Delete(NotesKey)
	d.cookie, d.maxAge = d.Members.Get(CookieKey), r.idle
	d.slots = r.Slots(guards...)
	d.Labels, _ = r.labels(d.slots)
	d.dropNotes(r)
}

// Empty reports whether d has no content that needs a record.
func (d *Draft) Empty() bool { return d.Members.Len() == 0 && len(d.Labels) == 0 }

// room is the space that a record needs besides its values, for our notes and the cookie's date.
const room = 1 << 10

// Put sets the member called name. The error is ErrTooLarge if the record would then be too large to be
// written; d is then unchanged.
func (d *Draft) Put(name string, value json.RawMessage) error {
	before := len(d.Members.Get(name))
	if len(value) > before && d.Members.Size()-before+len(name)+len(value) > MaxBytes-room {
		return ErrTooLarge
	}
	d.Members.Set(name, value)
	return nil
}

// AddLabel gives the session a label.
func (d *Draft) AddLabel(label string) { d.Labels = add(d.Labels, label) }

// RemoveLabel removes a label from the session.
func (d *Draft) RemoveLabel(label string) {
	d.Labels = slices.DeleteFunc(d.Labels, func(l string) bool { return l == label })
}

// IsSlot reports whether name is a member under which a guard keeps its log-in.
func (d *Draft) IsSlot(name string) bool {
	_, ok := d.Slot(name)
	return ok || name == PassportKey
}

// Slot returns the log-in under key, whether or not it is past its limit.
func (d *Draft) Slot(key string) (Slot, bool) {
	if i := slices.IndexFunc(d.slots, func(s Slot) bool { return s.Key == key }); i >= 0 {
		return d.slots[i], true
	}
	return Slot{}, false
}

// LogIns returns the log-ins that are valid at now.
func (d *Draft) LogIns(absolute time.Duration, now time.Time) (list []Slot) {
	for _, s := range d.slots {
		if !s.Over(absolute, now) {
			list = append(list, s)
		}
	}
	return list
}

// SetSlot replaces the log-in under key by slot.
func (d *Draft) SetSlot(key string, slot Slot) {
	slot.Key, slot.ByGo, slot.began = key, true, d.Born
	if !slot.At.IsZero() {
		slot.began = slot.At.UnixMilli()
		slot.At = time.UnixMilli(slot.began) // as it will be written
	}
	d.Members.Set(key, AppendSlot(nil, slot, 0)) // Encode knows the birth
	d.slots = slices.DeleteFunc(d.slots, func(s Slot) bool { return s.Key == key })
	if !nobody(slot.User) {
		d.slots = append(d.slots, slot)
	}
}

// DropSlots removes the log-ins under keys and those that are past their limit at now, with the labels that
// begin with their keys.
func (d *Draft) DropSlots(keys []string, absolute time.Duration, now time.Time) {
	for _, s := range d.slots {
		if s.Over(absolute, now) {
			keys = append(slices.Clip(keys), s.Key)
		}
	}
	d.slots = slices.DeleteFunc(d.slots, func(s Slot) bool { return slices.Contains(keys, s.Key) })
	for _, key := range keys {
		d.Members.Delete(key)
		d.Members.Delete(DevicePrefix + key)
		d.Labels = slices.DeleteFunc(d.Labels, func(l string) bool { return strings.HasPrefix(l, key+":") })
	}
}

// Clear removes all log-ins and labels, the settings of the cookie, and the values whose names keep does
// not accept.
func (d *Draft) Clear(keep func(name string) bool) {
	d.Members.DeleteFunc(func(name string) bool { return name == CookieKey || d.IsSlot(name) || !keep(name) })
	d.cookie, d.maxAge, d.slots, d.Labels = nil, 0, nil, nil
}

// ExpressJSON returns the session as Express would show it: without our notes, including those in log-ins.
func (d *Draft) ExpressJSON(t Terms, now time.Time) ([]byte, error) {
	cookie, _, err := d.cookieAt(t, now)
	if err != nil {
		return nil, err
	}
	var all rawjson.Object
	if d.Members.Get(CookieKey) == nil {
		all.Set(CookieKey, cookie)
	}
	for _, name := range d.Members.Names() {
		value := d.Members.Get(name)
		switch {
		case name == CookieKey:
			value = cookie
		case d.IsSlot(name):
			value = WithoutNotes(value)
		}
		all.Set(name, value)
	}
	return all.AppendTo(nil), nil
}
