package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/internal/contract"
)

// discovery is what New has to know of a database before it makes statements.
type discovery struct {
	zone  string // time zone of columns without one; ConnectPGSimple
	zoned bool   // the column of times has a zone; ConnectPGSimple
	maxID int    // the longest id that Node's table can hold; 0: no limit of its own
}

// discover checks the settings of the database and of Node's table.
func discover(ctx context.Context, db *sql.DB, cfg Config) (discovery, error) {
	p := &probe{ctx: ctx, db: db, cfg: cfg}
	switch cfg.Dialect {
	case Postgres:
		p.postgres()
	case MySQL:
		p.mysql()
	case SQLite:
		p.sqlite()
	}
	return p.known, errors.Join(p.errs...)
}

// probe queries a database and collects errors.
type probe struct {
	ctx   context.Context //nolint:containedctx // a probe lives for one call
	db    *sql.DB
	cfg   Config
	known discovery
	errs  []error
}

// bad adds an error; its text ends with the cure.
func (p *probe) bad(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("sqlstore: check: "+format, args...))
}

// ask reads the one row that a query returns, and reports whether there was one. It adds a failure to errs.
func (p *probe) ask(query string, args []any, into ...any) bool {
	err := p.db.QueryRowContext(p.ctx, query, args...).Scan(into...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		p.failed(err)
	}
	return err == nil
}

// failed adds the error of a query that failed.
func (p *probe) failed(err error) {
	p.errs = append(p.errs, outage("check", contextError(p.ctx, err)))
}

// checkTime is the TTL of the values that Check stores, in case it cannot remove them.
const checkTime = time.Minute

// Check tries every call that a program makes, on ids and keys of its own, and checks that comparing works
// with the settings of the pool. New calls it; a program's readiness probe can call it too. The error joins
// everything that is wrong, such as a missing table or a right that the database's user lacks. An outage is
// one error.
func (s *Stores) Check(ctx context.Context) error {
	if err := s.checkFoundRows(ctx); err != nil {
		return s.cured(err)
	}
	id, next := "check-"+rand.Text(), "check-"+rand.Text()
	old, changed := []byte(`{"cookie":{},"check":1}`), []byte(`{"cookie":{},"check":2}`)
	r := s.Sessions
	var errs []error
	for _, call := range []func() error{
		func() error { return r.Create(ctx, id, old, checkTime) },
		func() error { _, err := r.GetPrimary(ctx, id); return err },
		func() error { return s.checkUnknown(ctx, next) },
		func() error { return r.Update(ctx, id, old, changed, checkTime) },
		func() error { _, err := r.GetMany(ctx, []string{id, next}); return err },
		func() error { _, err := r.End(ctx, id, changed, next, checkTime); return err },
		func() error { _, err := r.EndMany(ctx, []string{id, next}, checkTime); return err },
		func() error { return r.Delete(ctx, id, nil) },
		func() error { return r.AddLabel(ctx, id, id, time.Now().Add(checkTime)) },
		func() error { _, err := r.Labelled(ctx, id); return err },
		func() error { return r.RemoveLabel(ctx, id, id) },
		func() error { _, _, err := s.Counter.Add(ctx, id, 1, checkTime); return err },
		func() error { return s.Tokens.Put(ctx, id, old, checkTime) },
		func() error { _, _, err := s.Tokens.Take(ctx, id); return err },
		func() error { _, _, err := s.Cells.Swap(ctx, id, nil, old, checkTime); return err },
		func() error { _, err := s.Cells.Load(ctx, id); return err },
		func() error { _, _, err := s.Cells.Swap(ctx, id, old, nil, checkTime); return err },
		func() error { return s.forgetCheck(ctx, id, next) },
	} {
		err := call()
		switch untrue := errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict); {
		case untrue && len(errs) == 0:
			errs = append(errs, errUntrue)
		case err != nil && !untrue: // else it follows from a step that failed
			errs = append(errs, s.cured(err))
		}
		if ctx.Err() != nil {
			return ctxError(ctx, "check")
		}
	}
	return errors.Join(errs...)
}

// errUntrue is the error of Check if it does not read what it has just written.
var errUntrue = errors.New("sqlstore: check: the database does not return what was written a moment ago: " +
	"give a pool that asks the primary alone, and look for triggers on the table")

// checkUnknown reads a record that does not exist, from the replica if there is one.
func (s *Stores) checkUnknown(ctx context.Context, id string) error {
	if _, err := s.Sessions.Get(ctx, id); !errors.Is(err, session.ErrNotFound) {
		return err
	}
	return nil
}

// forgetCheck removes the notes and the count that Check has stored.
func (s *Stores) forgetCheck(ctx context.Context, id, next string) error {
	notes := "{notes}"
	if s.cfg.Layout == Own {
		notes = "{sessions}"
	}
	drop := s.once([]string{"id", "next"}, "DELETE FROM "+notes+" WHERE id IN (:id,:next)")
	uncount := s.once([]string{"key"}, "DELETE FROM {values} WHERE kind='"+countKind+"' AND k=:key")
	return s.do(ctx, "check", func() error {
		if _, err := drop.exec(ctx, nil, id, next); err != nil {
			return err
		}
		_, err := uncount.exec(ctx, nil, contract.Digest(id))
		return err
	})
}

// cured adds the cure to an error that says that a table or a column does not exist.
func (s *Stores) cured(err error) error {
	text := err.Error()
	for _, lack := range []string{"does not exist", "doesn't exist", "no such table", "no such column", "Unknown column"} {
		if strings.Contains(text, lack) {
			return fmt.Errorf("%w: make our tables by what `go run github.com/seed-6f34412b/passport/store/sqlstore/schema` prints, or set Config.Migrate", err)
		}
	}
	return err
}

// errFoundRows is the cause of an error of New.
var errFoundRows = errors.New("an UPDATE that finds its row and changes nothing reports no row: add clientFoundRows=true to the data source of the driver")

// checkFoundRows checks that the driver counts the rows that a statement found, which comparing needs.
// Drivers for MySQL by default count those that it changed.
func (s *Stores) checkFoundRows(ctx context.Context) error {
	key := "check" + rand.Text()
	insert := s.once([]string{"key"}, "INSERT INTO {values} (kind,k,value,expires) VALUES ('"+leaseKind+"',:key,{empty},0)")
	same := s.once([]string{"key"}, "UPDATE {values} SET expires=expires WHERE kind='"+leaseKind+"' AND k=:key")
	return s.do(ctx, "check", func() error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := insert.exec(ctx, tx, key); err != nil {
			return err
		}
		n, err := same.affected(ctx, tx, key)
		if err == nil && n != 1 {
			return errFoundRows
		}
		return err
	})
}
