package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// MemoryStore keeps sessions in memory: express-session's MemoryStore without its
// leak, made by [Memory]. It is safe for concurrent use, and its reads scale with the cores. Records
// are copied in and out.
//
// It has no goroutine and needs no closing. An expired entry is invisible at once.
// Later writes free its memory, a few entries each, so the store never holds many more
// entries than were alive at its busiest moment.
type MemoryStore struct {
	max        int64 // 0: none
	tombstones bool
	seed       maphash.Seed
	held       atomic.Int64 // records and notes held, live or not yet swept
	shards     [memoryShards]memoryShard
	labels     memoryLabels
	listeners  listeners
}

var (
	_ session.Store          = (*MemoryStore)(nil)
	_ session.Ender          = (*MemoryStore)(nil)
	_ session.Index          = (*MemoryStore)(nil)
	_ session.Iterator       = (*MemoryStore)(nil)
	_ session.PrimaryReader  = (*MemoryStore)(nil)
	_ session.Batch          = (*MemoryStore)(nil)
	_ session.ChangeNotifier = (*MemoryStore)(nil)
)

const (
	memoryShards = 128 // far more than cores, so that two rarely meet
	sweepLimit   = 8   // the most expired entries that one write frees
)

type memoryShard struct {
	sync.RWMutex
	records expiring[string]
	notes   expiring[string] // contract.Ended, or the successor's id
	_       [40]byte         // keeps the locks of two shards out of one cache line
}

func newMemoryStore(cfg MemoryConfig) *MemoryStore {
	m := &MemoryStore{max: int64(cfg.MaxSessions), tombstones: cfg.Tombstones, seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].records, m.shards[i].notes = newExpiring[string](), newExpiring[string]()
	}
	m.labels.sets = newExpiring[*memberSet]()
	return m
}

func (m *MemoryStore) shard(id string) *memoryShard {
	return &m.shards[maphash.String(m.seed, id)%memoryShards]
}

// Get implements [session.Store].
func (m *MemoryStore) Get(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("store: get: %w", err)
	}
	now := time.Now()
	s := m.shard(id)
	s.RLock()
	e := m.find(s, id, now)
	var data string
	if e != nil {
		data = e.value
	}
	s.RUnlock()
	if e == nil {
		return nil, session.ErrNotFound
	}
	return []byte(data), nil
}

// GetPrimary implements [session.PrimaryReader]; it is Get.
func (m *MemoryStore) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	return m.Get(ctx, id)
}

// find returns the live record of id, or nil. A tombstone hides it.
func (m *MemoryStore) find(s *memoryShard, id string, now time.Time) *entry[string] {
	if m.tombstones && s.notes.get(id, now) != nil {
		return nil
	}
	return s.records.get(id, now)
}

// compare returns nil when the live record of id is exactly old.
func (m *MemoryStore) compare(s *memoryShard, id string, old []byte, now time.Time) (*entry[string], error) {
	e := m.find(s, id, now)
	if e == nil {
		return nil, session.ErrNotFound
	}
	if e.value != string(old) {
		return nil, &session.Conflict{Current: []byte(e.value)}
	}
	return e, nil
}

// GetMany implements [session.Batch].
func (m *MemoryStore) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	records := make([][]byte, len(ids))
	for i, id := range ids {
		data, err := m.Get(ctx, id)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return nil, fmt.Errorf("store: get many: %w", err)
		}
		records[i] = data
	}
	return records, ctxError(ctx, "get many")
}

// EndMany implements [session.Batch].
func (m *MemoryStore) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	note, life, _ := contract.Note("", life, m.tombstones) // there is no successor to refuse
	successors := make([]string, len(ids))
	for i, id := range ids {
		if err := ctxError(ctx, "end many"); err != nil {
			return nil, err
		}
		now := time.Now()
		s := m.shard(id)
		s.Lock()
		m.sweep(s, now, sweepLimit)
		there, successor := s.note(id, now)
		successors[i] = successor
		m.forget(s, id, func() string {
			if successor != "" {
				return session.EndNotice(id, nil, successor)
			}
			return session.EndManyNotice(id)
		})
		if there == "" && life > 0 {
			m.leave(s, id, note, life, now)
		}
		s.Unlock()
	}
	return successors, ctxError(ctx, "end many")
}

// Create implements [session.Store]. It returns ErrFull when MaxSessions are alive.
func (m *MemoryStore) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	if !contract.ValidID(id) {
		return fmt.Errorf("store: create: %w", contract.ErrBadID)
	}
	record := string(data)
	now := time.Now()
	if m.max == 0 {
		m.held.Add(1)
	} else if !m.reserve(now) {
		return ErrFull
	}
	s := m.shard(id)
	s.Lock()
	defer s.Unlock()
	m.sweep(s, now, sweepLimit)
	if s.records.get(id, now) != nil {
		m.held.Add(-1)
		return session.ErrExists
	}
	// An id may be a part of a long header: the map must not keep that header in memory.
	if !s.records.set(strings.Clone(id), record, now.Add(ttl)) {
		m.held.Add(-1) // it replaced an expired entry
	}
	return nil
}

// reserve makes room for one more entry if max is reached, and reports whether there is room.
func (m *MemoryStore) reserve(now time.Time) bool {
	for swept := false; ; {
		n := m.held.Load()
		if n < m.max {
			if m.held.CompareAndSwap(n, n+1) {
				return true
			}
			continue
		}
		if swept {
			return false
		}
		swept = true
		for i := range m.shards {
			s := &m.shards[i]
			s.Lock()
			m.sweep(s, now, math.MaxInt)
			s.Unlock()
		}
	}
}

func (m *MemoryStore) sweep(s *memoryShard, now time.Time, limit int) {
	if n := s.records.sweep(now, limit) + s.notes.sweep(now, limit); n > 0 {
		m.held.Add(int64(-n))
	}
}

// Update implements [session.Store].
func (m *MemoryStore) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("store: update: %w", err)
	}
	record := string(new)
	now := time.Now()
	s := m.shard(id)
	s.Lock()
	defer s.Unlock()
	m.sweep(s, now, sweepLimit)
	e, err := m.compare(s, id, old, now)
	if err != nil {
		return err
	}
	s.records.move(e, record, now.Add(ttl))
	return nil
}

// Delete implements [session.Store].
func (m *MemoryStore) Delete(ctx context.Context, id string, old []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: delete: %w", err)
	}
	now := time.Now()
	s := m.shard(id)
	s.Lock()
	defer s.Unlock()
	m.sweep(s, now, sweepLimit)
	if old != nil {
		if _, err := m.compare(s, id, old, now); err != nil {
			return err
		}
	}
	_, successor := s.note(id, now)
	m.forget(s, id, func() string { return session.EndNotice(id, old, successor) })
	return nil
}

// forget removes the record of id, and sends notice() to the listeners unless notice is nil.
func (m *MemoryStore) forget(s *memoryShard, id string, notice func() string) {
	if !s.records.remove(id) {
		return
	}
	m.held.Add(-1)
	if notice != nil && m.listeners.any.Load() {
		m.listeners.tell(notice())
	}
}

// note returns the live note of id, empty if there is none, and the successor that the note names.
func (s *memoryShard) note(id string, now time.Time) (note, successor string) {
	e := s.notes.get(id, now)
	if e == nil {
		return "", ""
	}
	return e.value, contract.Successor(e.value)
}

// leave stores a note of id, which has no live one, for life.
func (m *MemoryStore) leave(s *memoryShard, id, note string, life time.Duration, now time.Time) {
	if !contract.ValidID(id) {
		return
	}
	if !s.notes.remove(id) { // if there was no expired note of id
		m.held.Add(1)
	}
	s.notes.set(strings.Clone(id), note, now.Add(life))
}

// End implements [session.Ender].
func (m *MemoryStore) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("store: end: %w", err)
	}
	note, life, err := contract.Note(next, life, m.tombstones)
	if err != nil {
		return "", fmt.Errorf("store: end: %w", err)
	}
	now := time.Now()
	s := m.shard(id)
	s.Lock()
	defer s.Unlock()
	m.sweep(s, now, sweepLimit)
	there, successor := s.note(id, now)
	if next != "" && there == next { // the same call again
		m.forget(s, id, nil)
		return "", nil
	}
	if old != nil {
		if there != "" {
			return successor, session.ErrNotFound
		}
		if _, err := m.compare(s, id, old, now); err != nil {
			return successor, err
		}
	}
	m.forget(s, id, func() string { return session.EndNotice(id, old, cmp.Or(next, successor)) })
	if there == "" && life > 0 {
		m.leave(s, id, note, life, now)
	}
	return successor, nil
}

// All implements [session.Iterator]. It copies one part of the store at a time, about
// a hundredth of the whole.
func (m *MemoryStore) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		type pair struct{ id, data string }
		var part []pair
		for i := range m.shards {
			if err := ctx.Err(); err != nil {
				yield(session.Record{}, fmt.Errorf("store: all: %w", err))
				return
			}
			part = part[:0]
			now := time.Now()
			s := &m.shards[i]
			s.RLock()
			for id := range s.records.entries {
				if e := m.find(s, id, now); e != nil {
					part = append(part, pair{id, e.value})
				}
			}
			s.RUnlock()
			for _, p := range part {
				if !yield(session.Record{ID: p.id, Data: []byte(p.data)}, nil) {
					return
				}
			}
		}
	}
}
