//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestS17_AReplicaThatLagsLogsNobodyInAgain: while a streaming replica of PostgreSQL lags behind a log-out,
// reads still find the session; this is accepted. Every change asks the primary, so nothing brings the
// session back, and nobody gets a new cookie for it.
func TestS17_AReplicaThatLagsLogsNobodyInAgain(t *testing.T) {
	servers := start(t)
	second := servers.pg.Replica(t)
	for _, p := range []place{servers.places()[0], servers.nodes()[0]} {
		t.Run(p.name, func(t *testing.T) {
			ctx := t.Context()
			name := servers.pg.Database(t)
			db := sqltest.Open(t, "pgx", servers.pg.URL(name))
			p.open = func(*testing.T) *sql.DB { return db }
			p.stores(t) // makes the tables
			must(t, sqltest.Poll(func(context.Context) error { return caughtUp(ctx, db, second) }))
			replica := sqltest.Open(t, "pgx", second.URL(name))
			cfg := p.cfg
			if _, err := sqlstore.New(ctx, replica, cfg); err == nil || !strings.Contains(err.Error(), "the server is a replica") {
				t.Errorf("New with the replica as primary: got error %v, want one that says so", err)
			}
			cfg.Reads = replica
			s, err := sqlstore.New(ctx, db, cfg)
			must(t, err)
			app, err := rig.New(s.Sessions)
			must(t, err)

			user := browser.New(t, app)
			user.Post("/login?user=7").Want(t, http.StatusOK, "")
			must(t, sqltest.Poll(func(context.Context) error { return caughtUp(ctx, db, second) }))
			user.Get("/me").Want(t, http.StatusOK, "7")
			exec(t, replica, "SELECT pg_wal_replay_pause()")
			var ids []string
			for r, err := range s.Sessions.All(ctx) {
				must(t, err)
				ids = append(ids, r.ID)
				if !strings.Contains(string(r.Data), `"user":7`) {
					t.Errorf("got the record %s, want the user's", r.Data)
				}
			}
			held, cookie := user.Twin(), user.Cookie(rig.Cookie)
			user.Post("/logout").Want(t, http.StatusOK, "")

			held.Get("/me").Want(t, http.StatusOK, "7") // accepted while the replica lags
			for _, id := range ids {
				if _, err := s.Sessions.GetPrimary(ctx, id); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the primary: got error %v, want ErrNotFound", err)
				}
			}
			for _, path := range []string{"/set?key=a&value=1", "/add", "/renew", "/logout"} {
				twin := held.Twin()
				if got := twin.Post(path); path != "/logout" && got.StatusCode == http.StatusOK {
					t.Errorf("POST %s after the log-out: got %d, want a refusal", path, got.StatusCode)
				}
				if got := twin.Cookie(rig.Cookie); got != "" && got != cookie {
					t.Errorf("POST %s after the log-out: a new cookie", path)
				}
			}
			held.Twin().Post("/admin/login?user=9").Want(t, http.StatusOK, "") // a new session, without the user
			for r, err := range s.Sessions.All(ctx) {
				must(t, err)
				if strings.Contains(string(r.Data), `"user":7`) {
					t.Errorf("the user is logged in again: %s", r.Data)
				}
			}
			newcomer := browser.New(t, app)
			newcomer.Post("/login?user=8").Want(t, http.StatusOK, "")
			fresh := newcomer.Cookie(rig.Cookie)
			newcomer.Get("/me") // may not find it yet
			if newcomer.Cookie(rig.Cookie) != fresh {
				t.Error("the cookie of a new session that is not yet on the replica was removed")
			}

			exec(t, replica, "SELECT pg_wal_replay_resume()")
			must(t, sqltest.Poll(func(context.Context) error { return caughtUp(ctx, db, second) }))
			held.Get("/me").Want(t, http.StatusUnauthorized, "")
			newcomer.Get("/me").Want(t, http.StatusOK, "8")
		})
	}
}

// caughtUp returns nil once the replica has everything that the primary has written.
func caughtUp(ctx context.Context, primary *sql.DB, second sqltest.Postgres) error {
	var at string
	if err := primary.QueryRowContext(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&at); err != nil {
		return err
	}
	replica, err := sql.Open("pgx", second.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = replica.Close() }()
	var there bool
	err = replica.QueryRowContext(ctx, "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", at).Scan(&there)
	if err == nil && !there {
		err = errors.New("the replica lags")
	}
	return err
}
