//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// listening is a sqlstore.Config.Listen, as in its documentation.
func listening(url string) func(context.Context, string, func(string)) error {
	return func(ctx context.Context, channel string, tell func(string)) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer conn.Close(context.Background()) //nolint:errcheck // nothing to do about an error here
		_, err = conn.Exec(ctx, "LISTEN "+channel)
		for payload := ""; err == nil; {
			tell(payload)
			var n *pgconn.Notification
			if n, err = conn.WaitForNotification(ctx); err == nil {
				payload = n.Payload
			}
		}
		return err
	}
}

// notifying returns p with a new database, and an edit that sets tombstones and a Listen for that database.
func (s servers) notifying(t *testing.T, p place) (place, func(*sqlstore.Config)) {
	t.Helper()
	database := s.pg.Database(t)
	p.open = func(t *testing.T) *sql.DB { return sqltest.Open(t, "pgx", s.pg.URL(database)) }
	return p, func(cfg *sqlstore.Config) { cfg.Tombstones, cfg.Listen = true, listening(s.pg.URL(database)) }
}

// TestNoticesAreHeardWhateverThePrefix: for any prefix the channel's name needs no quotes and is not too
// long.
func TestNoticesAreHeardWhateverThePrefix(t *testing.T) {
	servers := start(t)
	p, long := servers.places()[0], strings.Repeat("9", 62)
	for _, prefix := range []string{"Shop_", "S" + long + ".P" + strings.Repeat("q", 39)} {
		database := servers.pg.Database(t)
		p.open = func(t *testing.T) *sql.DB { return sqltest.Open(t, "pgx", servers.pg.URL(database)) }
		exec(t, p.open(t), `CREATE SCHEMA "S`+long+`"`)
		_, s := p.stores(t, func(cfg *sqlstore.Config) { cfg.Prefix, cfg.Listen = prefix, listening(servers.pg.URL(database)) })
		must(t, s.Sessions.Create(t.Context(), "id", []byte("x"), time.Hour))
		ctx, stop := context.WithCancel(t.Context())
		var heard []string
		err := s.Sessions.Listen(ctx, func(notice string) {
			heard = append(heard, notice)
			if len(heard) == 1 {
				must(t, s.Sessions.Delete(ctx, "id", nil))
				return
			}
			stop()
		})
		if want := []string{"", session.EndNotice("id", nil, "")}; !slices.Equal(heard, want) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %q and %v, want %q", prefix, heard, err, want)
		}
	}
}

// TestAListenThatGivesUpIsAnError: if Config.Listen returns nil, Listen returns an error, so that it is
// called again.
func TestAListenThatGivesUpIsAnError(t *testing.T) {
	_, s := start(t).places()[0].stores(t, func(cfg *sqlstore.Config) {
		cfg.Listen = func(context.Context, string, func(string)) error { return nil }
	})
	if err := s.Sessions.Listen(t.Context(), func(string) {}); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want an error that says so", err)
	}
}
