//go:build integration

package sqltest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// first applies the fault m to the first command and lets all others pass.
func first(m faultproxy.Manner) func(faultproxy.Command) faultproxy.Manner {
	var met atomic.Bool
	return func(c faultproxy.Command) faultproxy.Manner {
		if !all(c) || met.Swap(true) {
			return faultproxy.Pass
		}
		return m
	}
}

// TestS2_WhatIsWrittenIsSentOnce: after a lost reply a write is not sent again, and the error is an outage.
func TestS2_WhatIsWrittenIsSentOnce(t *testing.T) {
	servers := start(t)
	for _, p := range servers.onServers() {
		t.Run(p.name, func(t *testing.T) {
			proxy, _, s := servers.behind(t, p, tombstones)
			r := s.Sessions
			old, next := []byte(`{"cookie":{}}`), []byte(`{"cookie":{},"n":1}`)
			for name, call := range map[string]func(ctx context.Context, id string) error{
				"Create": func(ctx context.Context, id string) error { return r.Create(ctx, id+"new", old, time.Hour) },
				"Update": func(ctx context.Context, id string) error { return r.Update(ctx, id, old, next, time.Hour) },
				"Delete": func(ctx context.Context, id string) error { return r.Delete(ctx, id, old) },
				"End": func(ctx context.Context, id string) error {
					_, err := r.End(ctx, id, old, "next", time.Hour)
					return err
				},
				"CreateIndexed": func(ctx context.Context, id string) error {
					_, err := r.CreateIndexed(ctx, logInOver(id+"new", id))
					return err
				},
				"EndIndexed": func(ctx context.Context, id string) error {
					_, err := r.EndIndexed(ctx, id, time.Hour, []string{"l"})
					return err
				},
				"AddLabel": func(ctx context.Context, id string) error { return r.AddLabel(ctx, "l", id, time.Now().Add(time.Hour)) },
				"a count": func(ctx context.Context, id string) error {
					_, _, err := s.Counter.Add(ctx, id, 1, time.Hour)
					return err
				},
				"a token put":   func(ctx context.Context, id string) error { return s.Tokens.Put(ctx, id, old, time.Hour) },
				"a token taken": func(ctx context.Context, id string) error { _, _, err := s.Tokens.Take(ctx, id); return err },
				"a cell": func(ctx context.Context, id string) error {
					_, _, err := s.Cells.Swap(ctx, id, nil, old, time.Hour)
					return err
				},
			} {
				ctx := context.Background()
				proxy.Faults(nil)
				for _, id := range []string{"warm" + name, "id" + name} {
					must(t, sqltest.Poll(func(ctx context.Context) error {
						err := r.Create(ctx, id, old, time.Hour)
						if errors.Is(err, session.ErrExists) {
							return nil
						}
						return err
					}))
				}
				if err := call(ctx, "warm"+name); errors.Is(err, errors.ErrUnsupported) {
					continue // with MySQL
				} else if err != nil { // it prepared the statements on the connection
					t.Errorf("%s: %v", name, err)
				}
				before := len(proxy.Seen(all))
				proxy.Faults(first(faultproxy.CutReply))
				err := call(ctx, "id"+name)
				for _, answer := range []error{nil, session.ErrNotFound, session.ErrExists, session.ErrConflict} {
					if errors.Is(err, answer) {
						t.Errorf("%s whose reply is lost: got error %v, want an outage", name, err)
					}
				}
				if n := len(proxy.Seen(all)) - before; n != 1 {
					t.Errorf("%s whose reply is lost: %d round trips were sent, want 1", name, n)
				}
			}
		})
	}
}

// TestS17_ReadsGoToTheReplicaAndAllElseToThePrimary: only Get asks the replica.
func TestS17_ReadsGoToTheReplicaAndAllElseToThePrimary(t *testing.T) {
	servers := start(t)
	for _, p := range servers.onServers() {
		t.Run(p.name, func(t *testing.T) {
			db, _ := p.stores(t)
			var name string
			var replica *faultproxy.Proxy
			cfg := p.cfg
			if p.cfg.Dialect == sqlstore.Postgres {
				must(t, db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
				replica = faultproxy.NewStream(t, servers.pg.Addr)
				cfg.Reads = sqltest.Open(t, "pgx", sqltest.Postgres{Server: &sqltest.Server{Addr: replica.Addr()}}.URL(name))
			} else {
				must(t, db.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&name))
				replica = faultproxy.NewStream(t, servers.maria.Addr)
				cfg.Reads = sqltest.Open(t, "mysql", sqltest.MariaDB{Server: &sqltest.Server{Addr: replica.Addr()}}.DSN(name))
			}
			s, err := sqlstore.New(t.Context(), db, cfg)
			must(t, err)
			r, ctx, old := s.Sessions, context.Background(), []byte(`{"cookie":{}}`)
			must(t, r.Create(ctx, "id", old, time.Hour))
			_, err = r.Get(ctx, "id")
			must(t, err)
			before := len(replica.Seen(all))
			if _, err := r.Get(ctx, "id"); err != nil || len(replica.Seen(all)) != before+1 {
				t.Errorf("Get: the replica was asked %d times (error %v), want once", len(replica.Seen(all))-before, err)
			}
			replica.Down()
			if _, err := r.Get(ctx, "id"); err == nil || errors.Is(err, session.ErrNotFound) {
				t.Errorf("Get while the replica is down: got error %v, want an outage", err)
			}
			for name, call := range map[string]func() error{
				"GetPrimary":       func() error { _, err := r.GetPrimary(ctx, "id"); return err },
				"GetMany":          func() error { _, err := r.GetMany(ctx, []string{"id"}); return err },
				"Update":           func() error { return r.Update(ctx, "id", old, old, time.Hour) },
				"a refused Update": func() error { return isConflict(r.Update(ctx, "id", []byte(`{}`), old, time.Hour)) },
				"Labelled":         func() error { _, err := r.Labelled(ctx, "l"); return err },
				"All": func() error {
					for _, err := range r.All(ctx) {
						return err
					}
					return errors.New("no record")
				},
				"a cell": func() error { _, err := s.Cells.Load(ctx, "k"); return err },
			} {
				if err := call(); err != nil {
					t.Errorf("%s while the replica is down: got %v, want none: it asks the primary", name, err)
				}
			}
			if _, err := r.End(ctx, "id", nil, "", 0); err != nil {
				t.Errorf("End while the replica is down: got %v", err)
			}
		})
	}
}
