//go:build integration

package main_test

import (
	"testing"

	main "github.com/seed-6f34412b/passport/examples/account"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/strategy/passkey"
	"github.com/seed-6f34412b/passport/strategy/passkey/passkeytest"
)

// TestPostgresAndRedis has the site keep everything in real servers.
func TestPostgresAndRedis(t *testing.T) {
	postgres, redis := sqltest.StartPostgres(t), redistest.Start(t)
	t.Run("PostgreSQL alone", func(t *testing.T) { walk(t, "-db", postgres.URL(postgres.Database(t))) })
	t.Run("sessions in Redis", func(t *testing.T) {
		walk(t, "-db", postgres.URL(postgres.Database(t)), "-redis", "redis://"+redis.Addr)
	})
	t.Run("an SQLite file", func(t *testing.T) { walk(t, "-db", t.TempDir()+"/account.db") })
	passkeys := postgres.URL(postgres.Database(t))
	passkeytest.RunCredentials(t, func(t *testing.T) (passkey.Credentials[*main.User], *main.User, *main.User) {
		return main.Passkeys(t, "-db", passkeys)
	})
}
