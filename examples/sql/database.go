package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// backend is the database that stores the sessions.
type backend struct {
	db      *sql.DB
	dialect sqlstore.Dialect
	about   string    // description for the operator
	alone   bool      // no other process can use it
	ends    *listener // only for PostgreSQL, otherwise nil
}

// openDatabase opens the database that -db names, or an SQLite in memory for "".
func openDatabase(ctx context.Context, name string) (b backend, err error) {
	b.alone = name == ""
	b.db, b.dialect, err = sqlstore.OpenDB(ctx, cmp.Or(name, ":memory:"))
	if err != nil {
		return b, fmt.Errorf("-db: %w", err)
	}
	switch b.dialect {
	case sqlstore.SQLite:
		if b.alone {
			b.about = "an SQLite inside this program, which forgets everything when it ends (see -db)"
			return b, nil
		}
		path, err := filepath.Abs(name)
		b.about = "SQLite in " + path
		return b, err
	case sqlstore.Postgres:
		cfg, err := pgx.ParseConfig(name)
		if err != nil {
			return b, err
		}
		b.ends = newListener(cfg)
	}
	u, err := url.Parse(name)
	if err == nil {
		b.about = fmt.Sprintf("%v at %s, database %s", b.dialect, u.Host, strings.Trim(u.Path, "/"))
	}
	return b, err
}
