package sessiontest_test

import (
	"context"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// everyone has all past and present listeners of a store.
type everyone struct {
	mu   sync.Mutex
	told []func(string)
}

func (e *everyone) listen(m *store.MemoryStore) func(context.Context, func(string)) error {
	return func(ctx context.Context, tell func(string)) error {
		e.mu.Lock()
		e.told = append(e.told, tell)
		e.mu.Unlock()
		return m.Listen(ctx, tell)
	}
}

func (e *everyone) tell(notice string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, tell := range e.told {
		tell(notice)
	}
}

var notifierFaults = []fault{
	{"the end of many is told as that of one", "who listens hears of each record that ends", func(m *store.MemoryStore, f *faulty) {
		f.ends = func(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
			successors := make([]string, len(ids))
			for i, id := range ids {
				successors[i], _ = m.End(ctx, id, nil, "", life)
			}
			return successors, nil
		}
	}},
	{"what was written back is told as ended", "a record that was written back is told as gone on", func(m *store.MemoryStore, f *faulty) {
		f.listen = func(ctx context.Context, tell func(string)) error {
			moved, told := session.EndNotice("back", nil, "next"), false
			return m.Listen(ctx, func(notice string) {
				if notice == moved && told {
					notice = session.EndNotice("back", nil, "")
				}
				told = told || notice == moved
				tell(notice)
			})
		}
	}},
	{"changes are told", "what removes nothing is not told", func(m *store.MemoryStore, f *faulty) {
		all := new(everyone)
		f.listen = all.listen(m)
		f.update = func(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
			defer all.tell(session.EndNotice(id, old, ""))
			return m.Update(ctx, id, old, new, ttl)
		}
	}},
	{"an end is told before it happens", "a record is gone when its notice comes", func(m *store.MemoryStore, f *faulty) {
		all := new(everyone)
		f.listen = all.listen(m)
		f.del = func(_ context.Context, id string, old []byte) error {
			all.tell(session.EndNotice(id, old, ""))
			return nil // never sent
		}
	}},
	{"who listens again is told nothing at first", "who listens again is told that something may have been missed", func(m *store.MemoryStore, f *faulty) {
		first := true
		f.listen = func(ctx context.Context, tell func(string)) error {
			quiet := !first
			first = false
			return m.Listen(ctx, func(notice string) {
				if notice != "" || !quiet {
					tell(notice)
				}
			})
		}
	}},
	{"a change is told as an end", "who listens hears of a change that removed no record", func(m *store.MemoryStore, f *faulty) {
		f.notify = func(ctx context.Context, notice string) error { return m.Notify(ctx, "e"+notice[min(1, len(notice)):]) }
	}},
	{"who listened once is told for ever", "who does not listen any more is told nothing", func(m *store.MemoryStore, f *faulty) {
		all := new(everyone)
		f.listen = func(ctx context.Context, tell func(string)) error {
			all.mu.Lock()
			all.told = append(all.told, tell)
			all.mu.Unlock()
			tell("")
			<-ctx.Done()
			return ctx.Err()
		}
		f.del = func(ctx context.Context, id string, old []byte) error {
			err := m.Delete(ctx, id, old)
			all.tell(session.EndNotice(id, old, ""))
			return err
		}
	}},
}
