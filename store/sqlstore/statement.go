package sqlstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync/atomic"
)

// statement is one SQL statement, with the placeholders of its database. If prepared is set, it is prepared
// at its first use, and database/sql then prepares it on each connection that it is used on.
type statement struct {
	db       *sql.DB
	text     string
	order    []int
	prepared bool
	blocks   bool // as in wording
	stmt     atomic.Pointer[sql.Stmt]
	handles  handles // of the driver, for directly
}

// querier is what runs statements: a pool, or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// args returns the values in the order of the placeholders. A value can have several placeholders.
func (s *statement) args(values []any) []any {
	if s.order == nil {
		return values
	}
	list := make([]any, len(s.order))
	for i, at := range s.order {
		list[i] = values[at]
	}
	return list
}

// prepare returns the prepared statement, or nil if it is not to be prepared.
func (s *statement) prepare(ctx context.Context, tx *sql.Tx) (*sql.Stmt, error) {
	if !s.prepared {
		return nil, nil
	}
	stmt := s.stmt.Load()
	if stmt == nil {
		if tx != nil { // the pool may have only this connection
			return tx.PrepareContext(ctx, s.text)
		}
		made, err := s.db.PrepareContext(ctx, s.text)
		if err != nil {
			return nil, err
		}
		if stmt = made; !s.stmt.CompareAndSwap(nil, made) {
			_ = made.Close()
			stmt = s.stmt.Load()
		}
	}
	if tx != nil {
		return tx.StmtContext(ctx, stmt), nil
	}
	return stmt, nil
}

// exec runs a statement that returns no rows; tx may be nil.
func (s *statement) exec(ctx context.Context, tx *sql.Tx, values ...any) (sql.Result, error) {
	stmt, err := s.prepare(ctx, tx)
	switch {
	case err != nil:
		return nil, err
	case stmt != nil:
		return stmt.ExecContext(ctx, s.args(values)...)
	}
	return s.on(tx).ExecContext(ctx, s.text, s.args(values)...)
}

// affected is exec, and returns how many rows were found.
func (s *statement) affected(ctx context.Context, tx *sql.Tx, values ...any) (int64, error) {
	result, err := s.exec(ctx, tx, values...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row scans the one row that a statement returns, and reports whether there was one.
func (s *statement) row(ctx context.Context, tx *sql.Tx, values []any, into ...any) (found bool, err error) {
	if tx == nil && !s.blocks {
		if found, done, err := s.directly(ctx, s.args(values), into); done {
			return found, err
		}
	}
	err = s.each(ctx, tx, values, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(into...)
	})
	return found, err
}

// each calls scan for each row that a statement returns.
func (s *statement) each(ctx context.Context, tx *sql.Tx, values []any, scan func(*sql.Rows) error) error {
	rows, err := s.query(ctx, tx, values...)
	if err != nil {
		return err
	}
	for err == nil && rows.Next() {
		err = scan(rows)
	}
	if err == nil {
		err = rows.Err()
	}
	if closed := rows.Close(); err == nil {
		err = closed
	}
	return err
}

// query runs a statement that returns rows, which the caller closes.
func (s *statement) query(ctx context.Context, tx *sql.Tx, values ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(ctx, tx)
	switch {
	case err != nil:
		return nil, err
	case stmt != nil:
		return stmt.QueryContext(ctx, s.args(values)...)
	}
	return s.on(tx).QueryContext(ctx, s.text, s.args(values)...)
}

func (s *statement) on(tx *sql.Tx) querier {
	if tx != nil {
		return tx
	}
	return s.db
}

// unwatched returns the context for a read in [within] or in a batch. On SQLite that is one without an end:
// with ctx, database/sql and the driver would each start a goroutine that waits for its end, and both take
// about as long as the read. Such a read ends at the latest with the busy timeout, as it would have to wait
// for nothing but a lock. If the pool has no free connection, it could wait for one for ever: then unwatched
// returns ctx.
func (s *statement) unwatched(ctx context.Context) context.Context {
	if !s.blocks {
		return ctx
	}
	if pool := s.db.Stats(); pool.MaxOpenConnections > 0 && pool.InUse >= pool.MaxOpenConnections {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// list returns ":name0,:name1,…" with n names, and the names.
func list(name string, n int) (text string, names []string) {
	names = make([]string, n)
	words := make([]string, n)
	for i := range n {
		names[i] = name + strconv.Itoa(i)
		words[i] = ":" + names[i]
	}
	return strings.Join(words, ","), names
}

// rowsOf repeats row for each of the names, with that name instead of :id, and commas between.
func rowsOf(names []string, row string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strings.ReplaceAll(row, ":id", ":"+name)
	}
	return strings.Join(all, ",")
}

// valuesOf returns ids, and more after them, as the values of a statement.
func valuesOf(ids []string, more ...any) []any {
	return append(appendTexts(make([]any, 0, len(ids)+len(more)), ids), more...)
}

// appendTexts appends list to the values of a statement.
func appendTexts(values []any, list []string) []any {
	for _, text := range list {
		values = append(values, text)
	}
	return values
}
