//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
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
	must(t, sqltest.Poll(nobodyWaits))
}

// TestManyReadsLeaveTheQueueForAConnectionWithTheirContexts, at their deadline, or when they are cancelled
// and have none.
func TestManyReadsLeaveTheQueueForAConnectionWithTheirContexts(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places() {
		for _, limited := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, deadline %t", p.name, limited), func(t *testing.T) {
				db, s := p.stores(t)
				db.SetMaxOpenConns(1)
				defer lock(t, db, "BEGIN", "COMMIT")()
				ctx, cancel := context.WithCancel(t.Context())
				want := context.Canceled
				if limited {
					ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
					want = context.DeadlineExceeded
				}
				defer cancel()
				var all sync.WaitGroup
				for range crowd {
					all.Go(func() {
						if _, err := s.Sessions.Get(ctx, "id"); !errors.Is(err, want) {
							t.Errorf("got %v, want %v", err, want)
						}
					})
				}
				if !limited {
					must(t, sqltest.Poll(func(context.Context) error {
						if db.Stats().WaitCount == 0 {
							return errors.New("nobody waits for the connection")
						}
						return nil
					}))
					cancel()
				}
				all.Wait()
				must(t, sqltest.Poll(nobodyWaits))
			})
		}
	}
}

// nobodyWaits returns an error while a goroutine waits for a connection of a pool.
func nobodyWaits(context.Context) error {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if n := strings.Count(string(stacks), "sqlstore.(*statement)"); n > 0 {
		return fmt.Errorf("%d statements still wait for a connection", n)
	}
	return nil
}
