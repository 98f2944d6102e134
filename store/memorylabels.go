package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// memoryLabels holds for each label its ids and their deadlines in Unix nanoseconds.
// The set ends with the latest of them.
type memoryLabels struct {
	sync.RWMutex
	sets expiring[map[string]int64]
}

// AddLabel implements [session.Index].
func (m *MemoryStore) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: add label: %w", err)
	}
	if !validID(id) {
		return fmt.Errorf("store: add label: %w", errBadID)
	}
	now := time.Now()
	l := &m.labels
	l.Lock()
	defer l.Unlock()
	l.sets.sweep(now, sweepLimit)
	if e := l.sets.get(label, now); e != nil {
		maps.DeleteFunc(e.value, func(_ string, end int64) bool { return end <= now.UnixNano() })
		if deadline.After(now) {
			e.value[strings.Clone(id)] = deadline.UnixNano()
		} else {
			delete(e.value, id)
		}
		l.settle(e)
		return nil
	}
	if deadline.After(now) {
		l.sets.remove(label)
		l.sets.set(strings.Clone(label), map[string]int64{strings.Clone(id): deadline.UnixNano()}, deadline)
	}
	return nil
}

// settle gives a set that was changed its end, or forgets it when it is empty.
func (l *memoryLabels) settle(e *entry[map[string]int64]) {
	if len(e.value) == 0 {
		l.sets.remove(e.key)
		return
	}
	last := slices.Max(slices.Collect(maps.Values(e.value)))
	l.sets.move(e, e.value, time.Unix(0, last))
}

// RemoveLabel implements [session.Index].
func (m *MemoryStore) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: remove label: %w", err)
	}
	now := time.Now()
	l := &m.labels
	l.Lock()
	defer l.Unlock()
	l.sets.sweep(now, sweepLimit)
	if e := l.sets.get(label, now); e != nil {
		for _, id := range ids {
			delete(e.value, id)
		}
		l.settle(e)
	}
	return nil
}

// Labelled implements [session.Index].
func (m *MemoryStore) Labelled(ctx context.Context, label string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("store: labelled: %w", err)
	}
	type member struct {
		id  string
		end int64
	}
	var list []member
	now := time.Now()
	m.labels.RLock()
	if e := m.labels.sets.get(label, now); e != nil {
		for id, end := range e.value {
			if end > now.UnixNano() {
				list = append(list, member{id, end})
			}
		}
	}
	m.labels.RUnlock()
	slices.SortFunc(list, func(a, b member) int { return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.id, b.id)) })
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.id
	}
	return ids, nil
}
