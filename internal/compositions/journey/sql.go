package journey

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"modernc.org/sqlite"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// onSQLite is the value of Switches.Store for an SQLite in memory.
const onSQLite = 4

// The time by which sqlstore asks SQLite is the journey's.
func init() { //nolint:gochecknoinits // it is one function of all databases
	sqlite.MustRegisterScalarFunction("unixepoch", 2, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().UnixMilli()) / 1000, nil
	})
}

// sqlNode makes a node that is a database of its own.
func (s Switches) sqlNode() (*node, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection has a memory of its own
	stores, err := sqlstore.New(context.Background(), db, sqlstore.Config{Dialect: sqlstore.SQLite, Migrate: true, Tombstones: s.Notes == 1})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &node{
		sessions: stores.Sessions, cells: stores.Cells, counter: stores.Counter,
		refuse: func(string) {},
		flush: func() error {
			_, err := db.ExecContext(context.Background(), "DELETE FROM passport_sessions; DELETE FROM passport_labels; DELETE FROM passport_values")
			return err
		},
		close: func() { _ = db.Close() },
	}, nil
}
