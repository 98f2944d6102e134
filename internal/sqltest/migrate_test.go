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
	var made error
	behindWrite(t, db, schema, func() { _, made = sqlstore.New(context.Background(), db, cfg) })
	if made != nil {
		t.Errorf("got error %v, want none", made)
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
