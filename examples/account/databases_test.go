//go:build integration

package main_test

import (
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/sqltest"
)

// The tables of passkey.SQLTable and oidc.SQLTable are tested here since their modules have no drivers.

// database is an empty database of a kind.
type database struct {
	name  string
	db    *sql.DB
	mysql bool
}

// databases returns one of each kind.
func databases(t *testing.T) []database {
	t.Helper()
	postgres, maria := sqltest.StartPostgres(t), sqltest.StartMariaDB(t)
	return []database{
		{"PostgreSQL", sqltest.Open(t, "pgx", postgres.URL(postgres.Database(t))), false},
		{"MariaDB", sqltest.Open(t, "mysql", maria.DSN(maria.Database(t))), true},
		{"SQLite", sqltest.SQLiteFile(t), false},
		{"SQLite in memory", sqltest.SQLiteMemory(t), false},
	}
}

// proxied is a database with one connection, behind a proxy.
type proxied struct {
	database
	proxy *faultproxy.Proxy
}

// proxiedDatabases returns one of each kind that has a server.
func proxiedDatabases(t *testing.T) []proxied {
	t.Helper()
	postgres, maria := sqltest.StartPostgres(t), sqltest.StartMariaDB(t)
	name, other := postgres.Database(t), maria.Database(t)
	toPostgres, toMaria := faultproxy.NewStream(t, postgres.Addr), faultproxy.NewStream(t, maria.Addr)
	postgres.Server = &sqltest.Server{Addr: toPostgres.Addr()}
	maria.Server = &sqltest.Server{Addr: toMaria.Addr()}
	list := []proxied{
		{database{"PostgreSQL", sqltest.Open(t, "pgx", postgres.URL(name)), false}, toPostgres},
		{database{"MariaDB", sqltest.Open(t, "mysql", maria.DSN(other)), true}, toMaria},
	}
	for _, d := range list {
		d.db.SetMaxOpenConns(1)
	}
	return list
}

// loseAnswer loses the answer to the next statement.
func (d proxied) loseAnswer() {
	var n atomic.Int32
	d.proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
		if !strings.Contains(c[0], "-- ping") && n.Add(1) == 2 { // the statement is prepared first
			return faultproxy.CutReply
		}
		return faultproxy.Pass
	})
}
