//go:build integration

package sqltest_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/seed-6f34412b/passport/internal/reliability/figures"
	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// `go run ./internal/reliability` uses these flags to make tables of docs/RELIABILITY.md.
var (
	full       = flag.Bool("full", false, "run everything at its full size: minutes")
	reportFile = flag.String("report", "", "write the figures to this file, as Markdown")
)

// report is what the tests measured.
var report figures.Report

// sized returns long with -full, otherwise short.
func sized[T any](short, long T) T {
	if *full {
		return long
	}
	return short
}

// users is how many connections the programs of a race may open. More than the server allows would be an
// outage.
const users = 32

// TestRaces runs requests at the same time, at random, in the scenarios of ../reliability: those that other
// libraries run too, and those for features that only this library has.
func TestRaces(t *testing.T) {
	servers := start(t)
	head := []string{"Promise: none of"}
	var promises []string
	cells := map[string][]any{} // by promise
	for _, p := range servers.kinds() {
		if p.name == "SQLite in a file" || p.name == "SQLite in memory" {
			continue // the same statements as with WAL, with less concurrency
		}
		head = append(head, p.name)
		told := func(t *testing.T, r scenario.Result) {
			t.Helper()
			if len(cells[r.Name]) == 0 {
				promises = append(promises, r.Name)
			}
			text := r.String()
			if r.Failed > 0 {
				text += fmt.Sprintf(" (%d refused)", r.Failed)
			}
			cells[r.Name] = append(cells[r.Name], text)
			if r.Broken != 0 || r.Of == 0 {
				t.Errorf("%s: %v", r.Name, r)
			}
		}
		t.Run(p.name, func(t *testing.T) {
			_, target := rig.Serve(t, p.racing(t))
			for _, r := range scenario.All(t.Context(), target, sized(8, 1000)) {
				told(t, r)
			}
		})
		for _, race := range rig.Races { // each closes its connections at its end
			t.Run(p.name+"/"+race.Name, func(t *testing.T) {
				r := race.Run(t.Context(), t, p.racing(t), sized(8, 500))
				for try := 1; r.Of == 0 && try < 4; try++ { // on a busy machine all attempts may be refused if there are few
					r = race.Run(t.Context(), t, p.racing(t), sized(8, 500))
				}
				told(t, r)
			})
		}
	}
	row := report.Table("11. The same races, SQL stores", head...)
	for _, promise := range promises {
		row(append([]any{promise}, cells[promise]...)...)
	}
}

// racing makes a store in an empty database; if the table is Node's, with tombstones.
func (p place) racing(t *testing.T) session.Store {
	t.Helper()
	edit := keep
	if p.cfg.Layout != sqlstore.Own {
		edit = tombstones
	}
	db, s := p.stores(t, edit)
	db.SetMaxOpenConns(users)
	db.SetMaxIdleConns(users)
	return s.Sessions
}
