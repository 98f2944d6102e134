// Package sqltable answers: how does a strategy use a table in the application's own database?
//
// The statements of its callers are the same for PostgreSQL, MySQL, MariaDB and SQLite.
package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Table is a table of the application's database. It is made by [New] and safe for concurrent use.
type Table struct {
	db    *sql.DB
	name  string
	mysql bool
}

// validName matches a table's name, with or without its schema.
var validName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// New returns every mistake at once, each with caller before it. mysql says that the database is MySQL or
// MariaDB.
func New(caller string, db *sql.DB, name string, mysql bool) (*Table, error) {
	var mistakes []error
	if db == nil {
		mistakes = append(mistakes, fmt.Errorf("%s: DB is nil: give the pool of database/sql", caller))
	}
	if !validName.MatchString(name) {
		mistakes = append(mistakes, fmt.Errorf("%s: Table is %q: give letters, digits and '_', "+
			"with a schema and a dot before it if need be", caller, name))
	}
	return &Table{db, name, mysql}, errors.Join(mistakes...)
}

// placeholder matches $1, $2 and so on.
var placeholder = regexp.MustCompile(`\$[0-9]+`)

// text returns a statement in the words of the database. {table} is the name. The placeholders $1, $2 and so
// on come once each, and in this order, since MySQL has ? for all of them.
func (t *Table) text(statement string) string {
	statement = strings.ReplaceAll(statement, "{table}", t.name)
	if t.mysql {
		statement = placeholder.ReplaceAllString(statement, "?")
	}
	return statement
}

// MaxKey is how many bytes a column of type {key} holds in MySQL. Without a strict mode MySQL would cut longer
// text: two keys would be one, or nothing would be found again.
const MaxKey = 1020

// CheckOwner returns an error if owner cannot be whose a row is. Users without an id would share their rows.
func CheckOwner(owner string) error {
	if owner == "" || len(owner) > MaxKey {
		return fmt.Errorf("the owner has %d bytes: give the user's id, of 1 to %d", len(owner), MaxKey)
	}
	return nil
}

// Schema returns the statement that makes the table: {table} is its name, {id} the type of base64 and digits,
// {key} that of other text in an index, and {text} that of long text.
func (t *Table) Schema(statement string) string {
	types := []string{"{id}", "TEXT", "{key}", "TEXT", "{text}", "TEXT"}
	if t.mysql { // an index needs a limit, and collations ignore case or spaces at the end
		types = []string{
			"{id}", "VARBINARY(1400)", "{key}", fmt.Sprintf("VARBINARY(%d)", MaxKey),
			"{text}", "LONGTEXT CHARACTER SET utf8mb4",
		}
	}
	return strings.NewReplacer(types...).Replace(t.text(statement))
}

// Exec returns how many rows a statement has changed. In MySQL a row that has the new values already does
// not count, unless the driver is told otherwise.
func (t *Table) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	return t.exec(ctx, t.db, statement, args...)
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (t *Table) exec(ctx context.Context, on execer, statement string, args ...any) (int64, error) {
	result, err := on.ExecContext(ctx, t.text(statement), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Has reports whether the query finds a row.
func (t *Table) Has(ctx context.Context, query string, args ...any) (bool, error) {
	found, err := Rows(ctx, t, func(*sql.Rows) (bool, error) { return true, nil }, query, args...)
	return len(found) > 0, err
}

// Tx is a transaction on a [Table].
type Tx struct {
	*Table
	tx *sql.Tx
}

// Exec is [Table.Exec] in the transaction.
func (t Tx) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	return t.exec(ctx, t.tx, statement, args...)
}

// Count returns the number that a query selects.
func (t Tx) Count(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = t.tx.QueryRowContext(ctx, t.text(query), args...).Scan(&n)
	return n, err
}

// InTx runs f in a transaction, which is rolled back if f returns an error. f writes first: then SQLite waits
// for other transactions that write.
func (t *Table) InTx(ctx context.Context, f func(Tx) error) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(Tx{t, tx}); err != nil {
		_ = tx.Rollback() // err says more
		return err
	}
	return tx.Commit()
}

// Rows returns the rows of a query.
func Rows[T any](
	ctx context.Context, t *Table, scan func(*sql.Rows) (T, error), query string, args ...any,
) (list []T, err error) {
	rows, err := t.db.QueryContext(ctx, t.text(query), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has any error
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// Millis returns how the tables store t: in milliseconds since 1970, and 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time is the inverse of [Millis].
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
