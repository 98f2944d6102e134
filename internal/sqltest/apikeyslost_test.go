//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/store/sqlstore"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// TestAKeyWhoseInsertLosesItsAnswerIsIssued: the key is in the table, and its text is shown.
func TestAKeyWhoseInsertLosesItsAnswerIsIssued(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places()[:2] { // those with a server
		proxy, db, _ := servers.behind(t, p)
		table, err := apikey.NewSQLTable(apikey.SQLConfig{DB: db, MySQL: p.cfg.Dialect == sqlstore.MySQL})
		must(t, err)
		exec(t, db, table.Schema())
		keys, err := apikey.NewKeys("shop", table)
		must(t, err)
		var n atomic.Int32
		proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
			if all(c) && n.Add(1) == 2 { // the statement is prepared first
				return faultproxy.CutReply
			}
			return faultproxy.Pass
		})
		_, key, err := keys.Issue(t.Context(), apikey.Request{Owner: "1", Name: "robot"})
		proxy.Faults(nil)
		if err != nil {
			t.Errorf("%s: got %v, want the key", p.name, err)
		}
		if list, err := keys.List(t.Context(), "1"); err != nil || len(list) != 1 || list[0].ID != key.ID {
			t.Errorf("%s: got the keys %+v, %v, want the one that was issued", p.name, list, err)
		}
	}
}

// TestAKeyOfAUserWhoIsGoneIsRefused: the look-up is the serializer's.
func TestAKeyOfAUserWhoIsGoneIsRefused(t *testing.T) {
	db := sqltest.SQLiteMemory(t)
	table, err := apikey.NewSQLTable(apikey.SQLConfig{DB: db})
	must(t, err)
	exec(t, db, table.Schema())
	must(t, table.Insert(t.Context(), apikey.Key{ID: "a", Owner: "1"}))
	find := apikey.SQLFind(table, func(context.Context, string) (string, error) { return "", serializer.ErrUserGone })
	if _, _, err := find(t.Context(), "a"); !errors.Is(err, strategy.ErrUnauthenticated) {
		t.Errorf("got %v, want a refusal", err)
	}
}
