package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// Store keeps sessions in a table. It is a [session.Store] with every ability. [New] makes it; it is safe for
// concurrent use.
//
// Methods return when their context ends. On SQLite, whose drivers wait for a lock until the busy timeout,
// the statement then still holds a goroutine and its connection for that long. Errors contain no id and no
// record; an error that is not in the contract is an outage.
type Store struct {
	*database
	table      table
	tombstones bool
	ender      ender
	joint      joint    // nil on MySQL: the steps of a log-in are separate statements
	jointEnd   jointEnd // may be nil
	listen     func(ctx context.Context, channel string, tell func(notice string)) error
	channel    string // the name under which notices are sent, with listen

	get, primary           *statement // get reads the replica if there is one
	replica                bool       // there is a replica
	create, update, remove *statement
	walk                   *statement
	labels                 labels
	many                   many
	batches                *batches // of get; nil with Config.NoBatches
}

var (
	_ session.Store         = (*Store)(nil)
	_ session.Ender         = (*Store)(nil)
	_ session.Index         = (*Store)(nil)
	_ session.Iterator      = (*Store)(nil)
	_ session.PrimaryReader = (*Store)(nil)
	_ session.Batch         = (*Store)(nil)
	_ session.Combiner      = (*Store)(nil)
)

func newStore(d, reads *database, t table, cfg Config) *Store {
	s := &Store{database: d, table: t, tombstones: cfg.Tombstones, listen: cfg.Listen, channel: cfg.channel(), replica: reads != d}
	get, seen, rowSeen := "SELECT {read} FROM {sessions} WHERE {match} AND {live}", "", ""
	if s.tombstones {
		get = "SELECT {read}, {noted} FROM {sessions} WHERE {match} AND {live}"
		seen, rowSeen = " AND NOT {noted}", " AND NOT {rownoted}"
	}
	s.get = reads.read([]string{"id"}, get)
	s.primary = d.read([]string{"id"}, get)
	s.create = d.statement("id new ttl", t.create)
	s.update = d.statement("id old new ttl", t.update+" WHERE {match} AND {same} AND {live}"+seen)
	s.remove = d.statement("id notice", t.remove(s))
	s.walk = d.statement("id n", "SELECT {id}, {read} FROM {sessions} WHERE {id} > :id AND {live}"+rowSeen+" ORDER BY {id} LIMIT :n")
	s.ender = t.ender(s)
	s.labels = newLabels(d)
	s.joint, s.jointEnd = newJoints(s)
	s.many = newMany(d, rowSeen)
	if !cfg.NoBatches {
		s.batches = newBatches(reads, rowSeen)
	}
	return s
}

// Get implements [session.Store]. It is one SELECT, of the replica if the program has one; under load it is
// part of one SELECT: see Config.NoBatches.
func (s *Store) Get(ctx context.Context, id string) ([]byte, error) {
	_, limited := ctx.Deadline() // a batch ends at the latest deadline: with a read that has none it might never
	if limited && s.batches != nil && s.table.valid(id) {
		load := &s.batches.load
		n := load.InFlight.Add(1)
		defer load.InFlight.Add(-1)
		if n >= load.From || load.Stays.Load() > 0 {
			load.Joined(n)
			if data := s.batches.get(ctx, id); data != nil {
				return s.table.unpack(data), nil
			}
		}
	}
	data, err := s.read(ctx, s.get, id)
	if !s.replica && errors.Is(err, session.ErrNotFound) {
		err = contract.Gone[Store]{Store: s}
	}
	return data, err
}

// GetPrimary implements [session.PrimaryReader]. It is one SELECT, of the primary.
func (s *Store) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	return s.read(ctx, s.primary, id)
}

func (s *Store) read(ctx context.Context, q *statement, id string) ([]byte, error) {
	if !s.table.valid(id) {
		if err := ctxError(ctx, "get"); err != nil {
			return nil, err
		}
		return nil, session.ErrNotFound
	}
	r, err := try(ctx, s.database, "get", func() (r stored, err error) {
		into := []any{&r.data, &r.noted}
		if !s.tombstones {
			into = into[:1]
		}
		r.found, err = q.row(q.unwatched(ctx), nil, s.valuesOfRead(id), into...)
		return r, err
	})
	switch {
	case err != nil:
		return nil, err
	case r.noted: // Node has written the record back after its end
		_ = s.do(ctx, "delete", func() error { _, err := s.remove.exec(ctx, nil, s.told([]any{id}, id, nil, "")...); return err }) // the note hides it anyway
		return nil, session.ErrNotFound
	case !r.found:
		return nil, session.ErrNotFound
	}
	return s.table.unpack(r.data), nil
}

// stored is what a SELECT finds.
type stored struct {
	data         []byte
	found, noted bool
}

// Create implements [session.Store]. It is one INSERT.
func (s *Store) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("sqlstore: create: %w", err)
	}
	if !s.table.valid(id) {
		return fmt.Errorf("sqlstore: create: %w", s.table.badID())
	}
	packed := s.table.pack(data)
	created, err := try(ctx, s.database, "create", func() (bool, error) {
		return s.inserted(ctx, s.create, id, packed, ttl.Milliseconds())
	})
	if err == nil && !created {
		return session.ErrExists
	}
	return err
}

// inserted runs an INSERT that keeps a live row as it is, and reports whether there was none.
func (d *database) inserted(ctx context.Context, q *statement, values ...any) (bool, error) {
	result, err := q.exec(ctx, nil, values...)
	if err != nil {
		return false, err
	}
	if d.words.returns {
		n, err := result.RowsAffected()
		return n > 0, err
	}
	was, err := result.LastInsertId()
	return was != stayed, err
}

// stayed is the LAST_INSERT_ID of MySQL's INSERTs that found a live row. The number of affected rows does not
// tell that on MySQL.
const stayed = 2

// Update implements [session.Store]. It is one UPDATE, and where that finds other bytes, one SELECT.
func (s *Store) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	if err := contract.CheckTTL(ctx, ttl); err != nil {
		return fmt.Errorf("sqlstore: update: %w", err)
	}
	if !s.table.valid(id) {
		return session.ErrNotFound
	}
	old = bytes.Clone(old)
	packed, replacement := s.table.pack(old), s.table.pack(new)
	there, err := try(ctx, s.database, "update", func() (found, error) {
		n, err := s.update.affected(ctx, nil, id, packed, replacement, ttl.Milliseconds())
		if err != nil || n > 0 {
			return found{same: true}, err
		}
		there, err := s.ender.look(ctx, id, old)
		if err == nil && there.same && !(s.tombstones && there.note != "") {
			packed, err = there.packed(packed), errChanged
		}
		return there, err
	})
	switch {
	case err != nil:
		return err
	case there.note != "" && s.tombstones:
		return session.ErrNotFound
	case there.same:
		return nil
	}
	return there.refusal()
}

// Delete implements [session.Store]. Without old it is one statement. It leaves no note: see End.
func (s *Store) Delete(ctx context.Context, id string, old []byte) error {
	if old != nil {
		_, err := s.end(ctx, "delete", id, old, contract.Ended, 0)
		return err
	}
	if !s.table.valid(id) {
		return ctxError(ctx, "delete")
	}
	return s.do(ctx, "delete", func() error {
		_, err := s.remove.exec(ctx, nil, s.told([]any{id}, id, nil, "")...)
		return err
	})
}
