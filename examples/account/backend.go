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
	"github.com/seed-6f34412b/passport/strategy"
)

// backend is where everything is stored: the application's tables in db, and the library's data there or in
// Redis.
type backend struct {
	db       *sql.DB
	sessions session.Store
	counter  strategy.Counter
	tokens   strategy.Tokens
	cells    strategy.Cells
	close    func()
}

// openBackend opens the database, makes the tables that are missing, and chooses where sessions are kept.
func openBackend(ctx context.Context, o options) *backend {
	db, dialect, err := sqlstore.OpenDB(ctx, cmp.Or(o.db, ":memory:"))
	must(db, err)
	must(db.ExecContext(ctx, tables))
	if o.redis != "" {
		s := must(store.OpenRedis(ctx, o.redis, store.RedisConfig{Name: "account"}))
		return &backend{db, s.Sessions, s.Counter, s.Tokens, s.Cells, func() { _, _ = s.Close(), db.Close() }}
	}
	s := must(sqlstore.New(ctx, db, sqlstore.Config{Dialect: dialect, Migrate: true}))
	go s.Upkeep(ctx, 0, nil) // removes what has expired
	return &backend{db, s.Sessions, s.Counter, s.Tokens, s.Cells, func() { _ = db.Close() }}
}
