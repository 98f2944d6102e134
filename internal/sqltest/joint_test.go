//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// joining are the kinds that do the steps of a log-in in one call (CreateIndexed).
func (s servers) joining() []place {
	return slices.DeleteFunc(s.kinds(), func(p place) bool { return p.cfg.Dialect == sqlstore.MySQL })
}

var (
	before    = []byte(`{"cookie":{},"n":1}`)
	meanwhile = []byte(`{"cookie":{},"n":2}`)
	after     = []byte(`{"cookie":{},"n":3}`)
)

// logInOver is the record of a log-in that replaces old.
func logInOver(id, old string) session.NewRecord {
	return session.NewRecord{
		ID: id, Data: after, TTL: time.Hour, Labels: []string{"l"}, Deadline: time.Now().Add(time.Hour),
		OldID: old, OldData: before, OldLife: time.Hour, OldLabels: []string{"l"},
	}
}

// TestS5_ALogInLosesNoWriteBesideIt: two log-ins that replace a record, a write and a log-out run at the same
// time. Only one of them finds the record unchanged.
func TestS5_ALogInLosesNoWriteBesideIt(t *testing.T) {
	servers := start(t)
	for _, p := range servers.joining() {
		for _, tombs := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tombstones %t", p.name, tombs), func(t *testing.T) {
				together(t)
				_, s := p.stores(t, func(cfg *sqlstore.Config) { cfg.Tombstones = tombs })
				r, ctx := s.Sessions, context.Background()
				for i := range 40 {
					old := fmt.Sprint("old", i)
					must(t, r.Create(ctx, old, before, time.Hour))
					must(t, r.AddLabel(ctx, "l", old, time.Now().Add(time.Hour)))
					var ended [2]bool
					var logIns [2]error
					var write, logOut error
					var wg sync.WaitGroup
					for j := range ended {
						wg.Go(func() { ended[j], logIns[j] = r.CreateIndexed(ctx, logInOver(fmt.Sprint("new", i, j), old)) })
					}
					wg.Go(func() { write = r.Update(ctx, old, before, meanwhile, time.Hour) })
					if i%2 == 0 {
						wg.Go(func() { _, logOut = r.EndIndexed(ctx, old, time.Hour, []string{"l"}) })
					}
					wg.Wait()
					must(t, errors.Join(logIns[0], logIns[1], logOut))
					won := 0
					for _, yes := range []bool{ended[0], ended[1], write == nil} {
						won += either(yes, 1, 0)
					}
					if won > 1 || won == 0 && i%2 == 1 {
						t.Errorf("%s: the log-ins ended it: %v, the write got %v: want one of them (or none if there was a log-out)", old, ended, write)
					}
					_, err := r.GetPrimary(ctx, old)
					there := err == nil
					if want := write == nil && i%2 == 1; there != want {
						t.Errorf("%s: got error %v, want it there: %t", old, err, want)
					}
					for j := range ended {
						if data, err := r.GetPrimary(ctx, fmt.Sprint("new", i, j)); err != nil || string(data) != string(after) {
							t.Errorf("the record of a log-in: got %q and error %v", data, err)
						}
					}
					ids, err := r.Labelled(ctx, "l")
					must(t, err)
					if listed := slices.Contains(ids, old); listed != there {
						t.Errorf("%s is listed: %t, want %t", old, listed, there)
					}
				}
			})
		}
	}
}

// TestS5_ALogInWaitsForAWrite: PostgreSQL checks a row again after it has waited for the row's lock.
func TestS5_ALogInWaitsForAWrite(t *testing.T) {
	servers := start(t)
	for _, p := range []place{servers.places()[0], servers.nodes()[0]} {
		for _, edit := range []func(*sqlstore.Config){keep, tombstones} {
			db, s := p.stores(t, edit)
			r, ctx := s.Sessions, context.Background()
			own := p.cfg.Layout == sqlstore.Own
			for name, row := range map[string]struct {
				write string
				ended bool
			}{
				"another's write":   {either(own, `UPDATE passport_sessions SET data='{}'`, `UPDATE session SET sess='{}'`), false},
				"another's refresh": {either(own, `UPDATE passport_sessions SET expires=expires+1`, `UPDATE session SET expire=expire+interval '1 second'`), true},
				"another's end":     {either(own, `DELETE FROM passport_sessions`, `DELETE FROM session`), false},
			} {
				p.empty(t, db)
				must(t, r.Create(ctx, "old", before, time.Hour))
				must(t, r.AddLabel(ctx, "l", "old", time.Now().Add(time.Hour)))
				var ended bool
				var logIn error
				behindWrite(t, db, row.write, func() { ended, logIn = r.CreateIndexed(ctx, logInOver("new", "old")) })
				if logIn != nil || ended != row.ended {
					t.Errorf("%s, %s: got %t and error %v, want %t", p.name, name, ended, logIn, row.ended)
				}
				if data, err := r.Get(ctx, "new"); err != nil || string(data) != string(after) {
					t.Errorf("%s, %s: the new record: got %q and error %v", p.name, name, data, err)
				}
				ids, err := r.Labelled(ctx, "l")
				must(t, err)
				if want := either(ended, 1, 2); len(ids) != want {
					t.Errorf("%s, %s: the label lists %q, want %d", p.name, name, ids, want)
				}
			}
		}
	}
}

// TestS7_ALogOutWaitsForARenewal, finds its note, and leaves it where it is.
func TestS7_ALogOutWaitsForARenewal(t *testing.T) {
	places := start(t).places()
	for _, row := range []struct {
		place place
		edit  func(*sqlstore.Config)
	}{{places[0], keep}, {places[0], tombstones}, {places[1], keep}} {
		db, s := row.place.stores(t, row.edit)
		r, ctx := s.Sessions, context.Background()
		must(t, r.Create(ctx, "old", before, time.Hour))
		must(t, r.AddLabel(ctx, "l", "old", time.Now().Add(time.Hour)))
		var next string
		var logOut error
		behindWrite(t, db, "UPDATE passport_sessions SET data='', note='new', until=expires, gone=expires, expires=0",
			func() { next, logOut = r.EndIndexed(ctx, "old", time.Hour, []string{"l"}) })
		if logOut != nil || next != "new" {
			t.Errorf("%s: got successor %q and error %v, want new", row.place.name, next, logOut)
		}
		if ids, err := r.Labelled(ctx, "l"); err != nil || ids != nil {
			t.Errorf("%s: the label lists %q (error %v), want none", row.place.name, ids, err)
		}
		if next, err := r.EndIndexed(ctx, "old", time.Hour, nil); err != nil || next != "new" {
			t.Errorf("%s: the log-out again: got successor %q and error %v, want new", row.place.name, next, err)
		}
	}
}

// behindWrite calls f, which has to wait for a transaction that has written, and commits that once f waits.
func behindWrite(t *testing.T, db *sql.DB, write string, f func()) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = tx.ExecContext(t.Context(), write)
	must(t, err)
	var wg sync.WaitGroup
	wg.Go(f)
	must(t, sqltest.Poll(func(ctx context.Context) error { return waits(ctx, db) }))
	must(t, tx.Commit())
	wg.Wait()
}

// waits returns nil once a statement waits for a lock.
func waits(ctx context.Context, db *sql.DB) error {
	var n int
	query := "SELECT count(*) FROM pg_stat_activity WHERE datname=current_database() AND wait_event_type='Lock'"
	if _, maria := db.Driver().(*mysql.MySQLDriver); maria {
		// Not innodb_trx, which shows the same rows for as long as it is read more often than each 100 ms.
		query = "SELECT variable_value FROM information_schema.global_status WHERE variable_name='INNODB_ROW_LOCK_CURRENT_WAITS'"
	}
	err := db.QueryRowContext(ctx, query).Scan(&n)
	if err == nil && n == 0 {
		err = errors.New("nothing waits for a lock")
	}
	return err
}

// TestALogInHasAnyNumberOfLabels: each number of labels needs a different statement.
func TestALogInHasAnyNumberOfLabels(t *testing.T) {
	servers := start(t)
	labels := []string{"a", "b", "c", "a"}
	for _, p := range servers.joining() {
		for _, tombs := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tombstones %t", p.name, tombs), func(t *testing.T) {
				together(t)
				db, s := p.stores(t, func(cfg *sqlstore.Config) {
					if cfg.Tombstones = tombs; cfg.Dialect == sqlstore.Postgres {
						cfg.Listen = listening("") // the statement then sends a notice too
					}
				})
				r, ctx := s.Sessions, context.Background()
				for n := range len(labels) + 1 {
					for m := range len(labels) + 1 {
						p.empty(t, db)
						first := logInOver("old", "")
						first.Data, first.Labels = before, labels[:m]
						second := logInOver("new", "old")
						second.Labels, second.OldLabels = labels[:n], labels[:m]
						if ended, err := r.CreateIndexed(ctx, first); ended || err != nil {
							t.Errorf("%d labels: got %t and error %v", m, ended, err)
						}
						if ended, err := r.CreateIndexed(ctx, second); !ended || err != nil {
							t.Errorf("%d labels in the place of %d: got %t and error %v", n, m, ended, err)
						}
						for i, label := range labels[:3] {
							want := either(i < n, []string{"new"}, nil)
							if ids, err := r.Labelled(ctx, label); err != nil || !slices.Equal(ids, want) {
								t.Errorf("%d labels in the place of %d: %s lists %q (error %v), want %q", n, m, label, ids, err, want)
							}
						}
						if next, err := r.EndIndexed(ctx, "new", time.Hour, labels[:n]); next != "" || err != nil {
							t.Errorf("the end with %d labels: got %q and error %v", n, next, err)
						}
						for _, label := range labels[:3] {
							if ids, err := r.Labelled(ctx, label); err != nil || ids != nil {
								t.Errorf("after the end with %d labels %s lists %q (error %v), want none", n, label, ids, err)
							}
						}
						for _, id := range []string{"old", "new"} {
							if _, err := r.Get(ctx, id); !errors.Is(err, session.ErrNotFound) {
								t.Errorf("%s after its end: got error %v, want ErrNotFound", id, err)
							}
						}
					}
				}
			})
		}
	}
}

// TestALogOutOfManyLabelsLeavesNoStatementAtTheServer: MySQL allows 16382 prepared statements in all.
func TestALogOutOfManyLabelsLeavesNoStatementAtTheServer(t *testing.T) {
	db, s := start(t).places()[1].stores(t)
	r, ctx := s.Sessions, context.Background()
	db.SetMaxOpenConns(1)
	prepared := func() (n int) {
		must(t, db.QueryRowContext(ctx, "SHOW STATUS LIKE 'Prepared_stmt_count'").Scan(new(string), &n))
		return n
	}
	first := 0
	for i := range 10 {
		id := fmt.Sprint("id", i)
		must(t, r.Create(ctx, id, before, time.Hour))
		_, err := r.EndIndexed(ctx, id, time.Hour, []string{"a", "b", "c", "d"})
		must(t, err)
		if i == 0 {
			first = prepared()
		}
	}
	if now := prepared(); now != first {
		t.Errorf("the server holds %d prepared statements, and held %d after the first log-out", now, first)
	}
}

// TestALogOutOnMySQLTakesAnyConnection: one without a database, as the prefix may name it, and one that refuses
// an UPDATE or DELETE that reads a whole table.
func TestALogOutOnMySQLTakesAnyConnection(t *testing.T) {
	servers := start(t)
	name := servers.maria.Database(t)
	for params, source := range map[string]string{
		"no database":      servers.maria.DSN(""),
		"sql_safe_updates": servers.maria.DSN(name, "sql_safe_updates=1"),
	} {
		db, ctx := sqltest.Open(t, "mysql", source), context.Background()
		s, err := sqlstore.New(ctx, db, sqlstore.Config{Dialect: sqlstore.MySQL, Migrate: true, Prefix: name + ".its_"})
		must(t, err)
		r := s.Sessions
		for n := range 4 {
			labels := []string{"a", "b", "c"}[:n]
			must(t, r.Create(ctx, "id", before, time.Hour))
			for _, label := range labels {
				must(t, r.AddLabel(ctx, label, "id", time.Now().Add(time.Hour)))
			}
			if next, err := r.EndIndexed(ctx, "id", time.Hour, labels); next != "" || err != nil {
				t.Errorf("%s, %d labels: got %q and error %v", params, n, next, err)
			}
			if _, err := r.Get(ctx, "id"); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s, %d labels: after its end: got error %v, want ErrNotFound", params, n, err)
			}
			for _, label := range labels {
				if ids, err := r.Labelled(ctx, label); err != nil || ids != nil {
					t.Errorf("%s, %d labels: %s lists %q (error %v), want none", params, n, label, ids, err)
				}
			}
		}
	}
}
