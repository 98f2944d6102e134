//go:build integration

package sqltest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/strategytest"
)

var (
	_ strategy.Counter = (*sqlstore.Counter)(nil)
	_ strategy.Tokens  = (*sqlstore.Tokens)(nil)
	_ strategy.Cells   = (*sqlstore.Cells)(nil)
)

func TestTheStoresKeepTheContracts(t *testing.T) {
	servers := start(t)
	kinds := map[string]bool{}
	for _, p := range servers.kinds() {
		kinds[p.name] = true
	}
	for _, p := range slices.Concat(servers.places(), servers.nodes()) {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			for name, edit := range map[string]func(*sqlstore.Config){"sessions": keep, "sessions, tombstones": tombstones} {
				if name == "sessions" && !kinds[p.name] {
					continue
				}
				t.Run(name, func(t *testing.T) {
					p, edit := p, edit
					if name != "sessions" && p.cfg.Dialect == sqlstore.Postgres { // with notices; databases_test.go tests without
						p, edit = servers.notifying(t, p)
					}
					db, s := p.stores(t, edit)
					sessiontest.Run(t, func(t *testing.T) session.Store {
						p.empty(t, db)
						return s.Sessions
					}, func(d time.Duration) { p.advance(t, db, d) })
				})
			}
			if p.cfg.Layout != sqlstore.Own || !kinds[p.name] {
				return // the other places have the same tables
			}
			db, s := p.stores(t)
			forward := func(d time.Duration) { p.advance(t, db, d) }
			t.Run("counter", func(t *testing.T) {
				strategytest.RunCounter(t, func(t *testing.T) strategy.Counter {
					p.empty(t, db)
					return s.Counter
				}, forward)
			})
			t.Run("tokens", func(t *testing.T) {
				strategytest.RunTokens(t, func(t *testing.T) strategy.Tokens {
					p.empty(t, db)
					return s.Tokens
				}, forward)
			})
			t.Run("cells", func(t *testing.T) {
				strategytest.RunCells(t, func(t *testing.T) strategy.Cells {
					p.empty(t, db)
					return s.Cells
				}, forward)
			})
		})
	}
}
