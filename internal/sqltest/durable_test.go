//go:build integration

package sqltest_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestCheckDurableFindsWhatACrashWouldUndo: each setting that can lose acknowledged writes is an error.
func TestCheckDurableFindsWhatACrashWouldUndo(t *testing.T) {
	servers := start(t)
	safe := sqltest.StartPostgres(t, "-c", "fsync=on", "-c", "full_page_writes=on")
	pg := func(p sqltest.Postgres, params ...string) *sql.DB {
		return sqltest.Open(t, "pgx", p.URL(p.Database(t), params...))
	}
	maria := sqltest.Open(t, "mysql", servers.maria.DSN(servers.maria.Database(t)))
	file := func(params ...string) *sql.DB { return sqltest.SQLiteFile(t, params...) }
	postgres, mysql, sqlite := sqlstore.Config{Dialect: sqlstore.Postgres}, sqlstore.Config{Dialect: sqlstore.MySQL}, sqlstore.Config{Dialect: sqlstore.SQLite}
	node := sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple}
	for _, row := range []struct {
		name   string
		cfg    sqlstore.Config
		db     *sql.DB
		change string
		want   []string // texts in the error, one per line of it; nil: no error
	}{
		{"PostgreSQL as it comes", postgres, pg(safe), "", nil},
		{"a commit that does not wait", postgres, pg(safe, "synchronous_commit=off"), "", []string{"synchronous_commit is off"}},
		{"a server that does not sync", postgres, pg(servers.pg), "", []string{"fsync is off and full_page_writes off"}},
		{"an unlogged table", postgres, pg(safe), "ALTER TABLE passport_sessions SET UNLOGGED", []string{"unlogged"}},
		{"Node's table unlogged", node, pg(safe), `ALTER TABLE "session" SET UNLOGGED`, []string{"unlogged"}},
		{"our notes beside Node's table unlogged", node, pg(safe), "ALTER TABLE passport_notes SET UNLOGGED", []string{"unlogged"}},
		{"InnoDB's log once a second", mysql, maria, "", []string{"innodb_flush_log_at_trx_commit is 2"}},
		{"InnoDB as it comes", mysql, maria, "SET GLOBAL innodb_flush_log_at_trx_commit=1", nil},
		{"SQLite that does not sync", sqlite, file(), "", []string{"synchronous is below FULL"}},
		{"SQLite with WAL that syncs now and then", sqlite, file("_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)"), "", []string{"synchronous is below FULL"}},
		{"SQLite with its journal in memory", sqlite, file("_pragma=synchronous(FULL)", "_pragma=journal_mode(MEMORY)"), "", []string{"journal_mode is memory"}},
		{"SQLite that syncs", sqlite, file("_pragma=synchronous(FULL)"), "", nil},
		{"SQLite in memory", sqlite, sqltest.SQLiteMemory(t), "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.cfg.Migrate = true
			if row.cfg.Layout != sqlstore.Own {
				exec(t, row.db, pgSimpleTable)
			}
			s, err := sqlstore.New(t.Context(), row.db, row.cfg)
			must(t, err)
			if row.change != "" {
				exec(t, row.db, row.change)
			}
			err = s.CheckDurable(t.Context())
			if (err != nil) != (row.want != nil) {
				t.Fatalf("got error %v, want one: %t", err, row.want != nil)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want one that says %q", err, want)
				}
			}
			if err != nil && len(row.want) != strings.Count(err.Error(), "\n")+1 {
				t.Errorf("got error %v, want %d lines", err, len(row.want))
			}
		})
	}
	exec(t, maria, "SET GLOBAL innodb_flush_log_at_trx_commit=2")
}
