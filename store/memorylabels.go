package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// memoryLabels holds the ids of each label, and their deadlines.
type memoryLabels struct {
	sync.RWMutex
	sets expiring[*memberSet]
}

// memberSet holds the ids under one label and their deadlines in Unix nanoseconds. Its entry ends with the
// latest deadline. Ids past their deadline are invisible. They are removed when the set has doubled, so
// that adding an id does not walk through the whole set.
type memberSet struct {
	ends  map[string]int64
	sweep int // remove expired ids when it has this many
}

// leastSweep is the smallest number of ids at which expired ones are removed.
const leastSweep = 16

// AddLabel implements [session.Index].
func (m *MemoryStore) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: add label: %w", err)
	}
	if !contract.ValidID(id) {
		return fmt.Errorf("store: add label: %w", contract.ErrBadID)
	}
	now := time.Now()
	l := &m.labels
	l.Lock()
	defer l.Unlock()
	l.sets.sweep(now, sweepLimit)
	e := l.sets.get(label, now)
	switch {
	case e == nil && deadline.After(now):
		set := &memberSet{map[string]int64{strings.Clone(id): deadline.UnixNano()}, leastSweep}
		l.sets.set(strings.Clone(label), set, deadline)
	case e != nil && deadline.After(now):
		before := e.value.ends[id]
		e.value.ends[strings.Clone(id)] = deadline.UnixNano()
		if len(e.value.ends) >= e.value.sweep || before == e.end {
			l.settle(e, now)
		} else if deadline.UnixNano() > e.end {
			l.sets.move(e, e.value, deadline)
		}
	case e != nil:
		l.drop(e, now, id)
	}
	return nil
}

// settle removes expired ids from a set and gives its entry the latest of the remaining deadlines.
func (l *memoryLabels) settle(e *entry[*memberSet], now time.Time) {
	var last int64
	for id, end := range e.value.ends {
		if end <= now.UnixNano() {
			delete(e.value.ends, id)
		}
		last = max(last, end)
	}
	if len(e.value.ends) == 0 {
		l.sets.remove(e.key)
		return
	}
	e.value.sweep = max(leastSweep, 2*len(e.value.ends))
	l.sets.move(e, e.value, time.Unix(0, last))
}

// drop removes ids from a set. The set's end is computed again only if the id with that deadline goes.
func (l *memoryLabels) drop(e *entry[*memberSet], now time.Time, ids ...string) {
	settle := false
	for _, id := range ids {
		settle = settle || e.value.ends[id] == e.end
		delete(e.value.ends, id)
	}
	if settle || len(e.value.ends) == 0 {
		l.settle(e, now)
	}
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
		l.drop(e, now, ids...)
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
		for id, end := range e.value.ends {
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
