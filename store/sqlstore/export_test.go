package sqlstore

import (
	"context"
	"database/sql"
)

// Plain is for tests.
var Plain = plain

// PackText returns the text of a record in Node's table; UnpackText is the reverse.
var PackText, UnpackText = packText, unpackText

// Row reads one value by a statement that is not prepared.
func Row(ctx context.Context, db *sql.DB, into any) (found bool, err error) {
	return (&statement{db: db, text: "SELECT 1"}).row(ctx, nil, nil, into)
}
