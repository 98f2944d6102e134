package main

import (
	"cmp"
	"context"
	"database/sql"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL
	_ "modernc.org/sqlite"             // SQLite

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// openBackend opens the database, makes the tables that are missing, and chooses where sessions are kept.
// What else the library keeps, such as links that work once, is in the database. run closes it.
func openBackend(ctx context.Context, o options) (*sql.DB, *sqlstore.Stores, session.Store) {
	db, dialect, err := sqlstore.OpenDB(ctx, cmp.Or(o.db, ":memory:"))
	must(db, err)
	must(db.ExecContext(ctx, tables))
	s := must(sqlstore.New(ctx, db, sqlstore.Config{Dialect: dialect, Migrate: true}))
	go s.Upkeep(ctx, 0, nil) // removes what has expired
	if o.redis == "" {
		return db, s, s.Sessions
	}
	return db, s, must(store.OpenRedis(ctx, o.redis, store.RedisConfig{Name: "account"})).Sessions
}
