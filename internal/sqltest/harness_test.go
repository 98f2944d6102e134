//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// place is a kind of database, and how a program stores its data there.
type place struct {
	name    string
	cfg     sqlstore.Config
	prepare string                          // makes Node's table
	times   map[string][]string             // columns with times, by table
	earlier func(c string, ms int64) string // a column's value, ms milliseconds earlier
	open    func(t *testing.T) *sql.DB      // an empty database
}

// own are the time columns of our own tables.
var own = map[string][]string{"passport_sessions": {"expires", "until", "gone"}, "passport_labels": {"expires"}, "passport_values": {"expires"}}

// beside are the time columns of our tables that are used together with a table of Node's.
var beside = map[string][]string{"passport_notes": {"until"}, "passport_labels": {"expires"}, "passport_values": {"expires"}}

// The tables that Node's packages make, except that ids may have 512 bytes.
const (
	pgSimpleTable = `CREATE TABLE "session" ("sid" varchar NOT NULL COLLATE "default", "sess" json NOT NULL, "expire" timestamp(6) NOT NULL) WITH (OIDS=FALSE);
ALTER TABLE "session" ADD CONSTRAINT "session_pkey" PRIMARY KEY ("sid") NOT DEFERRABLE INITIALLY IMMEDIATE;
CREATE INDEX "IDX_session_expire" ON "session" ("expire")`
	knexTable       = `CREATE TABLE "sessions" ("sid" varchar(512) PRIMARY KEY, "sess" json NOT NULL, "expired" timestamptz NOT NULL)`
	knexMySQLTable  = "CREATE TABLE `sessions` (`sid` varchar(512) PRIMARY KEY, `sess` json NOT NULL, `expired` datetime NOT NULL, INDEX `sessions_expired_index` (`expired`)) DEFAULT CHARSET=latin1"
	knexSQLiteTable = "CREATE TABLE `sessions` (`sid` varchar(255), `sess` json not null, `expired` datetime not null, primary key (`sid`));\nCREATE INDEX `sessions_expired_index` on `sessions` (`expired`)"
	mysqlTable      = "CREATE TABLE `sessions` (`session_id` varchar(512) COLLATE utf8mb4_bin NOT NULL, `expires` int(11) unsigned NOT NULL, `data` mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (`session_id`)) ENGINE=InnoDB"
)

// servers are the database servers that all tests share.
type servers struct {
	pg    sqltest.Postgres
	maria sqltest.MariaDB
}

// shared are the servers and the Suite that stops them. They start once.
var shared struct {
	sqltest.Suite
	servers
	sync.Once
}

// start returns the shared servers and starts them if need be. Each test makes its own databases there.
func start(t *testing.T) servers {
	t.Helper()
	shared.Do(func() {
		shared.Start(
			func() { shared.pg = sqltest.StartPostgres(&shared.Suite) },
			func() { shared.maria = sqltest.StartMariaDB(&shared.Suite) })
	})
	if failure := shared.Failure(); failure != "" {
		t.Fatal(failure)
	}
	return shared.servers
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := report.Print(*reportFile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	shared.Close()
	os.Exit(code)
}

// places returns a place for each kind of database, with our own layout.
func (s servers) places() []place {
	return []place{
		{name: "PostgreSQL", cfg: sqlstore.Config{Dialect: sqlstore.Postgres}, times: own, open: s.openPostgres},
		{name: "MariaDB", cfg: sqlstore.Config{Dialect: sqlstore.MySQL}, times: own, open: s.openMariaDB},
		{name: "SQLite in a file", cfg: sqlstore.Config{Dialect: sqlstore.SQLite}, times: own, open: func(t *testing.T) *sql.DB { return sqltest.SQLiteFile(t) }},
		{name: "SQLite in a file, WAL", cfg: sqlstore.Config{Dialect: sqlstore.SQLite}, times: own, open: func(t *testing.T) *sql.DB { return sqltest.SQLiteFile(t, "_pragma=journal_mode(WAL)") }},
		{name: "SQLite in memory", cfg: sqlstore.Config{Dialect: sqlstore.SQLite}, times: own, open: func(t *testing.T) *sql.DB { return sqltest.SQLiteMemory(t) }},
	}
}

// nodes returns a place for each layout of Node's.
func (s servers) nodes() []place {
	interval := func(c string, ms int64) string {
		if strings.HasPrefix(c, "expire") && c != "expires" {
			return fmt.Sprintf("%s - interval '%d milliseconds'", c, ms)
		}
		return milliseconds(c, ms)
	}
	open := func(t *testing.T) *sql.DB { return sqltest.SQLiteFile(t, "_pragma=journal_mode(WAL)") }
	knex := with(beside, "sessions", "expired")
	return []place{
		{"connect-pg-simple", sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple}, pgSimpleTable, with(beside, "session", "expire"), interval, s.openPostgres},
		{"connect-session-knex", sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectSessionKnex}, knexTable, knex, interval, s.openPostgres},
		{"express-mysql-session", sqlstore.Config{Dialect: sqlstore.MySQL, Layout: sqlstore.ExpressMySQLSession}, mysqlTable, with(beside, "sessions", "expires"), nil, s.openMariaDB},
		{"connect-session-knex with mysql2", sqlstore.Config{Dialect: sqlstore.MySQL, Layout: sqlstore.ConnectSessionKnex}, knexMySQLTable, knex, earlierKnex("%s - interval %.0f second"), s.openMariaDB},
		{"connect-session-knex with better-sqlite3", sqlstore.Config{Dialect: sqlstore.SQLite, Layout: sqlstore.ConnectSessionKnex}, knexSQLiteTable, knex, earlierKnex("strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ',%s,'-%.3f seconds')"), open},
	}
}

// earlierKnex returns a place.earlier for a table of connect-session-knex, whose time is not in milliseconds.
// The format takes the column and seconds.
func earlierKnex(format string) func(c string, ms int64) string {
	return func(c string, ms int64) string {
		if c == "expired" {
			return fmt.Sprintf(format, c, float64(ms)/1000)
		}
		return milliseconds(c, ms)
	}
}

// kinds are the places whose statements differ in more than column names; with -full, all places.
func (s servers) kinds() []place {
	places, nodes := s.places(), s.nodes()
	return sized([]place{places[0], places[1], places[3], nodes[0], nodes[2], nodes[4]}, slices.Concat(places, nodes))
}

// together runs a subtest in parallel with its siblings, each in a separate database. With -full it does not:
// other tests would disturb the figures.
func together(t *testing.T) {
	if !*full {
		t.Parallel()
	}
}

func with(times map[string][]string, table, column string) map[string][]string {
	times = maps.Clone(times)
	times[table] = []string{column}
	return times
}

func (s servers) openPostgres(t *testing.T) *sql.DB {
	return sqltest.Open(t, "pgx", s.pg.URL(s.pg.Database(t)))
}

func (s servers) openMariaDB(t *testing.T) *sql.DB {
	return sqltest.Open(t, "mysql", s.maria.DSN(s.maria.Database(t)))
}

// stores makes Node's table and ours in a new database, and returns stores that use them.
func (p place) stores(t *testing.T, edit ...func(*sqlstore.Config)) (*sql.DB, *sqlstore.Stores) {
	t.Helper()
	db := p.open(t)
	for statement := range strings.SplitSeq(p.prepare, ";\n") {
		if statement != "" {
			exec(t, db, statement)
		}
	}
	cfg := p.cfg
	cfg.Migrate = true
	for _, e := range edit {
		e(&cfg)
	}
	s, err := sqlstore.New(t.Context(), db, cfg)
	if err != nil {
		t.Fatalf("make the stores: %v", err)
	}
	return db, s
}

func keep(*sqlstore.Config)           {}
func tombstones(cfg *sqlstore.Config) { cfg.Tombstones = true }

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// empty removes all rows.
func (p place) empty(t testing.TB, db *sql.DB) {
	t.Helper()
	for table := range p.times {
		exec(t, db, "DELETE FROM "+table)
	}
}

// advance makes everything expire d earlier, since a server's clock cannot be changed.
func (p place) advance(t testing.TB, db *sql.DB, d time.Duration) {
	t.Helper()
	for table, columns := range p.times {
		var sets []string
		for _, c := range columns {
			earlier := milliseconds
			if p.earlier != nil {
				earlier = p.earlier
			}
			if table == "sessions" && c == "expires" { // express-mysql-session's, in seconds
				earlier = func(c string, ms int64) string { return fmt.Sprintf("%s - %d", c, ms/1000) }
			}
			sets = append(sets, c+"="+earlier(c, d.Milliseconds()))
		}
		exec(t, db, "UPDATE "+table+" SET "+strings.Join(sets, ","))
	}
}

func milliseconds(c string, ms int64) string { return fmt.Sprintf("%s - %d", c, ms) }
