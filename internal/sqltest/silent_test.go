//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestEveryMethodReturnsSoonThoughTheDatabaseIsSilent: the server is frozen, or somebody holds a lock.
func TestEveryMethodReturnsSoonThoughTheDatabaseIsSilent(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places()[:3] {
		t.Run(p.name, func(t *testing.T) {
			sessiontest.RunSilent(t, func(t *testing.T) (session.Store, func() func()) {
				db, s := p.stores(t)
				return s.Sessions, func() func() {
					switch p.cfg.Dialect {
					case sqlstore.MySQL:
						servers.maria.Freeze(t)
						return func() { servers.maria.Thaw(t) }
					case sqlstore.SQLite:
						return lock(t, db, "BEGIN EXCLUSIVE", "COMMIT")
					}
					return lock(t, db, "BEGIN; LOCK TABLE passport_sessions, passport_labels IN ACCESS EXCLUSIVE MODE", "COMMIT")
				}
			})
		})
	}
}

// lock takes a lock on a separate connection. The function that it returns releases the lock.
func lock(t *testing.T, db *sql.DB, begin, end string) func() {
	t.Helper()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), begin); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), end); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	}
}
