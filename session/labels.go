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

	"github.com/seed-6f34412b/passport/internal/rawjson"
)

// maxLabel is the length of the longest label in bytes.
const maxLabel = 512

var errNoIndex = errors.New("session: labels: the store has no index: use store.RedisStore or store.MemoryStore")

// Info describes a session that carries a label, for a list of a user's devices.
type Info struct {
	Ref      string    // as Session.Ref
	Created  time.Time // when the session, or the log-in that started it, began; zero when only Node wrote it
	Seen     time.Time // last refresh, exact to Config.RefreshAfter; zero when only Node wrote it
	Deadline time.Time // when it ends at the latest; zero when only Node wrote it
	Labels   []string

	rec *record
}

// Of returns the value that the session described by i had under k when it was read.
// Its results are those of Get.
func (k Key[T]) Of(i Info) (T, bool, error) {
	if i.rec == nil {
		var zero T
		return zero, false, nil
	}
	return k.decode(rawjson.Find(i.rec.data, string(k))) // Infos may be shared: no record's cache
}

// Link gives the session a label by which [Manager.Linked] finds it, at the commit and
// with a new id. A label is kept by [Session.Renew] and is not shown to Node's
// programs. Labels of guards begin with their session key and a colon.
func (s *Session) Link(ctx context.Context, label string) error {
	return s.relabel(ctx, label, func(d *draft) { d.labels = addString(d.labels, label) })
}

// Unlink takes the label off the session, at the commit and with a new id.
func (s *Session) Unlink(ctx context.Context, label string) error {
	return s.relabel(ctx, label, func(d *draft) { d.labels = removeString(d.labels, label) })
}

func (s *Session) relabel(ctx context.Context, label string, edit func(*draft)) error {
	if label == "" || len(label) > maxLabel || !utf8.ValidString(label) {
		return fmt.Errorf("session: label of %d bytes: want 1 to %d, of UTF-8, for the record is JSON", len(label), maxLabel)
	}
	if s.m.index == nil {
		return errNoIndex
	}
	return s.renew(ctx, func(d *draft, _ time.Time) error {
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
		if m.index == nil {
			yield(Info{}, errNoIndex)
			return
		}
		ids, err := m.labelled(ctx, label)
		if err != nil {
			yield(Info{}, err)
			return
		}
		for batch := range slices.Chunk(ids, batchSize) {
			recs, err := m.lookMany(ctx, batch)
			if err != nil {
				yield(Info{}, err)
				return
			}
			var gone []string
			for i, id := range batch {
				if recs[i] == nil {
					gone = append(gone, id)
				}
			}
			m.unindex(ctx, []string{label}, gone...)
			for i, id := range batch {
				if recs[i] == nil {
					continue
				}
				if info, ok := m.info(id, label, recs[i]); ok && !yield(info, nil) {
					return
				}
			}
		}
	}
}

// info describes rec if it is live and carries label.
func (m *Manager) info(id, label string, rec *record) (Info, bool) {
	i := Info{Ref: refOf(id), Labels: rec.labels(), Deadline: rec.deadline(m.cfg.AbsoluteTimeout), rec: rec}
	if rec.own.known {
		i.Created, i.Seen = time.UnixMilli(rec.own.born), time.UnixMilli(rec.own.seen)
	}
	live := i.Deadline.IsZero() || time.Now().Before(i.Deadline)
	return i, live && slices.Contains(i.Labels, label)
}

func (m *Manager) addLabel(ctx context.Context, label, id string, deadline time.Time) error {
	if m.index == nil {
		return nil // without an index labels are only kept; the calls that need it say so
	}
	if err := m.index.AddLabel(ctx, label, id, deadline); err != nil {
		return fmt.Errorf("session: labels: %w", err)
	}
	return nil
}

// reindex adds the entries again, as well as it can: it heals an index that was
// evicted (S9).
func (m *Manager) reindex(ctx context.Context, id string, e *encoded) {
	for _, label := range e.rec.labels() {
		if err := m.addLabel(ctx, label, id, e.deadline); err != nil {
			m.cfg.Logger.DebugContext(ctx, "session: label not refreshed", "session", refOf(id), "error", err)
		}
	}
}

// unindex removes the entries of ids that are gone, as well as it can: what stays is
// removed when the label is next listed.
func (m *Manager) unindex(ctx context.Context, labels []string, ids ...string) {
	if m.index == nil || len(ids) == 0 {
		return
	}
	for _, label := range labels {
		if err := m.index.RemoveLabel(ctx, label, ids...); err != nil {
			m.cfg.Logger.DebugContext(ctx, "session: label not removed", "session", refOf(ids[0]), "error", err)
		}
	}
}

var _ json.Marshaler = Info{}

// MarshalJSON shows the facts of i and none of the session's values.
func (i Info) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ref      string    `json:"ref"`
		Created  time.Time `json:"created"`
		Seen     time.Time `json:"seen"`
		Deadline time.Time `json:"deadline"`
	}{i.Ref, i.Created, i.Seen, i.Deadline})
}
