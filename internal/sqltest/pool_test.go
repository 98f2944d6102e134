//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestAReadLeavesTheQueueForAConnectionWithItsContext: while the application holds every connection of its
// pool, reads must not pile up there, each with a goroutine.
func TestAReadLeavesTheQueueForAConnectionWithItsContext(t *testing.T) {
	db := sqltest.SQLiteFile(t)
	db.SetMaxOpenConns(1)
	s, err := sqlstore.New(t.Context(), db, sqlstore.Config{Dialect: sqlstore.SQLite, Migrate: true})
	must(t, err)
	must(t, s.Sessions.Create(t.Context(), "id", []byte("{}"), time.Hour))
	defer lock(t, db, "BEGIN", "COMMIT")()
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := s.Sessions.Get(ctx, "id"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		cancel()
	}
	must(t, sqltest.Poll(func(context.Context) error {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		if n := strings.Count(string(all), "sqlstore.(*Store).read"); n > 0 {
			return fmt.Errorf("%d reads still wait for a connection", n)
		}
		return nil
	}))
}
