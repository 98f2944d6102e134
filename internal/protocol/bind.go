package protocol

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Bind binds the session to a key, at the commit: it gets a new id that contains the binding, and
// keeps its content, as with Rotate (S19). The error is ErrChanged if the session is bound
// already, and ErrEnded if it has no record.
func (v *Visit) Bind(to devicebound.Binding) error {
	if err := v.Writable(); err != nil {
		return err
	}
	switch {
	case v.ID == "":
		return v.p.Ended
	case devicebound.Of(v.ID) != "":
		return v.p.Changed
	}
	if err := v.Rotate(func(*record.Draft, time.Time) error { return nil }); err != nil {
		return err
	}
	v.plan.binding = to
	return nil
}

// Presented yields the presented ids.
func (v *Visit) Presented() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, p := range v.presented {
			if !yield(p.id) {
				return
			}
		}
	}
}

// Unproved records that the request has no proof of the key that id, one of those presented, is
// bound to. A live session under that id is then not this visit's: see [Visit.Suspect].
func (v *Visit) Unproved(id string) {
	for i := range v.presented {
		if v.presented[i].id == id {
			v.presented[i].unproved = true
		}
	}
}

// suspected drops the session that was just found from this visit: whoever sent its id did not
// prove possession of the key that it is bound to.
func (v *Visit) suspected() {
	v.Suspect, v.lost = true, &Lost{v.ID, v.base}
	v.ID, v.base = "", new(record.Record)
}

// Suspected reports whether the request's only session is one without proof that it is the
// visitor's. It is false if a log-in with credentials, or an end, is planned.
func (v *Visit) Suspected() bool {
	return v.Suspect && v.ID == "" && !v.Ending() && !v.planned().checked
}

// SuspectSlot returns the id of the session that Suspect is about, "" if there is none, and the
// log-in under key that is valid there at now.
func (v *Visit) SuspectSlot(key string, now time.Time) (id string, s record.Slot) {
	if !v.Suspect || v.lost == nil {
		return "", s
	}
	if found, ok := v.lost.rec.Slot(key); ok && !found.Over(v.p.Terms.Absolute, now) {
		s = found
	}
	return v.lost.ID, s
}

// follow finds the session that continues one of the presented ids after it was bound to a
// device, unless that is longer ago than Settings.Grace. The browser binds a session in the
// background: other requests of the page that are already on their way still have the previous
// id. It costs a command for each visitor whose cookie names no session.
func (v *Visit) follow(ctx, wait context.Context, now time.Time) error {
	for _, p := range v.presented {
		if devicebound.Of(p.id) != "" {
			continue
		}
		next, err := v.p.successor(wait, p.id)
		if err != nil {
			if v.p.Found(err) != nil {
				continue // the record exists, but is past its deadline, or Node wrote it back
			}
			return fmt.Errorf("session: load: %w", err)
		}
		if next == "" {
			continue
		}
		since := devicebound.Of(next).Since()
		if age := now.Sub(since); since.IsZero() || age >= v.p.Grace {
			continue
		}
		if found, _, err := v.fetch(ctx, wait, now, next, v.p.primary()); err != nil || found {
			if found {
				v.Via, v.Unknown = Followed, false
			}
			return err
		}
	}
	return nil
}
