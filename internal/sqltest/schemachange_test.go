//go:build integration

package sqltest_test

import (
	"fmt"
	"testing"
	"time"
)

// TestAReadSurvivesAChangeOfTheSchema: it is prepared on the one connection before the change.
func TestAReadSurvivesAChangeOfTheSchema(t *testing.T) {
	servers := start(t)
	for _, p := range servers.kinds() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, s := p.stores(t)
			db.SetMaxOpenConns(1)
			must(t, s.Sessions.Create(t.Context(), "id", []byte(`{"cookie":{}}`), time.Hour))
			for i := range 3 {
				data, err := s.Sessions.Get(t.Context(), "id")
				if must(t, err); string(data) != `{"cookie":{}}` {
					t.Errorf("got %s", data)
				}
				for table := range p.times {
					exec(t, db, fmt.Sprintf("ALTER TABLE %s ADD COLUMN more%d INT", table, i))
				}
			}
		})
	}
}
