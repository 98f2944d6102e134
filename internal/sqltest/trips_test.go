//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// behind returns stores like those of place.stores, with one connection, which goes through a proxy. Node's
// table and ours exist.
func (s servers) behind(t *testing.T, p place, edit ...func(*sqlstore.Config)) (*faultproxy.Proxy, *sql.DB, *sqlstore.Stores) {
	t.Helper()
	var proxy *faultproxy.Proxy
	p.open = func(t *testing.T) *sql.DB {
		if p.cfg.Dialect == sqlstore.Postgres {
			proxy = faultproxy.NewStream(t, s.pg.Addr)
			return through(t, p, proxy, s.pg.Database(t))
		}
		proxy = faultproxy.NewStream(t, s.maria.Addr)
		return through(t, p, proxy, s.maria.Database(t))
	}
	db, stores := p.stores(t, edit...)
	return proxy, db, stores
}

// through opens a database through a proxy, with one connection.
func through(t *testing.T, p place, proxy *faultproxy.Proxy, name string) (db *sql.DB) {
	t.Helper()
	server := &sqltest.Server{Addr: proxy.Addr()}
	if p.cfg.Dialect == sqlstore.Postgres {
		db = sqltest.Open(t, "pgx", sqltest.Postgres{Server: server}.URL(name))
	} else {
		db = sqltest.Open(t, "mysql", sqltest.MariaDB{Server: server}.DSN(name))
	}
	db.SetMaxOpenConns(1)
	return db
}

// onServers are the places with a server, which is reached over a network.
func (s servers) onServers() []place {
	return slices.DeleteFunc(slices.Concat(s.places(), s.nodes()), func(p place) bool { return p.cfg.Dialect == sqlstore.SQLite })
}

// all selects every round trip except pgx's own: its ping of a connection that was idle for a second, and its
// cancel request for a lost connection.
func all(c faultproxy.Command) bool {
	const cancel = "\x00\x00\x00\x10\x04\xd2\x16\x2e"
	return !strings.Contains(c[0], "-- ping") && !strings.HasPrefix(c[0], cancel)
}

// TestRoundTrips counts the round trips of each call, once its statements are prepared. With MySQL and with
// Node's tables some calls need more than one, as their rows say.
func TestRoundTrips(t *testing.T) {
	servers := start(t)
	for _, p := range servers.onServers() {
		for _, tombstones := range []bool{false, true} {
			name := p.name
			if tombstones {
				name += ", tombstones"
			}
			t.Run(name, func(t *testing.T) {
				proxy, db, s := servers.behind(t, p, func(cfg *sqlstore.Config) {
					if cfg.Tombstones = tombstones; tombstones && p.cfg.Dialect == sqlstore.Postgres {
						cfg.Listen = listening("") // a notice needs no extra round trip
					}
				})
				ctx := context.Background()
				mysql := p.cfg.Dialect == sqlstore.MySQL
				node := p.cfg.Layout != sqlstore.Own
				r := s.Sessions
				old, next := []byte(`{"cookie":{},"n":1}`), []byte(`{"cookie":{},"n":2}`)
				create := func() { must(t, r.Create(ctx, "id", old, time.Hour)) }
				cell := func(value []byte) func() {
					return func() {
						exec(t, db, "DELETE FROM passport_values")
						if value != nil {
							_, _, err := s.Cells.Swap(ctx, "k", nil, value, time.Hour)
							must(t, err)
						}
					}
				}
				forget := func() {
					must(t, r.Delete(ctx, "id", nil))
					for table := range p.times {
						if table != "passport_values" {
							exec(t, db, "DELETE FROM "+table)
						}
					}
				}
				for _, row := range []struct {
					name    string
					prepare func()
					run     func() error
					want    int
				}{
					{"Create", nil, func() error { return r.Create(ctx, "id", old, time.Hour) }, 1},
					{"Get", create, func() error { _, err := r.Get(ctx, "id"); return err }, 1},
					{"GetPrimary", create, func() error { _, err := r.GetPrimary(ctx, "id"); return err }, 1},
					{"Update", create, func() error { return r.Update(ctx, "id", old, next, time.Hour) }, 1},
					{"Update that meets a conflict", create, func() error { return isConflict(r.Update(ctx, "id", next, old, time.Hour)) }, 2},
					{"Delete", create, func() error { return r.Delete(ctx, "id", nil) }, 1},
					{"Delete with old", create, func() error { return r.Delete(ctx, "id", old) }, 1},
					{"a log-in", create, func() error { return joined(r.CreateIndexed(ctx, logInOver("id2", "id"))) }, either(mysql, 0, 1)},
					{"a log-out", create, func() error { return joined(r.EndIndexed(ctx, "id", time.Hour, []string{"l"})) }, either(mysql && (node || tombstones), 0, either(node && !tombstones, 2, 1))},
					{"a renewal's End", create, func() error { _, err := r.End(ctx, "id", old, "next", time.Hour); return err }, either(mysql && node, 4, 1)},
					{"a log-in's End", create, func() error { _, err := r.End(ctx, "id", old, "", time.Hour); return err }, either(mysql && node && tombstones, 4, 1)},
					{"a log-out's End", create, func() error { _, err := r.End(ctx, "id", nil, "", time.Hour); return err }, either(node && (mysql || !tombstones), 2, 1)},
					{"GetMany", create, func() error { _, err := r.GetMany(ctx, []string{"id", "unknown"}); return err }, 1},
					{"AddLabel", nil, func() error { return r.AddLabel(ctx, "l", "id", time.Now().Add(time.Hour)) }, 1},
					{"Labelled", nil, func() error { _, err := r.Labelled(ctx, "l"); return err }, 1},
					{"RemoveLabel", nil, func() error { return r.RemoveLabel(ctx, "l", "id") }, 1},
					{"a count", nil, func() error { _, _, err := s.Counter.Add(ctx, "k", 1, time.Hour); return err }, either(mysql, 2, 1)},
					{"a token put", nil, func() error { return s.Tokens.Put(ctx, "k", old, time.Hour) }, 1},
					{"a token taken", func() { must(t, s.Tokens.Put(ctx, "k", old, time.Hour)) }, func() error { _, _, err := s.Tokens.Take(ctx, "k"); return err }, either(mysql, 2, 1)},
					{"a cell read", nil, func() error { _, err := s.Cells.Load(ctx, "k"); return err }, 1},
					{"a cell made", cell(nil), func() error { _, _, err := s.Cells.Swap(ctx, "k", nil, old, time.Hour); return err }, 1},
					{"a cell swapped", cell(old), func() error { _, _, err := s.Cells.Swap(ctx, "k", old, next, time.Hour); return err }, 1},
					{"a cell removed", cell(old), func() error { _, _, err := s.Cells.Swap(ctx, "k", old, nil, time.Hour); return err }, 1},
				} {
					for _, warm := range []bool{true, false} {
						if row.prepare != nil || row.name == "Create" {
							forget()
						}
						if row.prepare != nil {
							row.prepare()
						}
						before := len(proxy.Seen(all))
						if err := row.run(); err != nil {
							t.Errorf("%s: %v", row.name, err)
						}
						if n := len(proxy.Seen(all)) - before; !warm && n != row.want {
							t.Errorf("%s: got %d round trips, want %d", row.name, n, row.want)
						}
					}
				}
			})
		}
	}
}

func either[T any](cond bool, a, b T) T {
	if cond {
		return a
	}
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// joined returns the error of a call that does several steps at once, and nil if the database does not
// support such calls (MySQL).
func joined[T any](_ T, err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return err
}

// isConflict returns nil for the expected error, a conflict.
func isConflict(err error) error {
	if errors.Is(err, session.ErrConflict) {
		err = nil
	}
	return err
}
