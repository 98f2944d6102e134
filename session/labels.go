package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/record"
)

var errNoIndex = errors.New("session: labels: the store has no index: use store.RedisStore or store.MemoryStore")

// Info describes a stored session: one of a user's devices, or the request's own. It does not
// change when the session changes, and is safe to share.
type Info struct {
	Ref      string    // as Session.Ref
	Created  time.Time // when the session, or the log-in that started it, began; zero when only Node wrote it
	Seen     time.Time // last refresh, exact to Config.RefreshAfter; zero when only Node wrote it
	Expires  time.Time // when it ends if nobody uses it again, Deadline at the latest; zero when only Node wrote it
	Deadline time.Time // when it ends at the latest; zero when only Node wrote it
	Labels   []string
	Bound    bool // to a key of the browser, see Config.DeviceBound

	rec *record.Record
}

// Info describes the session's record in the store, as this request found it or as its last
// commit left it. It is the zero Info while there is no record. A page that says "you
// will be logged out in five minutes" gets Expires from a route behind [Manager.NoRefresh].
// When Node uses the session its end moves, but the record does not show that.
func (s *Session) Info() Info {
	s.lock()
	defer s.mu.Unlock()
	id := s.visit.ID
	if id == "" {
		return Info{}
	}
	return s.m.describe(id, s.visit.Record())
}

// Of returns the value that the session described by i had under k when it was read.
// Its results are those of Get.
func (k Key[T]) Of(i Info) (T, bool, error) {
	if i.rec == nil {
		var zero T
		return zero, false, nil
	}
	return k.decode(i.rec.Value(string(k))) // not from the record's cache: Infos may be used concurrently
}

// Link gives the session a label by which [Manager.Linked] finds it, at the commit and
// with a new id. A label is kept by [Session.Renew] and is not shown to Node's
// programs; a session that guard.Config.RememberMe makes later does not have it. Labels
// that begin with passport and a colon, or with another guard's session key and a colon, are
// reserved for guards: Link and Unlink refuse them.
func (s *Session) Link(ctx context.Context, label string) error {
	return s.relabel(ctx, label, func(d *record.Draft) { d.AddLabel(label) })
}

// Unlink removes the label from the session, at the commit and with a new id.
func (s *Session) Unlink(ctx context.Context, label string) error {
	return s.relabel(ctx, label, func(d *record.Draft) { d.RemoveLabel(label) })
}

func (s *Session) relabel(ctx context.Context, label string, edit func(*record.Draft)) error {
	if label == "" || len(label) > record.MaxLabel || !utf8.ValidString(label) {
		return fmt.Errorf("session: label of %d bytes: want 1 to %d, of UTF-8, for the record is JSON", len(label), record.MaxLabel)
	}
	if key := s.m.proto.GuardOf(label); key != "" {
		return fmt.Errorf("session: a label that begins with %q belongs to the log-in of a guard, and ends with it: choose another beginning", key+":")
	}
	if !s.m.proto.Indexed() {
		return errNoIndex
	}
	return s.renew(ctx, func(d *record.Draft, _ time.Time) error {
		edit(d)
		return nil
	})
}

// Linked yields the live sessions that carry label, oldest deadline first. An error
// is an outage and ends the listing. Entries of sessions that are gone are removed on
// the way. Each trip to the store is bounded by Config.StoreTimeout; with a store that has
// the ability [Batch] there is one trip for 300 sessions.
func (m *Manager) Linked(ctx context.Context, label string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if !m.proto.Indexed() {
			yield(Info{}, errNoIndex)
			return
		}
		for found, err := range m.proto.Labelled(ctx, label) {
			if err != nil {
				yield(Info{}, err)
				return
			}
			if info, ok := m.info(found.ID, label, found.Record); ok && !yield(info, nil) {
				return
			}
		}
	}
}

// info describes rec if it is live and has label. A label of a guard's log-in that is past its limit does not
// count, though the log-in of another guard keeps the session (S14).
func (m *Manager) info(id, label string, rec *record.Record) (Info, bool) {
	i, now := m.describe(id, rec), time.Now()
	if key := m.proto.GuardOf(label); key != "" {
		if slot, ok := rec.Slot(key); ok && slot.Over(m.cfg.AbsoluteTimeout, now) {
			return i, false
		}
	}
	return i, !rec.Over(m.cfg.AbsoluteTimeout, now) && slices.Contains(i.Labels, label)
}

func (m *Manager) describe(id string, rec *record.Record) Info {
	i := Info{Ref: refOf(id), Labels: rec.Labels(), Bound: devicebound.Of(id) != "", Deadline: rec.Deadline(m.cfg.AbsoluteTimeout), rec: rec}
	var written bool
	if i.Created, i.Seen, written = rec.Written(); written {
		idle, own := rec.Idle()
		if !own {
			idle = m.cfg.IdleTimeout
		}
		if i.Expires = i.Seen.Add(idle); i.Expires.After(i.Deadline) {
			i.Expires = i.Deadline
		}
	}
	return i
}

var _ json.Marshaler = Info{}

// MarshalJSON shows the facts of i and none of the session's values. Unknown times are left out.
func (i Info) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ref      string    `json:"ref"`
		Created  time.Time `json:"created,omitzero"`
		Seen     time.Time `json:"seen,omitzero"`
		Expires  time.Time `json:"expires,omitzero"`
		Deadline time.Time `json:"deadline,omitzero"`
		Bound    bool      `json:"bound,omitempty"`
	}{i.Ref, i.Created, i.Seen, i.Expires, i.Deadline, i.Bound})
}
