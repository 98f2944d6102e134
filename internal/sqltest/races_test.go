//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestS7_ALogOutBesideARenewalIsFinal: whichever of the two comes second finds what the first did.
func TestS7_ALogOutBesideARenewalIsFinal(t *testing.T) {
	servers := start(t)
	for _, p := range servers.kinds() {
		for _, tombs := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tombstones %t", p.name, tombs), func(t *testing.T) {
				together(t)
				edit := keep
				if tombs {
					edit = tombstones
				}
				_, s := p.stores(t, edit)
				r, ctx := s.Sessions, context.Background()
				first := map[string]int{}
				for i := range 60 {
					o, n := fmt.Sprint("old", i), fmt.Sprint("new", i)
					must(t, r.Create(ctx, o, []byte(`{"cookie":{}}`), time.Hour))
					must(t, r.Create(ctx, n, []byte(`{"cookie":{}}`), time.Hour))
					var renewal, logOut error
					var wg sync.WaitGroup
					wg.Go(func() {
						if _, renewal = r.End(ctx, o, []byte(`{"cookie":{}}`), n, time.Hour); renewal != nil { // as the session layer does: this id was never sent
							_ = r.Delete(ctx, n, nil)
						}
					})
					wg.Go(func() {
						for id := o; id != "" && logOut == nil; {
							id, logOut = r.End(ctx, id, nil, "", time.Hour)
						}
					})
					wg.Wait()
					must(t, logOut)
					switch {
					case renewal == nil:
						first["renewal"]++
					case errors.Is(renewal, session.ErrNotFound):
						first["log-out"]++
					default:
						t.Errorf("renewal: got error %v, want none or ErrNotFound", renewal)
					}
					for _, id := range []string{o, n} {
						if _, err := r.GetPrimary(ctx, id); !errors.Is(err, session.ErrNotFound) {
							t.Errorf("after the log-out, and the renewal that ended with %v, %s is there (error %v)", renewal, id, err)
						}
					}
				}
				t.Log(first)
			})
		}
	}
}

// TestS15_WhatNodeWritesBackLateStaysUnknown: a request in Node that is still running writes a session back
// after Go has ended it.
func TestS15_WhatNodeWritesBackLateStaysUnknown(t *testing.T) {
	servers := start(t)
	for _, p := range servers.nodes() {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db, s := p.stores(t, tombstones)
			r, ctx := s.Sessions, context.Background()
			set := map[string]string{ // as Node's packages write
				"connect-pg-simple":                        `INSERT INTO "session" (sess, expire, sid) SELECT $1::json, to_timestamp($2::double precision), $3 ON CONFLICT (sid) DO UPDATE SET sess=$1::json, expire=to_timestamp($2::double precision) RETURNING sid`,
				"connect-session-knex":                     `INSERT INTO sessions (sess, expired, sid) VALUES ($1::json, to_timestamp($2::double precision), $3) ON CONFLICT (sid) DO UPDATE SET sess=excluded.sess, expired=excluded.expired`,
				"express-mysql-session":                    "INSERT INTO `sessions` (`data`, `expires`, `session_id`) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE `expires` = VALUES(`expires`), `data` = VALUES(`data`)",
				"connect-session-knex with mysql2":         "insert into sessions (sess, expired, sid) values (?, TIMESTAMPADD(SECOND,?,'1970-01-01'), ?) on duplicate key update expired=values(expired), sess=values(sess)",
				"connect-session-knex with better-sqlite3": `insert or replace into sessions (sess, expired, sid) values (?, strftime('%Y-%m-%dT%H:%M:%fZ',?,'unixepoch'), ?)`,
			}[p.name]
			for i := range 60 {
				id := fmt.Sprint("id", i)
				must(t, r.Create(ctx, id, []byte(`{"cookie":{}}`), time.Hour))
				var wg sync.WaitGroup
				wg.Go(func() {
					for range 5 {
						exec(t, db, set, `{"cookie":{},"late":1}`, time.Now().Add(time.Hour).Unix(), id)
					}
				})
				wg.Go(func() {
					var err error
					if i%2 == 0 {
						_, err = r.End(ctx, id, nil, "", time.Hour)
					} else {
						_, err = r.EndMany(ctx, []string{"other", id}, time.Hour)
					}
					if err != nil {
						t.Error(err)
					}
				})
				wg.Wait()
				get := r.Get
				if i%4 < 2 {
					get = crowded{r}.Get
				}
				if _, err := get(ctx, id); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("%s came back: got error %v, want ErrNotFound", id, err)
				}
				if got, err := r.GetMany(ctx, []string{id}); err != nil || got[0] != nil {
					t.Errorf("%s is among many: got %q and error %v, want none", id, got, err)
				}
				if err := r.Update(ctx, id, []byte(`{"cookie":{},"late":1}`), []byte(`{"cookie":{}}`), time.Hour); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("Update of %s: got error %v, want ErrNotFound", id, err)
				}
				var rows int
				must(t, db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+nodeTableOf(p)).Scan(&rows))
				if rows != 0 {
					t.Errorf("the record that was written back is still in Node's table: %d rows", rows)
				}
			}
		})
	}
}

// nodeTableOf is the name of Node's table.
func nodeTableOf(p place) string {
	if p.cfg.Layout == sqlstore.ConnectPGSimple {
		return "session"
	}
	return "sessions"
}
