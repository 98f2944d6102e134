package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

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
func openBackend(ctx context.Context, o options) (*backend, error) {
	db, dialect, err := openDatabase(o.db)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, errors.Join(fmt.Errorf("-db: %w", err), db.Close())
	}
	if o.redis != "" {
		return openRedis(ctx, o.redis, db)
	}
	s, err := sqlstore.New(ctx, db, sqlstore.Config{Dialect: dialect, Migrate: true})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("-db: %w", err), db.Close())
	}
	go s.Upkeep(ctx, 0, func(_ int64, err error) { // without it, expired sessions would never be removed
		if err != nil {
			slog.Error("expired rows were not removed", "error", err)
		}
	})
	return &backend{db, s.Sessions, s.Counter, s.Tokens, s.Cells, func() { _ = db.Close() }}, nil
}

func openDatabase(name string) (*sql.DB, sqlstore.Dialect, error) {
	const sqlite = "?_txlock=immediate&_pragma=foreign_keys(1)" +
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	switch {
	case strings.HasPrefix(name, "postgres://"):
		db, err := sql.Open("pgx", name)
		if err != nil { // which may quote the password
			return nil, 0, errors.New("-db is not a URL like postgres://user:password@localhost:5432/app")
		}
		db.SetMaxIdleConns(16)
		return db, sqlstore.Postgres, nil
	case name == "":
		db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)")
		if err != nil {
			return nil, 0, err
		}
		db.SetMaxOpenConns(1) // in memory, each connection has its own database
		return db, sqlstore.SQLite, nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator chooses the name
	if err != nil {
		return nil, 0, fmt.Errorf("-db: %w", err)
	}
	_ = f.Close()
	db, err := sql.Open("sqlite", "file:"+name+sqlite)
	return db, sqlstore.SQLite, err
}

func openRedis(ctx context.Context, url string, db *sql.DB) (*backend, error) {
	opt, err := redis.ParseURL(url)
	if err != nil { // which may quote the password
		return nil, errors.Join(errors.New("-redis is not a URL like redis://localhost:6379/0"), db.Close())
	}
	opt.ContextTimeoutEnabled = true
	client := redis.NewClient(opt)
	s, err := store.Redis(client, store.RedisConfig{Name: "account"})
	if err == nil {
		err = s.Check(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("-redis: %w", err), client.Close(), db.Close())
	}
	ends := func() { _ = client.Close(); _ = db.Close() }
	return &backend{db, s.Sessions, s.Counter, s.Tokens, s.Cells, ends}, nil
}
