//go:build integration

package main_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/serializer"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/passkeytest"
)

// TestTheSQLTableOfPasskeysInEachDatabase: passkey.SQLTable with the table of its own Schema.
func TestTheSQLTableOfPasskeysInEachDatabase(t *testing.T) {
	for _, row := range databases(t) {
		table, err := passkey.NewSQLTable(passkey.SQLConfig[string]{
			DB: row.db, MySQL: row.mysql, Owner: func(name string) string { return name },
			User: func(_ context.Context, name string) (string, error) { return name, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is there
			if _, err := row.db.ExecContext(t.Context(), table.Schema()); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
		}
		t.Run(row.name, func(t *testing.T) {
			passkeytest.RunCredentials(t, func(*testing.T) (passkey.Credentials[string], string, string) {
				return table, rand.Text(), rand.Text()
			})
		})
	}
}

// TestAPasskeyWhoseInsertLosesItsAnswerIsAdded, in each database with a server.
func TestAPasskeyWhoseInsertLosesItsAnswerIsAdded(t *testing.T) {
	for _, row := range proxiedDatabases(t) {
		added := 0
		table, err := passkey.NewSQLTable(passkey.SQLConfig[string]{
			DB: row.db, MySQL: row.mysql, Owner: func(name string) string { return name },
			User:  func(context.Context, string) (string, error) { return "", serializer.ErrUserGone },
			Added: func(context.Context, string, passkey.Credential) { added++ },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := row.db.ExecContext(t.Context(), table.Schema()); err != nil {
			t.Fatal(err)
		}
		row.loseAnswer()
		c := passkey.Credential{ID: []byte("a passkey"), Name: "phone", Created: time.Now()}
		if err := table.Add(t.Context(), "joe", c); err != nil {
			t.Errorf("%s: got %v, want the passkey added", row.name, err)
		}
		row.proxy.Faults(nil)
		if list, err := table.List(t.Context(), "joe"); err != nil || len(list) != 1 {
			t.Errorf("%s: got %d passkeys, %v, want 1", row.name, len(list), err)
		}
		if err := table.Add(t.Context(), "jen", c); !errors.Is(err, passkey.ErrExists) {
			t.Errorf("%s: another user's: got %v, want ErrExists", row.name, err)
		}
		if added != 1 {
			t.Errorf("%s: Added was called %d times, want once", row.name, added)
		}
		if _, _, err := table.Find(t.Context(), c.ID); !errors.Is(err, passkey.ErrUnknown) {
			t.Errorf("%s: of a user who is gone: got %v, want ErrUnknown", row.name, err)
		}
	}
}

// TestPostgresAndRedis runs the site with real servers.
func TestPostgresAndRedis(t *testing.T) {
	postgres, redis := sqltest.StartPostgres(t), redistest.Start(t)
	t.Run("PostgreSQL alone", func(t *testing.T) { walk(t, "-db", postgres.URL(postgres.Database(t))) })
	t.Run("sessions in Redis", func(t *testing.T) {
		walk(t, "-db", postgres.URL(postgres.Database(t)), "-redis", "redis://"+redis.Addr)
	})
	t.Run("an SQLite file", func(t *testing.T) { walk(t, "-db", t.TempDir()+"/account.db") })
	t.Run("what PostgreSQL cannot store", func(t *testing.T) {
		v := visit(t, main.Site(t, time.Hour, "-db", postgres.URL(postgres.Database(t)))).register("kim@test.example")
		user := v.hidden(v.Get("/account").Text, "user")
		for path, want := range map[string]int{"/account/name": 303, "/account/keys": 303, "/account/keys/revoke": 303, "/account/passkeys/rename": 303} {
			if got := v.Post(path, "name", "a\x00\xffb", "id", "\x00", "user", user); got.StatusCode != want {
				t.Errorf("%s: got %d, want %d", path, got.StatusCode, want)
			}
		}
		v.Get("/account").Want(t, 200, "The name is saved.")
	})
	t.Run("compose.yaml and its nginx", func(t *testing.T) { composed(t, postgres.URL(postgres.Database(t)), "redis://"+redis.Addr) })
	passkeys := postgres.URL(postgres.Database(t))
	passkeytest.RunCredentials(t, func(t *testing.T) (passkey.Credentials[*main.User], *main.User, *main.User) {
		return main.Passkeys(t, "-db", passkeys)
	})
}
