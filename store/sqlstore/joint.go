package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// joint does all steps of a log-in or a log-out atomically: in one statement on PostgreSQL, and in one
// transaction on SQLite, where each commit is expensive. MySQL has no joint: it cannot write to several
// tables in one statement, and a transaction would need two more round trips than separate steps. It can
// delete from several, for a log-out: see oneDelete.
type joint interface {
	create(ctx context.Context, n start) (started, error)
	jointEnd
}

// jointEnd is the part of a joint that ends records.
type jointEnd interface {
	end(ctx context.Context, id, note string, life int64, labels []string) (there string, err error)
}

// newJoints returns nil for what separate statements do.
func newJoints(s *Store) (joint, jointEnd) {
	switch _, own := s.ender.(*inRow); {
	case s.words.writesIn:
		j := newOneStatement(s)
		return j, j
	case s.words.returns:
		j := newOneTransaction(s)
		return j, j
	case own && !s.tombstones:
		return nil, newOneDelete(s)
	}
	return nil, nil
}

// start is a [session.NewRecord] as the table stores it.
type start struct {
	id       string
	data     any
	ttl      int64
	labels   []string // digests
	deadline int64

	oldID     string
	old       []byte
	packed    any // old as the table stores it
	note      string
	life      int64
	oldLabels []string // digests
}

// started is the result of a create.
type started struct{ created, oldEnded bool }

// Combines implements [session.Combiner].
func (s *Store) Combines() any { return s }

// CreateIndexed implements [session.Combiner]. It is one statement on PostgreSQL and one transaction on
// SQLite, and unsupported on MySQL.
func (s *Store) CreateIndexed(ctx context.Context, n session.NewRecord) (oldEnded bool, err error) {
	if s.joint == nil {
		return false, errors.ErrUnsupported
	}
	if err := contract.CheckTTL(ctx, n.TTL); err != nil {
		return false, fmt.Errorf("sqlstore: create: %w", err)
	}
	if !s.table.valid(n.ID) {
		return false, fmt.Errorf("sqlstore: create: %w", s.table.badID())
	}
	words := start{
		id: n.ID, data: s.table.pack(n.Data), ttl: n.TTL.Milliseconds(),
		labels: digests(n.Labels), deadline: n.Deadline.UnixMilli(),
	}
	if s.table.valid(n.OldID) {
		note, life, err := contract.Note("", n.OldLife, s.tombstones)
		if err != nil {
			return false, fmt.Errorf("sqlstore: create: %w", err)
		}
		words.oldID, words.old, words.packed = n.OldID, bytes.Clone(n.OldData), s.table.pack(n.OldData)
		words.note, words.life, words.oldLabels = note, life.Milliseconds(), digests(n.OldLabels)
	}
	done, err := try(ctx, s.database, "create", func() (started, error) { return s.joint.create(ctx, words) })
	if err == nil && !done.created {
		err = session.ErrExists
	}
	return done.oldEnded, err
}

// EndIndexed implements [session.Combiner]. It is one statement on PostgreSQL, and without tombstones two
// beside a table of Node's or where it finds no record; one transaction on SQLite; on MySQL one statement for
// our own table without tombstones, and one more for each label but the first, or more where it finds no
// record; otherwise it is unsupported there.
func (s *Store) EndIndexed(ctx context.Context, id string, life time.Duration, labels []string) (string, error) {
	if s.jointEnd == nil || !s.table.valid(id) {
		return "", errors.ErrUnsupported
	}
	note, life, err := contract.Note("", life, s.tombstones)
	if err != nil {
		return "", fmt.Errorf("sqlstore: end: %w", err)
	}
	labels = digests(labels)
	there, err := try(ctx, s.database, "end", func() (string, error) {
		return s.jointEnd.end(ctx, id, note, life.Milliseconds(), labels)
	})
	return contract.Successor(there), err
}

// EndManyIndexed implements [session.Combiner]. It is unsupported: EndMany is one statement for all, and so
// is RemoveLabel.
func (s *Store) EndManyIndexed(context.Context, []string, time.Duration, [][]string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

// digests returns the digests of labels, sorted and without duplicates. Since all calls use the same order,
// they cannot deadlock.
func digests(labels []string) []string {
	list := make([]string, len(labels))
	for i, label := range labels {
		list[i] = contract.Digest(label)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
