package sessiontest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

var abilityFaults = []fault{
	{"End leaves the record", "End removes the record", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			data, err := m.Get(ctx, id)
			successor, end := m.End(ctx, id, old, next, life)
			if err == nil && end == nil {
				_ = m.Create(ctx, id, data, time.Hour)
			}
			return successor, end
		}
	}},
	{"ending nothing leaves a note", "End of an unknown id succeeds without old and is ErrNotFound with it", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			successor, err := m.End(ctx, id, old, next, life)
			if errors.Is(err, session.ErrNotFound) {
				_, _ = m.End(ctx, id, nil, next, life)
			}
			return successor, err
		}
	}},
	{"End does not compare", "End with other bytes is a Conflict and ends nothing", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			successor, err := m.End(ctx, id, old, next, life)
			if errors.Is(err, session.ErrConflict) {
				return m.End(ctx, id, nil, next, life)
			}
			return successor, err
		}
	}},
	{"the successor is told once", "the successor is told to the next End, and only there", func(m *store.MemoryStore, f *faulty) {
		told := map[string]bool{}
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			successor, err := m.End(ctx, id, old, next, life)
			if told[id] {
				return "", err
			}
			told[id] = successor != ""
			return successor, err
		}
	}},
	{"a note hides a new record, except from Update", "a note does not touch the other methods unless it is a tombstone", func(m *store.MemoryStore, f *faulty) {
		ended := map[string]bool{}
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			ended[id] = true
			return m.End(ctx, id, old, next, life)
		}
		f.get = func(ctx context.Context, id string) ([]byte, error) {
			if ended[id] {
				return nil, session.ErrNotFound
			}
			return m.Get(ctx, id)
		}
		f.master = f.get
	}},
	{"a note lives twice as long", "a note lives as long as it was told to", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			return m.End(ctx, id, old, next, 2*life)
		}
	}},
	{"a life of zero is a minute", "a life of zero leaves no note", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			return m.End(ctx, id, old, next, max(life, time.Minute))
		}
	}},
	{"a tombstone is told as a successor", "an end without a successor tells none", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			if next == "" && life > 0 {
				next = "tombstone"
			}
			return m.End(ctx, id, old, next, life)
		}
	}},
	{"a later End moves the note", "a note that is there stays", func(m *store.MemoryStore, f *faulty) {
		notes := map[string]string{}
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			successor, err := m.End(ctx, id, old, next, life)
			if notes[id] != "" {
				successor = notes[id]
			}
			if next != "" && life > 0 && err == nil {
				notes[id] = next
			}
			return successor, err
		}
	}},
	{"an End sent again finds nothing", "an End can be sent again", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			if _, err := m.Get(ctx, id); err != nil && old != nil {
				return "", session.ErrNotFound
			}
			return m.End(ctx, id, old, next, life)
		}
	}},
	{"every End succeeds", "of many Ends with different successors one wins and the others learn of it", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			successor, err := m.End(ctx, id, old, next, life)
			if errors.Is(err, session.ErrNotFound) && strings.HasPrefix(next, "new") && next != "newer" {
				err = nil
			}
			return successor, err
		}
	}},
	{"End does not say that it met a Conflict", "an End beside an Update is a Conflict or comes first", func(m *store.MemoryStore, f *faulty) {
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			if string(old) == "a" {
				old = nil
			}
			return m.End(ctx, id, old, next, life)
		}
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			if string(old) == "a" && string(new) == "b" {
				return nil
			}
			return m.Update(ctx, id, old, new, ttl)
		}
	}},
	{"a successor lives for its life", "a successor is kept for ten minutes at most, a tombstone for its life", func(m *store.MemoryStore, f *faulty) {
		notes := map[string]string{}
		f.end = func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
			successor, err := m.End(ctx, id, old, next, life)
			if life > 10*time.Minute {
				notes[id] = next
			}
			if life == 0 {
				successor = notes[id]
			}
			return successor, err
		}
	}},
	{"records that are not there are left out", "many records come in the order of their ids", func(m *store.MemoryStore, f *faulty) {
		f.many = func(ctx context.Context, ids []string) ([][]byte, error) {
			records, err := m.GetMany(ctx, ids)
			return slices.DeleteFunc(records, func(data []byte) bool { return data == nil }), err
		}
	}},
	{"many records come from a cache", "many records are those of now", func(m *store.MemoryStore, f *faulty) {
		cache := map[string][]byte{}
		f.get = func(ctx context.Context, id string) ([]byte, error) {
			data, err := m.Get(ctx, id)
			cache[id] = data
			return data, err
		}
		f.many = func(ctx context.Context, ids []string) ([][]byte, error) {
			records, err := m.GetMany(ctx, ids)
			for i := range records {
				if cached := cache[ids[i]]; cached != nil {
					records[i] = cached
				}
			}
			return records, err
		}
	}},
	{"the first hundred end", "many records end", func(m *store.MemoryStore, f *faulty) {
		f.ends = func(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
			successors, err := m.EndMany(ctx, ids[:min(100, len(ids))], life)
			return append(successors, make([]string, len(ids)-len(successors))...), err
		}
	}},
	{"many are deleted without a look at their notes", "the end of many tells where each of them went on", func(m *store.MemoryStore, f *faulty) {
		f.ends = func(ctx context.Context, ids []string, _ time.Duration) ([]string, error) {
			for _, id := range ids {
				if err := m.Delete(ctx, id, nil); err != nil {
					return nil, err
				}
			}
			return make([]string, len(ids)), nil
		}
	}},
	{"what has ended ends no second time", "the end of many can be repeated", func(m *store.MemoryStore, f *faulty) {
		f.ends = func(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
			if len(ids) == 0 {
				return nil, nil
			}
			if _, err := m.Get(ctx, ids[len(ids)-1]); err != nil {
				return nil, err
			}
			return m.EndMany(ctx, ids, life)
		}
	}},
	{"ids come newest first", "ids are listed oldest deadline first", func(m *store.MemoryStore, f *faulty) {
		f.list = func(ctx context.Context, label string) ([]string, error) {
			ids, err := m.Labelled(ctx, label)
			slices.Reverse(ids)
			return ids, err
		}
	}},
	{"adding again changes nothing", "adding again moves the deadline", func(m *store.MemoryStore, f *faulty) {
		f.add = func(ctx context.Context, label, id string, deadline time.Time) error {
			if ids, _ := m.Labelled(ctx, label); slices.Contains(ids, id) {
				return nil
			}
			return m.AddLabel(ctx, label, id, deadline)
		}
	}},
	{"an entry never ends", "an entry ends with its deadline", func(m *store.MemoryStore, f *faulty) {
		f.add = func(ctx context.Context, label, id string, deadline time.Time) error {
			return m.AddLabel(ctx, label, id, deadline.Add(1000*time.Hour))
		}
	}},
	{"removing one removes all", "removing forgets ids and nothing else", func(m *store.MemoryStore, f *faulty) {
		f.remove = func(ctx context.Context, label string, ids ...string) error {
			if len(ids) > 0 {
				ids, _ = m.Labelled(ctx, label)
			}
			return m.RemoveLabel(ctx, label, ids...)
		}
	}},
	{"ids without a record are not listed", "the index does not look at the records", func(m *store.MemoryStore, f *faulty) {
		f.list = func(ctx context.Context, label string) ([]string, error) {
			ids, err := m.Labelled(ctx, label)
			return slices.DeleteFunc(ids, func(id string) bool { _, err := m.Get(ctx, id); return err != nil }), err
		}
	}},
	{"labels are not told apart by case", "a label is any text", func(m *store.MemoryStore, f *faulty) {
		f.add = func(ctx context.Context, label, id string, deadline time.Time) error {
			return m.AddLabel(ctx, strings.ToLower(label), id, deadline)
		}
	}},
	{"the tenth add is lost", "parallel adds are all kept", func(m *store.MemoryStore, f *faulty) {
		f.add = func(ctx context.Context, label, id string, deadline time.Time) error {
			if id == "id9" && label == "l" {
				return nil
			}
			return m.AddLabel(ctx, label, id, deadline)
		}
	}},
	{"an empty walk yields an empty record", "a walk of an empty store yields nothing", func(m *store.MemoryStore, f *faulty) {
		f.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				n := 0
				for r, err := range m.All(ctx) {
					if n++; !yield(r, err) {
						return
					}
				}
				if n == 0 {
					yield(session.Record{}, nil)
				}
			}
		}
	}},
	{"a walk leaves one out", "a walk yields every record", func(m *store.MemoryStore, f *faulty) {
		f.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for r, err := range m.All(ctx) {
					if r.ID != "id77" && !yield(r, err) {
						return
					}
				}
			}
		}
	}},
	{"there is one walk only", "a walk can be left and begun again", func(m *store.MemoryStore, f *faulty) {
		f.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			begun := false
			return func(yield func(session.Record, error) bool) {
				if !begun {
					begun = true
					m.All(ctx)(yield)
				}
			}
		}
	}},
	{"a walk is disturbed by a Delete", "the store can be used during a walk", func(m *store.MemoryStore, f *faulty) {
		deleted := false
		f.del = func(ctx context.Context, id string, old []byte) error {
			deleted = true
			return m.Delete(ctx, id, old)
		}
		f.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for r, err := range m.All(ctx) {
					if !yield(r, err) || deleted {
						return
					}
				}
			}
		}
	}},
	{"the authority cuts records", "GetPrimary answers as Get does", func(m *store.MemoryStore, f *faulty) {
		f.master = func(ctx context.Context, id string) ([]byte, error) {
			data, err := m.Get(ctx, id)
			return data[:min(len(data), 4)], err
		}
	}},
	{"the authority is a cache", "GetPrimary sees every write at once", func(m *store.MemoryStore, f *faulty) {
		cache := map[string][]byte{}
		f.master = func(ctx context.Context, id string) ([]byte, error) {
			if data, ok := cache[id]; ok {
				return data, nil
			}
			data, err := m.Get(ctx, id)
			if err == nil {
				cache[id] = data
			}
			return data, err
		}
	}},
}
