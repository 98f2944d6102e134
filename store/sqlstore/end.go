package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// ender ends records, each in one atomic step. There are two: inRow for our own table, beside for Node's. A
// tx may be nil.
type ender interface {
	// end removes the record of id and stores note for life, unless there is a live note. It returns the note
	// that is stored then, or "". If life is 0, it stores no note.
	end(ctx context.Context, tx *sql.Tx, id, note string, life int64) (there string, err error)

	// endSame does the same, but only if the record's bytes are old and there is no live note. It reports
	// whether it ended the record.
	endSame(ctx context.Context, tx *sql.Tx, id string, old []byte, packed any, note string, life int64) (bool, error)

	// endMany ends many records, without successors.
	endMany(ctx context.Context, ids []string, life int64) (there map[string]string, err error)

	// look reads what is stored under id, and compares it to old.
	look(ctx context.Context, id string, old []byte) (found, error)

	// statements returns the statements that end and endSame use.
	statements() []*statement

	// endIn and sameIn return parts of a WITH that do what end and endSame do, with a note or without, for
	// databases that can write in WITH. Its table ended has the note that end returns, or a row if endSame
	// is true. sameIn does nothing unless condition is true. Without a note, endIn does not do all of it:
	// endRest has to follow.
	endIn(noted bool) string
	sameIn(noted bool, condition string) string

	// endRest does what endIn without a note has left, and returns the note that is stored then, or "". ended
	// is whether its table ended had a row.
	endRest(ctx context.Context, id string, ended bool) (there string, err error)
}

// found is what is stored under an id.
type found struct {
	live bool
	data []byte
	raw  []byte // the bytes in the table, before unpack
	same bool   // the record is live and has the expected bytes
	note string // a live note, or ""
}

// refusal is the error for a caller that expected other bytes.
func (f found) refusal() error {
	if !f.live {
		return session.ErrNotFound
	}
	return &session.Conflict{Current: f.data}
}

// judged sets raw, data and same from the bytes that were read.
func (f found) judged(t table, old []byte) found {
	if !f.live {
		f.data = nil
		return f
	}
	f.raw, f.data = f.data, t.unpack(f.data)
	f.same = bytes.Equal(f.data, old)
	return f
}

// packed returns the value for the next comparison, if a comparison to packed failed although the record is
// the expected one. In Node's table a record that is not JSON can be stored in two forms: wrapped by us, or
// as it is.
func (f found) packed(packed any) any {
	if _, isText := packed.(string); isText {
		return string(f.raw)
	}
	return packed
}

// errChanged means that a statement did not find the expected bytes, but they are there now. The statement is
// tried again.
var errChanged = errors.New("the record changed while it was compared")

// End implements [session.Ender]. In the layout Own it is one statement, unless another write interferes.
// Beside a table of Node's it is one statement on PostgreSQL and a transaction on SQLite. MySQL cannot write
// to two tables in one statement: there it is a transaction of two statements if it compares or names a
// successor. Otherwise it is two statements without a transaction, since the first of them ends the session.
func (s *Store) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	note, life, err := contract.Note(next, life, s.tombstones)
	if err != nil {
		return "", fmt.Errorf("sqlstore: end: %w", err)
	}
	return s.end(ctx, "end", id, old, note, life)
}

func (s *Store) end(ctx context.Context, verb, id string, old []byte, note string, life time.Duration) (string, error) {
	if !s.table.valid(id) {
		if err := ctxError(ctx, verb); err != nil || old == nil {
			return "", err
		}
		return "", session.ErrNotFound
	}
	old = bytes.Clone(old)
	packed := s.table.pack(old)
	o, err := try(ctx, s.database, verb, func() (outcome, error) { return s.attempt(ctx, id, old, &packed, note, life.Milliseconds()) })
	if err != nil {
		return "", err
	}
	if o.there == note {
		o.there = ""
	}
	return contract.Successor(o.there), o.refused
}

// outcome is the result of an end: the note that is stored, and the error of the contract.
type outcome struct {
	there   string
	refused error
}

// attempt ends a record, or returns why it did not. It sets packed to the value that the next attempt
// compares with.
func (s *Store) attempt(ctx context.Context, id string, old []byte, packed *any, note string, life int64) (o outcome, err error) {
	if old == nil {
		o.there, err = s.ender.end(ctx, nil, id, note, life)
		return o, err
	}
	ended, err := s.ender.endSame(ctx, nil, id, old, *packed, note, life)
	if err != nil || ended {
		return o, err
	}
	f, err := s.ender.look(ctx, id, old)
	switch {
	case err != nil:
		return o, err
	case note != contract.Ended && f.note == note: // the same call again
		o.there, err = s.ender.end(ctx, nil, id, note, 0)
		return o, err
	case f.note != "":
		return outcome{f.note, session.ErrNotFound}, nil
	case f.same:
		*packed = f.packed(*packed)
		return o, errChanged
	}
	return outcome{refused: f.refusal()}, nil
}
