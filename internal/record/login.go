package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// LogIn is a log-in that is to be put into a session.
type LogIn struct {
	Key    string         // the guard's session key
	Slot   Slot           // At zero means the commit's own time
	Name   string         // the user's, as [UserLabel] has it: under its label the session is found; empty for none
	Labels []string       // linked beside those that stay; those that begin with the key and a colon end with it
	Keep   []string       // top-level keys that an anonymous session hands on
	MaxAge *time.Duration // nil leaves the configured lifetime; see session.SetMaxAge

	// NoTime leaves a zero At as it is: no credentials were checked, so the log-in is
	// never fresh. Its absolute limit counts from the record's birth.
	NoTime bool

	// Renews says that the user was found by this very session, and proved nothing in this
	// request: the commit renews the session, and fails with ErrSessionEnded if it has
	// ended meanwhile. Otherwise the log-in is a session of its own.
	Renews bool

	// Same reports whether an id that the session holds stands for the same user, in whatever
	// form it was written. Nil compares the bytes.
	Same func(user json.RawMessage) bool

	// Keeps is how the labels begin that stay, besides what Labels has; empty keeps none. It is
	// for a log-in that Renews: any other one ends the labels of the one before.
	Keeps string
}

// Op puts the log-in into the session. The same user keeps the session's values;
// after somebody else's log-in they are dropped; from a visitor whom nobody knew only
// those named in Keep stay. Other guards' log-ins stay in any case.
func (l *LogIn) Op(t Terms) Op {
	return func(d *Draft, now time.Time) error {
		var known, same, others bool
		for _, s := range d.LogIns(t.Absolute, now) {
			if s.Key != l.Key {
				others = true
				continue
			}
			known, same = true, l.SameUser(s)
		}
		switch {
		case same, others && !known: // whose values they are does not change
		case others:
			d.Members.DeleteFunc(func(name string) bool { return name != CookieKey && !d.IsSlot(strings.TrimPrefix(name, DevicePrefix)) })
		default:
			d.Clear(func(name string) bool { return !known && slices.Contains(l.Keep, name) })
		}
		if !others && !l.Renews {
			d.Born = 0 // the limit is the log-in's own
		}
		kept := slices.DeleteFunc(slices.Clone(d.Labels), func(label string) bool { return l.Keeps == "" || !strings.HasPrefix(label, l.Keeps) })
		d.DropSlots([]string{l.Key}, t.Absolute, now)
		d.SetSlot(l.Key, l.Slot)
		if l.Name != "" {
			d.Labels = add(d.Labels, UserLabel(l.Key, l.Name))
		}
		for _, label := range append(kept, l.Labels...) {
			d.Labels = add(d.Labels, label)
		}
		if l.MaxAge != nil {
			return d.SetMaxAge(t, *l.MaxAge)
		}
		return nil
	}
}

// SameUser reports whether the log-in in slot is of the same user.
func (l *LogIn) SameUser(slot Slot) bool {
	return bytes.Equal(slot.User, l.Slot.User) || l.Same != nil && l.Same(slot.User)
}
