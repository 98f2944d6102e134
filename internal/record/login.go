package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// LogIn is a log-in to be put into a session.
type LogIn struct {
	Key    string         // the guard's session key
	Slot   Slot           // a zero At means the time of the commit
	Name   string         // the user's, see [UserLabel], by which the session is found; empty for none
	Labels []string       // further labels; those that begin with the key and a colon end with the log-in
	Keep   []string       // top-level keys that are kept from an anonymous session
	MaxAge *time.Duration // nil means the configured lifetime; see session.SetMaxAge

	// NoTime leaves a zero At as it is: no credentials were checked, so the log-in is never fresh. Its
	// absolute limit counts from the record's birth.
	NoTime bool

	// Renews says that the user was found by this session, and proved nothing in this request. The commit
	// renews the session, and fails with ErrSessionEnded if it has ended meanwhile. If false, the log-in
	// does not depend on the old session.
	Renews bool

	// Same reports whether an id in the session belongs to the same user, in whatever spelling. If nil, the
	// bytes are compared.
	Same func(user json.RawMessage) bool

	// Keeps is the prefix of the labels that stay, besides Labels; if empty, none do. It is for a log-in
	// that Renews: any other log-in ends the labels of the one before.
	Keeps string
}

// Op puts the log-in into the session. If the same user was logged in, the session's values stay. If
// another user was, they are dropped. If nobody was, only those named in Keep stay. The log-ins of other
// guards stay in all cases.
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
		case same, others && !known: // the values still belong to the same user
		case others:
			d.Members.DeleteFunc(func(name string) bool { return name != CookieKey && !d.IsSlot(strings.TrimPrefix(name, DevicePrefix)) })
		default:
			d.Clear(func(name string) bool { return !known && slices.Contains(l.Keep, name) })
		}
		if !others && !l.Renews {
			d.Born = 0 // the limit counts from the log-in
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

// SameUser reports whether the log-in in slot belongs to the same user.
func (l *LogIn) SameUser(slot Slot) bool {
	return bytes.Equal(slot.User, l.Slot.User) || l.Same != nil && l.Same(slot.User)
}
