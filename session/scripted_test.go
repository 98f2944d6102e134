package session_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// call is one command that the session layer sends to the store.
type call struct {
	Op       string // Get, Create, Update, Delete, End, AddLabel, RemoveLabel, Labelled
	ID       string
	Old, New []byte
	Next     string
}

var errFault = errors.New("made-up fault")

// scripted is a Store with all optional interfaces. Every call first calls before, on the caller's
// goroutine, where a test can delay it, make it fail, or lose its reply. Records never expire.
type scripted struct {
	before func(ctx context.Context, c call) sessiontest.Fate
	after  func(c call) // called after each execution; may be nil

	mu      sync.Mutex
	records map[string][]byte
	ttls    map[string]time.Duration
	notes   map[string]string
	labels  map[string][]string
	calls   []call
}

var (
	_ session.Store = (*scripted)(nil)
	_ session.Ender = (*scripted)(nil)
	_ session.Index = (*scripted)(nil)
)

func newScripted() *scripted {
	return &scripted{records: map[string][]byte{}, ttls: map[string]time.Duration{}, notes: map[string]string{}, labels: map[string][]string{}}
}

func (s *scripted) do(ctx context.Context, c call, run func() error) error {
	f := sessiontest.Pass
	if s.before != nil {
		f = s.before(ctx, c)
	}
	if f == sessiontest.Fail {
		return errFault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	err := run()
	s.mu.Unlock()
	if s.after != nil {
		s.after(c)
	}
	if f == sessiontest.LoseReply {
		return errFault
	}
	return err
}

func (s *scripted) Get(ctx context.Context, id string) (data []byte, err error) {
	err = s.do(ctx, call{Op: "Get", ID: id}, func() error {
		d, ok := s.records[id]
		if !ok {
			return session.ErrNotFound
		}
		data = bytes.Clone(d)
		return nil
	})
	return data, err
}

func (s *scripted) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	return s.do(ctx, call{Op: "Create", ID: id, New: bytes.Clone(data)}, func() error {
		if _, ok := s.records[id]; ok {
			return session.ErrExists
		}
		s.records[id], s.ttls[id] = bytes.Clone(data), ttl
		return nil
	})
}

func (s *scripted) compare(id string, old []byte) error {
	d, ok := s.records[id]
	if !ok {
		return session.ErrNotFound
	}
	if !bytes.Equal(d, old) {
		return &session.Conflict{Current: bytes.Clone(d)}
	}
	return nil
}

func (s *scripted) Update(ctx context.Context, id string, old, data []byte, ttl time.Duration) error {
	return s.do(ctx, call{Op: "Update", ID: id, Old: bytes.Clone(old), New: bytes.Clone(data)}, func() error {
		if err := s.compare(id, old); err != nil {
			return err
		}
		s.records[id], s.ttls[id] = bytes.Clone(data), ttl
		return nil
	})
}

func (s *scripted) Delete(ctx context.Context, id string, old []byte) error {
	return s.do(ctx, call{Op: "Delete", ID: id, Old: bytes.Clone(old)}, func() error {
		if old != nil {
			if err := s.compare(id, old); err != nil {
				return err
			}
		}
		delete(s.records, id)
		return nil
	})
}

// End follows the script of the protocol line by line.
func (s *scripted) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (successor string, err error) {
	err = s.do(ctx, call{Op: "End", ID: id, Old: bytes.Clone(old), Next: next}, func() error {
		note, noted := s.notes[id]
		if next != "" && noted && note == next {
			delete(s.records, id)
			return nil
		}
		successor = note
		if old != nil {
			if _, ok := s.records[id]; !ok || noted {
				return session.ErrNotFound
			}
			if err := s.compare(id, old); err != nil {
				return err
			}
		}
		delete(s.records, id)
		if next != "" && life > 0 && !noted {
			s.notes[id] = next
		}
		return nil
	})
	return successor, err
}

func (s *scripted) AddLabel(ctx context.Context, label, id string, _ time.Time) error {
	return s.do(ctx, call{Op: "AddLabel", ID: id, Next: label}, func() error {
		if !slices.Contains(s.labels[label], id) {
			s.labels[label] = append(s.labels[label], id)
		}
		return nil
	})
}

func (s *scripted) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	return s.do(ctx, call{Op: "RemoveLabel", ID: ids[0], Next: label}, func() error {
		s.labels[label] = slices.DeleteFunc(s.labels[label], func(id string) bool { return slices.Contains(ids, id) })
		return nil
	})
}

func (s *scripted) Labelled(ctx context.Context, label string) (ids []string, err error) {
	err = s.do(ctx, call{Op: "Labelled", Next: label}, func() error {
		ids = slices.Clone(s.labels[label])
		return nil
	})
	return ids, err
}

// record returns the text stored under id, "" if there is none.
func (s *scripted) record(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.records[id])
}

// put stores a record as Node does, without a comparison.
func (s *scripted) put(id, record string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[id] = []byte(record)
}

// ids returns the ids of all records.
func (s *scripted) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.records))
}

// ops returns the operations executed so far, in order, and forgets them.
func (s *scripted) ops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range s.calls {
		list = append(list, c.Op)
	}
	s.calls = nil
	return list
}

// gate holds the first call that match accepts, just before it is executed.
type gate struct {
	reached chan struct{}
	open    chan struct{}
}

// hold makes s stop at the first call that match accepts. The gate is opened at the
// end of the test at the latest.
func (s *scripted) hold(t *testing.T, match func(call) bool) *gate {
	t.Helper()
	g := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	var once sync.Once
	earlier := s.before
	s.before = func(ctx context.Context, c call) sessiontest.Fate {
		if match(c) {
			first := false
			once.Do(func() { first = true })
			if first {
				close(g.reached)
				<-g.open
			}
		}
		if earlier != nil {
			return earlier(ctx, c)
		}
		return sessiontest.Pass
	}
	return g
}

// during runs request in the background until it reaches the gate, then other, then lets the request
// continue, and returns when it is done.
func (g *gate) during(request, other func()) {
	done := make(chan struct{})
	go func() { defer close(done); request() }()
	<-g.reached
	other()
	close(g.open)
	<-done
}

func on(op string) func(call) bool { return func(c call) bool { return c.Op == op } }
