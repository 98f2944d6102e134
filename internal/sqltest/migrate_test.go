//go:build integration

package sqltest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestProcessesThatStartAtOnceBothMakeTheTables: PostgreSQL's CREATE TABLE IF NOT EXISTS can fail if another
// process runs it at the same time. New must not.
func TestProcessesThatStartAtOnceBothMakeTheTables(t *testing.T) {
	db := start(t).openPostgres(t)
	cfg := sqlstore.Config{Dialect: sqlstore.Postgres, Migrate: true}
	schema, err := sqlstore.Schema(cfg)
	must(t, err)
	other, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = other.ExecContext(t.Context(), schema)
	must(t, err)
	made := make(chan error)
	go func() {
		_, err := sqlstore.New(context.Background(), db, cfg)
		made <- err
	}()
	must(t, sqltest.Poll(func(ctx context.Context) error { return waits(ctx, db) }))
	must(t, other.Commit())
	if err := <-made; err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

// TestNewFindsADatabaseThatForgets: New reports a database in which a new record is not found.
func TestNewFindsADatabaseThatForgets(t *testing.T) {
	db := sqltest.SQLiteFile(t)
	cfg := sqlstore.Config{Dialect: sqlstore.SQLite, Migrate: true}
	_, err := sqlstore.New(t.Context(), db, cfg)
	must(t, err)
	exec(t, db, "CREATE TRIGGER forget AFTER INSERT ON passport_sessions BEGIN DELETE FROM passport_sessions WHERE id=NEW.id; END")
	if _, err := sqlstore.New(t.Context(), db, cfg); err == nil || !strings.Contains(err.Error(), "look for triggers") {
		t.Errorf("got error %v, want one that says what to look for", err)
	}
}
