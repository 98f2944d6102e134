package protocol

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Bind binds the session, which has a record, to a key, at the commit: it gets a new id that
// says so, and keeps all that is in it, as by Rotate (S19). The error is ErrChanged where the
// session is bound already, and ErrEnded where it has no record.
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

// Presented yields the ids that were presented.
func (v *Visit) Presented() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, p := range v.presented {
			if !yield(p.id) {
				return
			}
		}
	}
}

// Unproved says of id, which was presented and is bound, that the request shows no proof of its
// key. A live session of that id is not the visit's: see [Visit.Suspect].
func (v *Visit) Unproved(id string) {
	for i := range v.presented {
		if v.presented[i].id == id {
			v.presented[i].unproved = true
		}
	}
}

// suspected makes the session that was just found no session of this visit: whoever sent its id
// did not prove to be the one whom it is bound to.
func (v *Visit) suspected() {
	v.Suspect, v.lost = true, &Lost{v.ID, v.base}
	v.ID, v.base = "", new(record.Record)
}

// Suspected reports whether all that can be said of the request's session is that nothing proves
// that it is the visitor's. A log-in by credentials, or an end, that is planned is another matter.
func (v *Visit) Suspected() bool {
	return v.Suspect && v.ID == "" && !v.Ending() && !v.planned().checked
}

// SuspectSlot returns the id of the session of Suspect, "" for none, and who is logged in there
// under key at now.
func (v *Visit) SuspectSlot(key string, now time.Time) (id string, s record.Slot) {
	if !v.Suspect || v.lost == nil {
		return "", s
	}
	if found, ok := v.lost.rec.Slot(key); ok && !found.Over(v.p.Terms.Absolute, now) {
		s = found
	}
	return v.lost.ID, s
}

// follow finds the session that one of the ids presented went on as when it was bound, unless
// that is longer ago than Settings.Grace: the browser binds a session behind the page's back,
// whose other requests, already on their way, show the id before. It costs a command, of a
// visitor whose cookie is dead.
func (v *Visit) follow(ctx, wait context.Context, now time.Time) error {
	for _, p := range v.presented {
		if devicebound.Of(p.id) != "" {
			continue
		}
		next, err := v.p.successor(wait, p.id)
		if err != nil {
			if v.p.Found(err) != nil {
				continue // it is there, but past its deadline, or Node wrote it back
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
