//go:build integration

package sqltest_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

var logInsFlag = flag.Int("logins", 0, "how many log-ins TestBloat makes in each database; 0 means 500, or 100,000 with -full")

// TestBloat logs in many times while the upkeep loop runs. The sessions last two seconds, and every second
// one is logged out. The tables must not grow with the number of log-ins, and must be empty at the end. The
// figures are meaningful only for many log-ins (-logins 1000000).
func TestBloat(t *testing.T) {
	servers := start(t)
	logIns := cmp.Or(*logInsFlag, sized(500, 100_000))
	row := report.Table("14. Log-ins beside the upkeep loop", "Database", "Log-ins", "Sessions that were live at once, at most",
		"Size of all tables, at most", "Of as many log-ins without upkeep", "Rows at the end")
	for _, p := range append(servers.places()[:2:2], servers.places()[3]) {
		t.Run(p.name, func(t *testing.T) {
			if *logInsFlag == 0 {
				together(t) // it mostly waits
			}
			tenth := max(1, logIns/10)
			db, s := p.stores(t)
			empty := p.size(t, db)
			logInMany(t, s, tenth)
			without := (p.size(t, db)-empty)*int64(logIns/tenth) + empty

			db, s = p.stores(t)
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			wg.Go(func() {
				s.Upkeep(ctx, time.Second, func(_ int64, err error) {
					if err != nil {
						t.Errorf("upkeep: %v", err)
					}
				})
			})
			var most, largest int64
			watched := make(chan struct{})
			wg.Go(func() {
				tick := time.NewTicker(200 * time.Millisecond)
				defer tick.Stop()
				for {
					live := p.rows(t, db, "passport_sessions", true)
					most, largest = max(most, live), max(largest, p.size(t, db))
					select {
					case <-tick.C:
					case <-watched:
						return
					}
				}
			})
			logInMany(t, s, logIns)
			close(watched)
			must(t, sqltest.Poll(func(context.Context) error { // until the last rows have expired and the loop has removed them
				if n := p.rows(t, db, "passport_sessions", false) + p.rows(t, db, "passport_labels", false); n != 0 {
					return fmt.Errorf("%d rows are left", n)
				}
				return nil
			}))
			cancel()
			wg.Wait()
			row(p.name, logIns, most, megabytes(largest), megabytes(without), 0)
			t.Logf("%d log-ins, at most %d live and %s; without upkeep %s", logIns, most, megabytes(largest), megabytes(without))
		})
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// logInMany logs in n times, sixteen at a time. A label is kept for a day after its deadline, so the
// deadlines given here are a day early.
func logInMany(t *testing.T, s *sqlstore.Stores, n int) {
	t.Helper()
	const life = 2 * time.Second
	record := []byte(fmt.Sprintf(`{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1},"cart":%q}`, make([]byte, 40)))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && !t.Failed(); i = next.Add(1) {
				id, label := fmt.Sprintf("%032d", i), fmt.Sprint("user", i%1000)
				err := s.Sessions.Create(t.Context(), id, record, life)
				if err == nil {
					err = s.Sessions.AddLabel(t.Context(), label, id, time.Now().Add(life-24*time.Hour))
				}
				if err == nil && i%2 == 0 {
					if _, err = s.Sessions.End(t.Context(), id, record, "", time.Hour); err == nil || errors.Is(err, session.ErrNotFound) {
						err = s.Sessions.RemoveLabel(t.Context(), label, id) // ErrNotFound: it expired first, on a busy machine
					}
				}
				if err != nil {
					t.Errorf("log-in %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
}

// rows counts the rows of a table: all, or those that have not expired by the test's clock.
func (p place) rows(t *testing.T, db *sql.DB, table string, live bool) (n int64) {
	t.Helper()
	query := "SELECT COUNT(*) FROM " + table
	if live {
		query += fmt.Sprintf(" WHERE expires>%d", time.Now().UnixMilli())
	}
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Errorf("count: %v", err)
	}
	return n
}

// size is the size of our tables in bytes, including free space.
func (p place) size(t *testing.T, db *sql.DB) (n int64) {
	t.Helper()
	query := map[sqlstore.Dialect]string{
		sqlstore.Postgres: "SELECT SUM(pg_total_relation_size(oid)) FROM pg_class WHERE relkind='r' AND relname LIKE 'passport%'",
		sqlstore.MySQL:    "SELECT SUM(file_size) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE CONCAT(DATABASE(),'/passport%')",
		sqlstore.SQLite:   "SELECT page_count*page_size FROM pragma_page_count, pragma_page_size",
	}[p.cfg.Dialect]
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Errorf("size: %v", err)
	}
	return n
}
