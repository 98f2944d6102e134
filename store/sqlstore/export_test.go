package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Plain is for tests.
var Plain = plain

// PackText returns the text of a record in Node's table; UnpackText is the reverse.
var PackText, UnpackText = packText, unpackText

// Row reads one value by a statement that is not prepared.
func Row(ctx context.Context, db *sql.DB, into any) (found bool, err error) {
	return (&statement{db: db, text: "SELECT 1"}).row(ctx, nil, nil, into)
}

// PreparedRow returns a function that reads one value by a statement that is prepared.
func PreparedRow(db *sql.DB) func(ctx context.Context, into any) (found bool, err error) {
	s := &statement{db: db, text: "SELECT 1", prepared: true}
	return func(ctx context.Context, into any) (bool, error) { return s.row(ctx, nil, nil, into) }
}

// Handles is for tests.
type Handles = handles

// On is on, for a pool of so many connections.
func (h *handles) On(ctx context.Context, c driver.Conn, connections int) (driver.StmtQueryContext, error) {
	return h.on(ctx, c, "SELECT 1", func() int { return connections })
}

// Drop is drop.
func (h *handles) Drop(c driver.Conn, stmt driver.StmtQueryContext) { h.drop(c, stmt) }

// Len is how many handles are kept.
func (h *handles) Len() int { return len(h.young) + len(h.old) }
