//go:build integration

package sqltest_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

// TestTheContractsHoldHoweverTheDatabaseIsSet: with other isolation levels, with drivers that prepare no
// statements (needed with pgbouncer), and with drivers that write values into the statement's text.
func TestTheContractsHoldHoweverTheDatabaseIsSet(t *testing.T) {
	servers := start(t)
	pg := func(params ...string) func(*testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB {
			return sqltest.Open(t, "pgx", servers.pg.URL(servers.pg.Database(t), params...))
		}
	}
	maria := func(params ...string) func(*testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB {
			return sqltest.Open(t, "mysql", servers.maria.DSN(servers.maria.Database(t), params...))
		}
	}
	mode := func(m pgx.QueryExecMode) func(*testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB {
			cfg, err := pgx.ParseConfig(servers.pg.URL(servers.pg.Database(t)))
			must(t, err)
			cfg.DefaultQueryExecMode = m
			db := stdlib.OpenDB(*cfg)
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
	}
	bouncer := servers.pg.Bouncer(t)
	bounced := func(t *testing.T) *sql.DB {
		return sqltest.Open(t, "pgx", bouncer.URL(servers.pg.Database(t), "default_query_exec_mode=exec"))
	}
	own, node := servers.places(), servers.nodes()
	for _, row := range []struct {
		name string
		of   []place // without -full only the first
		open func(*testing.T) *sql.DB
	}{
		{"PostgreSQL, serializable", []place{own[0], node[0]}, pg("default_transaction_isolation=serializable")},
		{"PostgreSQL, unnamed statements", []place{node[0], own[0]}, mode(pgx.QueryExecModeExec)},
		{"PostgreSQL, simple protocol", []place{own[0], node[0]}, mode(pgx.QueryExecModeSimpleProtocol)},
		{"PostgreSQL, pgbouncer in its mode transaction", []place{own[0], node[0]}, bounced},
		{"MariaDB, serializable", []place{node[2], own[1]}, maria("tx_isolation=%27SERIALIZABLE%27")},
		{"MariaDB, values in the text", []place{own[1], node[2]}, maria("interpolateParams=true")},
		{"MariaDB, snapshot isolation", []place{own[1], node[2]}, maria("innodb_snapshot_isolation=1")},
	} {
		for _, p := range row.of[:sized(1, len(row.of))] {
			t.Run(row.name+", "+p.name, func(t *testing.T) {
				together(t)
				p.open = row.open
				db, s := p.stores(t, tombstones)
				forward := func(d time.Duration) { p.advance(t, db, d) }
				sessiontest.Run(t, func(t *testing.T) session.Store {
					p.empty(t, db)
					return s.Sessions
				}, forward)
				strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
					p.empty(t, db)
					return s.Cells
				}, forward)
				strategytest.RunCounter(t, func(t *testing.T) strategy.Counter {
					p.empty(t, db)
					return s.Counter
				}, forward)
				strategytest.RunTokens(t, func(t *testing.T) strategy.Tokens {
					p.empty(t, db)
					return s.Tokens
				}, forward)
			})
		}
	}
}
