package journey

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// onSQL is the value of Switches.Store for a database: SQLite in memory, or the one of [RunOnPostgres].
const onSQL = 4

// database is an empty database.
type database struct {
	*sql.DB
	dialect sqlstore.Dialect
	clock   func() // as in node
}

// sqlstore asks SQLite for the time. This function returns the journey's.
func init() { //nolint:gochecknoinits // sqlite registers functions for all databases
	sqlite.MustRegisterScalarFunction("unixepoch", 2, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().UnixMilli()) / 1000, nil
	})
}

func newSQLite() (*database, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have its own memory
	return &database{db, sqlstore.SQLite, nil}, nil
}

// Postgres holds databases of a PostgreSQL whose clock the journey sets. Make one with NewPostgres.
type Postgres struct{ urls []string }

// hands sets up the clock: functions that take precedence over the built-in ones, because pg_catalog is
// later in the search_path.
const hands = `CREATE SCHEMA clock; CREATE TABLE clock.hands (at timestamptz NOT NULL); INSERT INTO clock.hands VALUES (now());
	CREATE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.hands';
	CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT at FROM clock.hands';
	CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.hands'`

// NewPostgres makes the databases that the journeys on server use, one after the other.
func NewPostgres(t testing.TB, server sqltest.Postgres) *Postgres {
	t.Helper()
	p := &Postgres{}
	for range 3 { // a primary, a replica that may take over, and one that may lag
		name := server.Database(t)
		db := sqltest.Open(t, "pgx", server.URL(name))
		if _, err := db.ExecContext(context.Background(), hands); err != nil {
			t.Fatal(err)
		}
		p.urls = append(p.urls, server.URL(name, "search_path=clock,pg_catalog,public"))
	}
	return p
}

// RunOnPostgres is Run on the databases of p.
func RunOnPostgres(t *testing.T, j Journey, p *Postgres) *Failure {
	j.Switches.Store = onSQL
	next := 0
	return j.run(t, servers{sql: func() (*database, error) {
		next++
		return openPostgres(p.urls[next-1])
	}})
}

// openPostgres opens a database, and sets its clock whenever the journey's time has changed.
func openPostgres(url string) (*database, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var at time.Time
	return &database{db, sqlstore.Postgres, func() {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); !now.Equal(at) {
			if _, err := db.ExecContext(context.Background(), "UPDATE clock.hands SET at=$1", now); err == nil {
				at = now
			}
		}
	}}, nil
}

// sqlNode makes a node with a database of its own.
func (s Switches) sqlNode(open func() (*database, error)) (*node, error) {
	db, err := open()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	stores, err := sqlstore.New(ctx, db.DB, sqlstore.Config{Dialect: db.dialect, Migrate: true, Tombstones: s.Notes == 1})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	n := &node{
		sessions: stores.Sessions, cells: stores.Cells, counter: stores.Counter,
		refuse: func(string) {},
		flush: func() error {
			for _, table := range []string{"passport_sessions", "passport_labels", "passport_values"} {
				if _, err := db.ExecContext(ctx, "DELETE FROM "+table); err != nil {
					return err
				}
			}
			return nil
		},
		close: func() { _ = db.Close() },
		clock: db.clock,
	}
	return n, n.flush()
}
