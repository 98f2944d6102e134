//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// crowd is how many reads are made at once where they are to go together, and few how many suffice.
const crowd, few = 40, 8

// crowded is a store that others read too: each Get is one of many at the same moment.
type crowded struct{ *sqlstore.Store }

func (c crowded) Get(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // without a deadline each would go alone
	defer cancel()
	var data []byte
	var err error
	var all sync.WaitGroup
	for i := range few {
		all.Go(func() {
			if i == few-1 {
				data, err = c.Store.Get(ctx, id)
			} else if got, _ := c.Store.Get(ctx, id); len(got) > 0 {
				got[0] = '!' // each read has bytes of its own
			}
		})
	}
	all.Wait()
	return data, err
}

// TestReadsThatGoTogetherKeepTheContract in each layout, with tombstones in Node's.
func TestReadsThatGoTogetherKeepTheContract(t *testing.T) {
	servers := start(t)
	for _, p := range slices.Concat(servers.kinds(), servers.nodes()) {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, s := p.stores(t, func(cfg *sqlstore.Config) { cfg.Tombstones = p.cfg.Layout != sqlstore.Own })
			sessiontest.Run(t, func(t *testing.T) session.Store {
				p.empty(t, db)
				return crowded{s.Sessions}
			}, func(d time.Duration) { p.advance(t, db, d) })
		})
	}
}

// allAtOnce makes crowd reads at once, of ids in turns, while another holds the only connection of db, and
// returns what they found.
func allAtOnce(t *testing.T, db *sql.DB, s *sqlstore.Store, ids ...string) (found []string) {
	t.Helper()
	free := lock(t, db, "BEGIN", "COMMIT")
	var begun atomic.Int64
	var all sync.WaitGroup
	found = make([]string, crowd)
	for i := range crowd {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			begun.Add(1)
			data, err := s.Get(ctx, ids[i%len(ids)])
			found[i] = fmt.Sprint(string(data), err)
		})
	}
	must(t, sqltest.Poll(func(context.Context) error {
		if begun.Load() < crowd {
			return errors.New("not all reads have begun")
		}
		return nil
	}))
	free()
	all.Wait()
	return found
}

// TestReadsOfOneMomentAreOneSelect, or a few: those that are in flight before, and those behind a slow
// answer, have others. What is not there is asked for once more.
func TestReadsOfOneMomentAreOneSelect(t *testing.T) {
	servers := start(t)
	for _, p := range servers.onServers() {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, alone %t", p.name, alone), func(t *testing.T) {
				proxy, db, s := servers.behind(t, p, func(cfg *sqlstore.Config) { cfg.NoBatches = alone })
				ids := []string{"a", "b", "c", "d"}
				for _, id := range ids {
					must(t, s.Sessions.Create(t.Context(), id, []byte(`{"cookie":{},"of":"`+id+`"}`), time.Hour))
				}
				allAtOnce(t, db, s.Sessions, ids...) // prepares the statements
				before := len(proxy.Seen(all))
				for i, got := range allAtOnce(t, db, s.Sessions, ids...) {
					if want := `{"cookie":{},"of":"` + ids[i%len(ids)] + `"}<nil>`; got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				}
				if n := len(proxy.Seen(all)) - before - 2; (n >= crowd) != alone { // without BEGIN and COMMIT
					t.Errorf("got %d round trips for %d reads", n, crowd)
				}
			})
		}
	}
}

// TestABatchThatFailsFailsNobody: the connection breaks when it is read. Its reads are then made alone.
func TestABatchThatFailsFailsNobody(t *testing.T) {
	servers := start(t)
	for _, p := range servers.onServers() {
		t.Run(p.name, func(t *testing.T) {
			proxy, db, s := servers.behind(t, p)
			var ids []string
			for i := range crowd {
				ids = append(ids, fmt.Sprintf("%032d", i))
				must(t, s.Sessions.Create(t.Context(), ids[i], []byte(`{"cookie":{},"of":"`+ids[i]+`"}`), time.Hour))
			}
			allAtOnce(t, db, s.Sessions, ids...) // prepares the statements
			var broken atomic.Int64
			proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
				if all(c) && len(c[0]) > 8*len(ids[0]) && broken.Add(1) == 1 {
					return faultproxy.CutReply
				}
				return faultproxy.Pass
			})
			for i, got := range allAtOnce(t, db, s.Sessions, ids...) {
				if want := `{"cookie":{},"of":"` + ids[i] + `"}<nil>`; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
			if broken.Load() == 0 {
				t.Error("no batch was read")
			}
		})
	}
}
