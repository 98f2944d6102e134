//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/store/sqlstore"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// TestAPIKeysInEachDatabase: issued, used, listed and revoked, by the statements of apikey.SQLTable.
func TestAPIKeysInEachDatabase(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db := p.open(t)
			table, err := apikey.NewSQLTable(apikey.SQLConfig{DB: db, MySQL: p.cfg.Dialect == sqlstore.MySQL})
			must(t, err)
			for range 2 { // the second time it is there
				exec(t, db, table.Schema())
			}
			keys, err := apikey.NewKeys("shop", table)
			must(t, err)
			find := apikey.SQLFind(table, func(_ context.Context, owner string) (string, error) { return "user " + owner, nil })

			text, robot, err := keys.Issue(t.Context(), apikey.Request{Owner: "1", Name: "Robot 🤖", Scopes: []string{"read", "a b"}, TTL: time.Hour})
			must(t, err)
			_, other, err := keys.Issue(t.Context(), apikey.Request{Owner: "2", Name: robot.Name})
			must(t, err)
			if _, _, err = keys.Issue(t.Context(), apikey.Request{Owner: "1", Name: robot.Name}); !errors.Is(err, apikey.ErrNameTaken) {
				t.Errorf("a second key of one name: got %v, want ErrNameTaken", err)
			}
			_, _, err = keys.Issue(t.Context(), apikey.Request{Owner: "1", Name: "robot 🤖"}) // another name
			must(t, err)
			if list, err := keys.List(t.Context(), "1 "); err != nil || len(list) > 0 {
				t.Errorf("an owner with a space: got %d keys, %v, want none", len(list), err)
			}

			parsed, _ := apikey.Parse(text)
			robot.Used = time.Now().Add(time.Minute)
			must(t, table.Used(t.Context(), robot.ID, robot.Used))
			for _, want := range []apikey.Key{robot, other} {
				got, user, err := find(t.Context(), want.ID)
				if err != nil || user != "user "+want.Owner || !reflect.DeepEqual(rounded(got), rounded(want)) {
					t.Errorf("got %+v of %s, %v, want %+v", got, user, err, want)
				}
			}
			if got, _, err := find(t.Context(), parsed.ID); err != nil || got.Hash != parsed.Hash {
				t.Errorf("got the hash %q, %v, want that of the text", got.Hash, err)
			}
			if _, _, err := find(t.Context(), "nothing"); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("an unknown id: got %v, want a refusal", err)
			}

			if list, err := keys.List(t.Context(), "1"); err != nil || len(list) != 2 {
				t.Errorf("got %d keys, %v, want 2", len(list), err)
			}
			for _, row := range []struct {
				owner string
				want  bool
			}{{"2", false}, {"1", true}, {"1", false}} {
				if was, err := keys.Revoke(t.Context(), row.owner, robot.ID); err != nil || was != row.want {
					t.Errorf("a key of 1, revoked by %s: got %t, %v, want %t", row.owner, was, err, row.want)
				}
			}
			if _, _, err := find(t.Context(), robot.ID); !errors.Is(err, strategy.ErrUnauthenticated) {
				t.Errorf("a revoked key: got %v, want a refusal", err)
			}

			var made sync.Map
			var clicks sync.WaitGroup
			for range 4 {
				clicks.Go(func() {
					_, key, err := keys.Issue(t.Context(), apikey.Request{Owner: "3", Name: "clicked"})
					if err == nil {
						made.Store(key.ID, true)
					} else if !errors.Is(err, apikey.ErrNameTaken) {
						t.Errorf("a form that is sent four times: got %v", err)
					}
				})
			}
			clicks.Wait()
			list, err := keys.List(t.Context(), "3")
			if err != nil || len(list) != 1 {
				t.Fatalf("a form that is sent four times: got %d keys, %v, want 1", len(list), err)
			}
			if _, ok := made.Load(list[0].ID); !ok {
				t.Error("no click was told of the key that is there")
			}
		})
	}
}

// rounded returns a key with its times as the table has them.
func rounded(k apikey.Key) apikey.Key {
	for _, at := range []*time.Time{&k.Created, &k.Expires, &k.Used} {
		if !at.IsZero() {
			*at = time.UnixMilli(at.UnixMilli())
		}
	}
	return k
}
