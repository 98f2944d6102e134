package protocol_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

var (
	errNotFound = errors.New("no such session")
	errExists   = errors.New("id already in use")
	errEnded    = errors.New("ended")
	errChanged  = errors.New("changed")
	errAgain    = errors.New("again")
	errTooOld   = errors.New("too old")
	errFault    = errors.New("made-up fault")
)

type conflict struct{ current []byte }

func (*conflict) Error() string { return "conflict" }

func found(err error) []byte {
	if c, ok := errors.AsType[*conflict](err); ok {
		return c.current
	}
	return nil
}

// call is one command that the protocol sends to the store.
type call struct {
	Op       string // Get, GetPrimary, Create, Update, Delete, End, AddLabel, RemoveLabel, Labelled, CreateIndexed, EndIndexed
	ID       string
	Old, New []byte
	Next     string
	Life     time.Duration

	both   protocol.NewRecord // for CreateIndexed
	labels []string           // for EndIndexed
	ids    []string           // for RemoveLabel
}

// Fates of single calls, besides those of sessiontest.
const (
	stale    sessiontest.Fate = -1 // a Get is answered by a replica, with the content at the start
	cutFirst sessiontest.Fate = -2 // only the first of several combined steps is executed, and the answer is an error
	cutLast  sessiontest.Fate = -3 // all but the last are executed, and the answer is an error
)

// cut returns how many of the three steps of CreateIndexed are executed.
func cut(f sessiontest.Fate) int {
	switch f {
	case cutFirst:
		return 1
	case cutLast:
		return 2
	}
	return 3
}

// server is the content of a store. Records never expire.
type server struct {
	mu      sync.Mutex
	records map[string][]byte
	notes   map[string]string
	labels  map[string][]string
	lives   map[string]time.Duration // the requested life of each note
	replica map[string][]byte        // what a stale read finds
	tell    func(notice string)      // receives the notices, unless it is nil
}

func newServer() *server {
	return &server{records: map[string][]byte{}, notes: map[string]string{}, labels: map[string][]string{}, lives: map[string]time.Duration{}, replica: map[string][]byte{}}
}

// copy returns a server with the same content.
func (s *server) copy() *server {
	return &server{records: maps.Clone(s.records), notes: maps.Clone(s.notes), labels: maps.Clone(s.labels), lives: maps.Clone(s.lives), replica: s.replica}
}

// record returns the text stored under id, "" if there is none.
func (s *server) record(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.records[id])
}

// ids returns the ids of all records.
func (s *server) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.records))
}

// scripted is one process's connection to a server: a Store that has an index and leaves notes. Every call
// first calls before, on the caller's goroutine, where a test can delay it, make it fail, or lose its
// reply.
type scripted struct {
	*server
	before func(c call) sessiontest.Fate
	after  func(c call)
	fate   sessiontest.Fate // of the call in progress
}

// replicated is a scripted store whose Get may be answered by a replica.
type replicated struct{ *scripted }

// batched is a scripted store that reads and ends many records in one call, one after the other. Their
// order is not promised, and after an error some of them have ended.
type batched struct{ *scripted }

func (s batched) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	found := make([][]byte, len(ids))
	for i, id := range ids {
		data, err := s.get(ctx, "GetPrimary", id)
		if err != nil && !errors.Is(err, errNotFound) {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

func (s batched) EndMany(ctx context.Context, ids []string, life time.Duration) (successors []string, err error) {
	successors = make([]string, len(ids))
	for i, id := range ids {
		if successors[i], err = s.End(ctx, id, nil, "", life); err != nil {
			return nil, err
		}
	}
	return successors, nil
}

// joint is a scripted store that combines several steps into one call.
type joint struct{ *scripted }

func (s joint) Combines() any { return s }

func (s joint) CreateIndexed(ctx context.Context, n protocol.NewRecord) (oldEnded bool, err error) {
	c := call{Op: "CreateIndexed", ID: n.ID, both: n}
	err = s.do(ctx, c, func() (err error) {
		oldEnded, err = s.createIndexed(n, cut(s.fate))
		return err
	})
	return oldEnded, err
}

func (s joint) EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (successor string, err error) {
	c := call{Op: "EndIndexed", ID: id, Life: life, labels: labels}
	err = s.do(ctx, c, func() (err error) {
		successor, err = s.endIndexed(c, cut(s.fate))
		return err
	})
	return successor, err
}

// EndManyIndexed ends one after the other, as batched does.
func (s joint) EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) (successors []string, err error) {
	successors = make([]string, len(ids))
	for i, id := range ids {
		if successors[i], err = s.EndIndexed(ctx, id, life, labels[i]); err != nil {
			return nil, err
		}
	}
	return successors, nil
}

// tellingJointly is a joint store that sends notices.
type tellingJointly struct{ telling }

func (s tellingJointly) Combines() any { return s }

func (s tellingJointly) CreateIndexed(ctx context.Context, n protocol.NewRecord) (bool, error) {
	return joint{s.scripted}.CreateIndexed(ctx, n)
}

func (s tellingJointly) EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (string, error) {
	return joint{s.scripted}.EndIndexed(ctx, id, life, labels)
}

func (s tellingJointly) EndManyIndexed(ctx context.Context, ids []string, life time.Duration, labels [][]string) ([]string, error) {
	return joint{s.scripted}.EndManyIndexed(ctx, ids, life, labels)
}

// noteless is a scripted store that leaves no notes.
type noteless struct {
	protocol.Store
	protocol.Index
}

var (
	_ protocol.Store         = (*scripted)(nil)
	_ protocol.Ender         = (*scripted)(nil)
	_ protocol.Index         = (*scripted)(nil)
	_ protocol.PrimaryReader = replicated{}
	_ protocol.Batch         = batched{}
	_ protocol.Combiner      = joint{}
	_ protocol.Combiner      = tellingJointly{}
)

func (s *scripted) do(ctx context.Context, c call, run func() error) error {
	f := sessiontest.Pass
	if s.before != nil {
		f = s.before(c)
	}
	if f == sessiontest.Fail {
		return errFault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	s.fate = f
	err := run()
	s.mu.Unlock()
	if s.after != nil {
		s.after(c)
	}
	if f == sessiontest.LoseReply || cut(f) < 3 {
		return errFault
	}
	return err
}

func (s *scripted) get(ctx context.Context, op, id string) (data []byte, err error) {
	err = s.do(ctx, call{Op: op, ID: id}, func() error {
		records := s.records
		if s.fate == stale {
			records = s.replica
		}
		d, ok := records[id]
		if !ok {
			return errNotFound
		}
		data = bytes.Clone(d)
		return nil
	})
	return data, err
}

func (s *scripted) Get(ctx context.Context, id string) (data []byte, err error) {
	return s.get(ctx, "Get", id)
}

func (s replicated) GetPrimary(ctx context.Context, id string) (data []byte, err error) {
	return s.get(ctx, "GetPrimary", id)
}

func (s *scripted) Create(ctx context.Context, id string, data []byte, _ time.Duration) error {
	c := call{Op: "Create", ID: id, New: data}
	return s.do(ctx, c, func() error { return s.execute(c) })
}

func (s *scripted) Update(ctx context.Context, id string, old, data []byte, _ time.Duration) error {
	c := call{Op: "Update", ID: id, Old: old, New: data}
	return s.do(ctx, c, func() error { return s.execute(c) })
}

func (s *scripted) Delete(ctx context.Context, id string, old []byte) error {
	c := call{Op: "Delete", ID: id, Old: old}
	return s.do(ctx, c, func() error { return s.execute(c) })
}

func (s *scripted) AddLabel(ctx context.Context, label, id string, _ time.Time) error {
	c := call{Op: "AddLabel", ID: id, Next: label}
	return s.do(ctx, c, func() error { return s.execute(c) })
}

func (s *scripted) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	c := call{Op: "RemoveLabel", ID: ids[0], Next: label, ids: ids}
	return s.do(ctx, c, func() error { return s.execute(c) })
}

func (s *scripted) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (successor string, err error) {
	c := call{Op: "End", ID: id, Old: old, Next: next, Life: life}
	err = s.do(ctx, c, func() (err error) {
		successor, err = s.end(c)
		return err
	})
	return successor, err
}

func (s *scripted) Labelled(ctx context.Context, label string) (ids []string, err error) {
	err = s.do(ctx, call{Op: "Labelled", Next: label}, func() error {
		ids = slices.Clone(s.labels[label])
		return nil
	})
	return ids, err
}

// execute executes c as the server does when c arrives. The caller holds mu.
func (s *server) execute(c call) error {
	switch c.Op {
	case "Create":
		if _, ok := s.records[c.ID]; ok {
			return errExists
		}
		s.records[c.ID] = bytes.Clone(c.New)
	case "Update":
		if err := s.compare(c.ID, c.Old); err != nil {
			return err
		}
		s.records[c.ID] = bytes.Clone(c.New)
	case "Delete":
		if c.Old != nil {
			if err := s.compare(c.ID, c.Old); err != nil {
				return err
			}
		}
		s.remove(c)
	case "End":
		_, err := s.end(c)
		return err
	case "Notify":
		s.tell(c.Next)
	case "CreateIndexed":
		_, err := s.createIndexed(c.both, 3)
		return err
	case "EndIndexed":
		_, err := s.endIndexed(c, 3)
		return err
	case "AddLabel":
		if !slices.Contains(s.labels[c.Next], c.ID) {
			s.labels[c.Next] = append(slices.Clip(s.labels[c.Next]), c.ID)
		}
	case "RemoveLabel":
		s.labels[c.Next] = slices.DeleteFunc(slices.Clone(s.labels[c.Next]), func(id string) bool { return slices.Contains(c.ids, id) })
	}
	return nil
}

// createIndexed executes the first steps of n, at most three.
func (s *server) createIndexed(n protocol.NewRecord, steps int) (oldEnded bool, err error) {
	if err := s.execute(call{Op: "Create", ID: n.ID, New: n.Data}); err != nil || steps == 1 {
		return false, err
	}
	for _, label := range n.Labels {
		_ = s.execute(call{Op: "AddLabel", ID: n.ID, Next: label})
	}
	if n.OldID == "" || steps == 2 {
		return false, nil
	}
	if _, err := s.end(call{Op: "End", ID: n.OldID, Old: n.OldData, Life: n.OldLife}); err != nil {
		return false, nil //nolint:nilerr // the old record has other bytes, or is gone
	}
	s.unindex(n.OldID, n.OldLabels)
	return true, nil
}

// endIndexed executes the first steps of c, at most two.
func (s *server) endIndexed(c call, steps int) (successor string, err error) {
	successor, err = s.end(call{Op: "End", ID: c.ID, Life: c.Life})
	if steps > 1 {
		s.unindex(c.ID, c.labels)
	}
	return successor, err
}

func (s *server) unindex(id string, labels []string) {
	for _, label := range labels {
		_ = s.execute(call{Op: "RemoveLabel", ID: id, Next: label, ids: []string{id}})
	}
}

func (s *server) compare(id string, old []byte) error {
	d, ok := s.records[id]
	if !ok {
		return errNotFound
	}
	if !bytes.Equal(d, old) {
		return &conflict{bytes.Clone(d)}
	}
	return nil
}

// end follows the script of docs/PROTOCOL.md line by line, without tombstones.
func (s *server) end(c call) (successor string, err error) {
	note, noted := s.notes[c.ID]
	if c.Next != "" && noted && note == c.Next {
		delete(s.records, c.ID)
		return "", nil
	}
	if c.Old != nil {
		if _, ok := s.records[c.ID]; !ok || noted {
			return note, errNotFound
		}
		if err := s.compare(c.ID, c.Old); err != nil {
			return note, err
		}
	}
	s.remove(c)
	s.lives[c.ID] = c.Life
	if c.Next != "" && c.Life > 0 && !noted {
		s.notes[c.ID] = c.Next
	}
	return note, nil
}

// remove removes the record that c is to end, and sends the notice. The caller holds mu.
func (s *server) remove(c call) {
	if _, ok := s.records[c.ID]; ok && s.tell != nil {
		s.tell(protocol.EndNotice(c.ID, c.Old, c.Next))
	}
	delete(s.records, c.ID)
}
