package sessiontest_test

import (
	"context"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
)

// oneByOne executes the steps of a session.Combiner one after the other.
type oneByOne struct{ *store.MemoryStore }

func (s oneByOne) CreateIndexed(ctx context.Context, n session.NewRecord) (oldEnded bool, err error) {
	if err := s.Create(ctx, n.ID, n.Data, n.TTL); err != nil {
		return false, err
	}
	for _, label := range n.Labels {
		if err := s.AddLabel(ctx, label, n.ID, n.Deadline); err != nil {
			return false, err
		}
	}
	if n.OldID == "" {
		return false, nil
	}
	if _, err := s.End(ctx, n.OldID, n.OldData, "", n.OldLife); err != nil {
		return false, nil //nolint:nilerr // the old record has other bytes, or is gone
	}
	return true, s.forget(ctx, n.OldID, n.OldLabels)
}

func (s oneByOne) EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (string, error) {
	successor, err := s.End(ctx, id, nil, "", life)
	if err != nil {
		return "", err
	}
	return successor, s.forget(ctx, id, labels)
}

func (s oneByOne) EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error) {
	successors, err := s.EndMany(ctx, ids, life)
	for i := 0; i < len(ids) && err == nil; i++ {
		err = s.forget(ctx, ids[i], labels[i])
	}
	return successors, err
}

func (s oneByOne) forget(ctx context.Context, id string, labels []string) error {
	for _, label := range labels {
		if err := s.RemoveLabel(ctx, label, id); err != nil {
			return err
		}
	}
	return nil
}

var combinerFaults = []fault{
	{"one label is enough", "a record is stored with its labels", func(m *store.MemoryStore, f *faulty) {
		f.starts = func(ctx context.Context, n session.NewRecord) (bool, error) {
			n.Labels = n.Labels[:min(len(n.Labels), 1)]
			return oneByOne{m}.CreateIndexed(ctx, n)
		}
	}},
	{"the old record keeps its label", "a record takes the place of another", func(m *store.MemoryStore, f *faulty) {
		f.starts = func(ctx context.Context, n session.NewRecord) (bool, error) {
			n.OldLabels = nil
			return oneByOne{m}.CreateIndexed(ctx, n)
		}
	}},
	{"the old record is not compared", "a record that changed is not ended by the one that takes its place", func(m *store.MemoryStore, f *faulty) {
		f.starts = func(ctx context.Context, n session.NewRecord) (bool, error) {
			n.OldData = nil
			return oneByOne{m}.CreateIndexed(ctx, n)
		}
	}},
	{"the note of an end is not looked at", "a record that has ended has no other in its place", func(m *store.MemoryStore, f *faulty) {
		f.starts = func(ctx context.Context, n session.NewRecord) (bool, error) {
			_, err := oneByOne{m}.CreateIndexed(ctx, n)
			return n.OldID != "", err
		}
	}},
	{"the old record ends where the new one is refused", "a record that is not stored ends nothing", func(m *store.MemoryStore, f *faulty) {
		f.starts = func(ctx context.Context, n session.NewRecord) (bool, error) {
			ended, err := oneByOne{m}.CreateIndexed(ctx, n)
			if err != nil {
				_, _ = m.End(ctx, n.OldID, n.OldData, "", n.OldLife)
			}
			return ended, err
		}
	}},
	{"the labels stay at an end", "a record ends with its labels", func(m *store.MemoryStore, f *faulty) {
		f.leaves = func(ctx context.Context, id string, life time.Duration, _ []string) (string, error) {
			return oneByOne{m}.EndIndexed(ctx, id, life, nil)
		}
	}},
	{"the labels stay at the end of many", "many records end with their labels", func(m *store.MemoryStore, f *faulty) {
		f.leave = func(ctx context.Context, ids []string, life time.Duration, _ [][]string) ([]string, error) {
			return m.EndMany(ctx, ids, life)
		}
	}},
	{"the end of many tells no successors", "many records end with their labels", func(m *store.MemoryStore, f *faulty) {
		f.leave = func(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error) {
			_, err := oneByOne{m}.EndManyIndexed(ctx, ids, life, labels)
			return make([]string, len(ids)), err
		}
	}},
	{"an end with labels tells once where the session went on", "the end with labels can be repeated, and tells where the session went on", func(m *store.MemoryStore, f *faulty) {
		told := false
		f.leaves = func(ctx context.Context, id string, life time.Duration, labels []string) (string, error) {
			successor, err := oneByOne{m}.EndIndexed(ctx, id, life, labels)
			if told {
				return "", err
			}
			told = successor != ""
			return successor, err
		}
	}},
}
