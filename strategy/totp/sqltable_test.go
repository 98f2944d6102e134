package totp_test

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/totp"
)

// The statements run against PostgreSQL, MariaDB and SQLite in internal/sqltest.

func newSQLTable(t *testing.T, db *sql.DB, mysql bool) *totp.SQLTable {
	t.Helper()
	vault, err := totp.NewVault(strings.Repeat("s", 32))
	if err != nil {
		t.Fatal(err)
	}
	table, err := totp.NewSQLTable(totp.SQLConfig{DB: db, Codes: newTOTP(t, totp.CodesConfig{}), Vault: vault, MySQL: mysql})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestASQLTableNamesItsMistakes(t *testing.T) {
	_, err := totp.NewSQLTable(totp.SQLConfig{Table: "two factors"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"DB is nil", "Table is", "Codes is nil", "Vault is nil"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTheSchemaOfASQLTableIsTheDatabases(t *testing.T) {
	for _, row := range []struct {
		mysql bool
		want  []string
	}{
		{false, []string{"CREATE TABLE IF NOT EXISTS authenticators (", "owner TEXT PRIMARY KEY"}},
		{true, []string{"owner VARBINARY(1020) PRIMARY KEY", "recovery_codes VARBINARY(1400)"}},
	} {
		for _, want := range row.want {
			if text := newSQLTable(t, &sql.DB{}, row.mysql).Schema(); !strings.Contains(text, want) || strings.Contains(text, "{") {
				t.Errorf("got %s, want %q in it, and no brace", text, want)
			}
		}
	}
}

// TestWithoutItsDatabaseEachMethodIsAnOutage: none of them says that the code is wrong, or that there is no
// app.
func TestWithoutItsDatabaseEachMethodIsAnOutage(t *testing.T) {
	table := newSQLTable(t, credtest.NoDatabase(t), false)
	codes, hashes := totp.NewRecoveryCodes(1)
	_, _, begun := table.Begun(t.Context(), "joe", "joe")
	_, shown := table.BegunRecoveryCodes(t.Context(), "joe")
	_, remove := table.Remove(t.Context(), "joe")
	_, used := table.UseRecoveryCode(t.Context(), "joe", hashes[0])
	_, _, state := table.State(t.Context(), "joe")
	joe := func(*http.Request) (string, error) { return "joe", nil }
	_, enrolled := totp.SQLEnrolled(table, func(u string) string { return u }, joe)(postForm("code=1"))
	for method, err := range map[string]error{
		"Begin": table.Begin(t.Context(), "joe"), "Begun": begun, "Confirm": table.Confirm(t.Context(), "joe", "123456"), "Remove": remove,
		"UseRecoveryCode": used, "State": state, "SQLEnrolled": enrolled, "BeginRecoveryCodes": table.BeginRecoveryCodes(t.Context(), "joe"),
		"BegunRecoveryCodes": shown, "ConfirmRecoveryCodes": table.ConfirmRecoveryCodes(t.Context(), "joe", codes[0]),
	} {
		if !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) || errors.Is(err, totp.ErrNotBegun) {
			t.Errorf("%s: got %v, want the outage", method, err)
		}
	}
}

// TestAnOwnerThatIsNoIDHasNoApp: all users without one would share it, and MySQL would cut a longer one.
func TestAnOwnerThatIsNoIDHasNoApp(t *testing.T) {
	table := newSQLTable(t, credtest.NoDatabase(t), false)
	for _, owner := range []string{"", strings.Repeat("1", 1021)} {
		for _, err := range []error{table.Begin(t.Context(), owner), table.BeginRecoveryCodes(t.Context(), owner)} {
			if err == nil || errors.Is(err, credtest.ErrDown) {
				t.Errorf("an owner of %d bytes: got %v, want an error before the database is asked", len(owner), err)
			}
		}
	}
}
