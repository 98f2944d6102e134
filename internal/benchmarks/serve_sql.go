package main

import (
	"context"
	"database/sql"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// poolSize is the size of every stack's connection pool, also in Node.
const poolSize = 16

// open opens the database of a -source.
func open(source string) (*sql.DB, sqlstore.Dialect) {
	scheme, rest := schemeOf(source)
	driver, dialect := "pgx", sqlstore.Postgres
	switch scheme {
	case "mysql":
		driver, dialect = "mysql", sqlstore.MySQL
	case "sqlite":
		driver, dialect = "sqlite", sqlstore.SQLite
		rest = "file:" + rest + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	}
	db := must(sql.Open(driver, rest))
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	return db, dialect
}

// makeTables makes the tables of this library, those of the peers as in their documentation, and a row for
// oneSelect.
func makeTables(source string) error {
	db, dialect := open(source)
	defer db.Close()
	text := map[sqlstore.Dialect]string{
		sqlstore.Postgres: `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
CREATE INDEX sessions_expiry_idx ON sessions (expiry);
CREATE TABLE "session" ("sid" varchar NOT NULL COLLATE "default" PRIMARY KEY, "sess" json NOT NULL, "expire" timestamp(6) NOT NULL);
CREATE INDEX "IDX_session_expire" ON "session" ("expire");
CREATE TABLE one (id varchar(512) PRIMARY KEY, data bytea NOT NULL);
INSERT INTO one VALUES ('0123456789abcdef0123456789abcdef', $250)`,
		sqlstore.MySQL: `CREATE TABLE sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL);
CREATE INDEX sessions_expiry_idx ON sessions (expiry);
CREATE TABLE one (id VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, data BLOB NOT NULL);
INSERT INTO one VALUES ('0123456789abcdef0123456789abcdef', $250)`,
		sqlstore.SQLite: `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
CREATE INDEX sessions_expiry_idx ON sessions(expiry);
CREATE TABLE one (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO one VALUES ('0123456789abcdef0123456789abcdef', $250)`,
	}[dialect]
	text = strings.Replace(text, "$250", "'"+strings.Repeat("x", 250)+"'", 1)
	for statement := range strings.SplitSeq(text, ";\n") {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	_, err := sqlstore.New(context.Background(), db, sqlstore.Config{Dialect: dialect, Migrate: true})
	return err
}

// sqlHandlerOf returns the named stack on a database, or nil if no SQL stack has that name.
func sqlHandlerOf(name, source string) http.Handler {
	switch name {
	case sqlReference:
		return oneSelect(source)
	case sqlHeaders:
		return guardedHeaders(oneSelect(source))
	case "sql-passport", "sql-passport-alone":
		db, dialect := open(source)
		cfg := sqlstore.Config{Dialect: dialect, NoBatches: name == "sql-passport-alone"}
		return passportApp(name, must(sqlstore.New(context.Background(), db, cfg)).Sessions)
	case "sql-passport-node":
		db, dialect := open(source)
		cfg := sqlstore.Config{Dialect: dialect, Layout: sqlstore.ConnectPGSimple, Prefix: "node_", Migrate: true}
		return passportApp(name, must(sqlstore.New(context.Background(), db, cfg)).Sessions)
	case sqlStandard:
		db, _ := open(source)
		return scsApp(postgresstore.NewWithCleanupInterval(db, cleanup), false)
	case "sql-scs", "sql-scs-idle":
		return scsApp(scsStore(source), name == "sql-scs-idle")
	}
	return nil
}

// oneSelect sends the database one SELECT for a value about as long as a session.
func oneSelect(source string) http.Handler {
	db, dialect := open(source)
	place := "$1"
	if dialect == sqlstore.MySQL {
		place = "?"
	}
	query := must(db.Prepare("SELECT data FROM one WHERE id=" + place))
	return floor(func(ctx context.Context) error {
		var data []byte
		return query.QueryRowContext(ctx, "0123456789abcdef0123456789abcdef").Scan(&data)
	})
}

// cleanup is how often scs removes expired sessions.
const cleanup = 5 * time.Minute

// scsStore returns the scs store for a database.
func scsStore(source string) scs.Store {
	db, dialect := open(source)
	switch dialect {
	case sqlstore.MySQL:
		return mysqlstore.NewWithCleanupInterval(db, cleanup)
	case sqlstore.SQLite:
		return sqlite3store.NewWithCleanupInterval(db, cleanup)
	}
	cfg := must(pgxpool.ParseConfig(source))
	cfg.MaxConns = poolSize
	return pgxstore.NewWithCleanupInterval(must(pgxpool.NewWithConfig(context.Background(), cfg)), cleanup)
}
