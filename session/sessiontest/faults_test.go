package sessiontest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

// faulty is a MemoryStore with some methods replaced by faulty ones.
type faulty struct {
	*store.MemoryStore
	mu     sync.Mutex // for faults that have state
	get    func(ctx context.Context, id string) ([]byte, error)
	create func(ctx context.Context, id string, data []byte, ttl time.Duration) error
	update func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error
	del    func(ctx context.Context, id string, old []byte) error
	end    func(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error)
	add    func(ctx context.Context, label, id string, deadline time.Time) error
	remove func(ctx context.Context, label string, ids ...string) error
	list   func(ctx context.Context, label string) ([]string, error)
	all    func(ctx context.Context) iter.Seq2[session.Record, error]
	master func(ctx context.Context, id string) ([]byte, error)
	many   func(ctx context.Context, ids []string) ([][]byte, error)
	ends   func(ctx context.Context, ids []string, life time.Duration) ([]string, error)
	listen func(ctx context.Context, tell func(string)) error
	notify func(ctx context.Context, notice string) error
	starts func(ctx context.Context, n session.NewRecord) (bool, error)
	leaves func(ctx context.Context, id string, life time.Duration, labels []string) (string, error)
	leave  func(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error)
}

func newFaulty(m *store.MemoryStore) *faulty {
	steps := oneByOne{m}
	return &faulty{
		m, sync.Mutex{}, m.Get, m.Create, m.Update, m.Delete, m.End, m.AddLabel, m.RemoveLabel, m.Labelled, m.All, m.GetPrimary, m.GetMany, m.EndMany, m.Listen, m.Notify,
		steps.CreateIndexed, steps.EndIndexed, steps.EndManyIndexed,
	}
}

func (f *faulty) Get(ctx context.Context, id string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.get(ctx, id)
}

func (f *faulty) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.create(ctx, id, data, ttl)
}

func (f *faulty) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.update(ctx, id, old, new, ttl)
}

func (f *faulty) Delete(ctx context.Context, id string, old []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.del(ctx, id, old)
}

func (f *faulty) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.end(ctx, id, old, next, life)
}

func (f *faulty) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	return f.add(ctx, label, id, deadline)
}

func (f *faulty) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	return f.remove(ctx, label, ids...)
}

func (f *faulty) Labelled(ctx context.Context, label string) ([]string, error) {
	return f.list(ctx, label)
}

func (f *faulty) All(ctx context.Context) iter.Seq2[session.Record, error] { return f.all(ctx) }

func (f *faulty) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.master(ctx, id)
}

func (f *faulty) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	return f.many(ctx, ids)
}

func (f *faulty) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	return f.ends(ctx, ids, life)
}

func (f *faulty) Listen(ctx context.Context, tell func(string)) error { return f.listen(ctx, tell) }
func (f *faulty) Notify(ctx context.Context, notice string) error     { return f.notify(ctx, notice) }

func (f *faulty) Combines() any { return f }

func (f *faulty) CreateIndexed(ctx context.Context, n session.NewRecord) (bool, error) {
	return f.starts(ctx, n)
}

func (f *faulty) EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (string, error) {
	return f.leaves(ctx, id, life, labels)
}

func (f *faulty) EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error) {
	return f.leave(ctx, ids, life, labels)
}

// fault is a wrong behaviour, and the rule that it breaks.
type fault struct {
	fault, rule string
	change      func(m *store.MemoryStore, f *faulty)
}

// TestEachFaultBreaksItsRule: a rule that no fault breaks checks nothing.
func TestEachFaultBreaksItsRule(t *testing.T) {
	caught := map[string]bool{}
	for _, row := range slices.Concat(storeFaults, abilityFaults, combinerFaults, notifierFaults) {
		synctest.Test(t, func(t *testing.T) {
			broken := sessiontest.Broken(func() session.Store {
				m := newMemory(false)
				f := newFaulty(m)
				row.change(m, f)
				return f
			}, func(d time.Duration) { <-time.After(d) })
			if !slices.Contains(broken, row.rule) {
				t.Errorf("%s: breaks %q, want %q among them", row.fault, broken, row.rule)
			}
			caught[row.rule] = true
		})
	}
	for _, name := range sessiontest.Names() {
		if !caught[name] {
			t.Errorf("no fault breaks the rule %q", name)
		}
	}
}

var storeFaults = []fault{
	{"records are text that ends at a zero byte", "a record comes back as it was stored", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			data, _, _ = bytes.Cut(data, []byte{0})
			return m.Create(ctx, id, data, ttl)
		}
	}},
	{"long ids are cut", "an id may be any printable text of 512 bytes", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			return m.Create(ctx, id[:min(len(id), 255)], data, ttl)
		}
	}},
	{"a brace in an id is let through", "what is no id is unknown and cannot be created", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			return m.Create(ctx, strings.ReplaceAll(id, "{", "("), data, ttl)
		}
	}},
	{"the given slice is kept", "slices given are copied and slices returned are the caller's", func(m *store.MemoryStore, f *faulty) {
		var kept []byte
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			kept = data
			return m.Create(ctx, id, data, ttl)
		}
		f.get = func(ctx context.Context, id string) ([]byte, error) {
			if _, err := m.Get(ctx, id); err != nil {
				return nil, err
			}
			return kept, nil
		}
		f.master = f.get
	}},
	{"a context that has ended is ignored by Create", "a context that has ended is reported by every method", func(m *store.MemoryStore, f *faulty) {
		f.create = func(_ context.Context, id string, data []byte, ttl time.Duration) error {
			return m.Create(context.Background(), id, data, ttl)
		}
	}},
	{"an Update that is given up says that there is no record", "a call whose context ends meanwhile returns its answer or the context's error", func(m *store.MemoryStore, f *faulty) {
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			if ctx.Done() != nil && ctx.Err() == nil {
				<-ctx.Done()
				return session.ErrNotFound
			}
			return m.Update(ctx, id, old, new, ttl)
		}
	}},
	{"an unknown id is an empty record", "Get of an unknown id is ErrNotFound", func(m *store.MemoryStore, f *faulty) {
		f.get = func(ctx context.Context, id string) ([]byte, error) {
			data, err := m.Get(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				return []byte{}, nil
			}
			return data, err
		}
		f.master = f.get
	}},
	{"records never expire", "Get finds nothing from the end of the ttl on", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			return m.Create(ctx, id, data, ttl*1000)
		}
	}},
	{"records never expire, and Create is slow", "Get finds nothing from the end of the ttl on", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			if id == "short" { // which is that rule's alone: others wait for f.mu
				time.Sleep(time.Second)
			}
			return m.Create(ctx, id, data, ttl*1000)
		}
	}},
	{"Create overwrites", "Create of an id in use is ErrExists and changes nothing", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			err := m.Create(ctx, id, data, ttl)
			if errors.Is(err, session.ErrExists) {
				_ = m.Delete(ctx, id, nil)
				_ = m.Create(ctx, id, data, ttl)
			}
			return err
		}
	}},
	{"Create looks, and then writes", "of many Creates of one id exactly one succeeds", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			if err := m.Create(ctx, id, data, ttl); !errors.Is(err, session.ErrExists) || string(data) == "second" || string(data) == "third" {
				return err
			}
			return nil
		}
	}},
	{"a short ttl is made a long one in Create", "Create refuses a ttl under a millisecond", func(m *store.MemoryStore, f *faulty) {
		f.create = func(ctx context.Context, id string, data []byte, ttl time.Duration) error {
			return m.Create(ctx, id, data, max(ttl, time.Millisecond))
		}
	}},
	{"Update keeps the old ttl", "Update replaces the record and its ttl when the bytes are the same", func(m *store.MemoryStore, f *faulty) {
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			return m.Update(ctx, id, old, new, min(ttl, 90*time.Second))
		}
	}},
	{"a Conflict holds no bytes", "Update answers a Conflict with the bytes that are there", func(m *store.MemoryStore, f *faulty) {
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			err := m.Update(ctx, id, old, new, ttl)
			if errors.Is(err, session.ErrConflict) {
				return &session.Conflict{}
			}
			return err
		}
	}},
	{"Update creates", "Update never creates", func(m *store.MemoryStore, f *faulty) {
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			err := m.Update(ctx, id, old, new, ttl)
			if errors.Is(err, session.ErrNotFound) {
				return m.Create(ctx, id, new, ttl)
			}
			return err
		}
	}},
	{"a short ttl is made a long one in Update", "Update refuses a ttl under a millisecond", func(m *store.MemoryStore, f *faulty) {
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			return m.Update(ctx, id, old, new, max(ttl, time.Millisecond))
		}
	}},
	{"Update does not compare", "parallel Updates lose nothing", func(m *store.MemoryStore, f *faulty) {
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			err := m.Update(ctx, id, old, new, ttl)
			var c *session.Conflict
			if errors.As(err, &c) && string(old) != "none" {
				return m.Update(ctx, id, c.Current, new, ttl)
			}
			return err
		}
	}},
	{"deleting nothing is an error", "Delete without old removes whatever is there", func(m *store.MemoryStore, f *faulty) {
		f.del = func(ctx context.Context, id string, old []byte) error {
			if _, err := m.Get(ctx, id); old == nil && err != nil {
				return err
			}
			return m.Delete(ctx, id, old)
		}
	}},
	{"an empty old is taken for none", "Delete with old removes only those bytes", func(m *store.MemoryStore, f *faulty) {
		f.del = func(ctx context.Context, id string, old []byte) error {
			if len(old) == 0 {
				old = nil
			}
			return m.Delete(ctx, id, old)
		}
	}},
}
