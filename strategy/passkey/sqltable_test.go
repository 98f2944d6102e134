package passkey_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/passkey"
)

// The statements run against PostgreSQL, MariaDB and SQLite in examples/account, which has the drivers.

func self(name string) string { return name }

func named(_ context.Context, name string) (string, error) { return name, nil }

func TestASQLTableNamesItsMistakes(t *testing.T) {
	_, err := passkey.NewSQLTable(passkey.SQLConfig[string]{Table: "pass keys"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"DB is nil", "Table is", "Owner is nil", "User is nil"} {
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
		{false, []string{"CREATE TABLE IF NOT EXISTS passkeys (", "id TEXT PRIMARY KEY"}},
		{true, []string{"owner VARBINARY(1020)", "id VARBINARY(1400) PRIMARY KEY", "credential LONGTEXT"}},
	} {
		table, err := passkey.NewSQLTable(passkey.SQLConfig[string]{DB: &sql.DB{}, Owner: self, User: named, MySQL: row.mysql})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range row.want {
			if text := table.Schema(); !strings.Contains(text, want) || strings.Contains(text, "{") {
				t.Errorf("got %s, want %q in it, and no brace", text, want)
			}
		}
	}
}

// TestWithoutItsDatabaseEachMethodIsAnOutage: none of them says that there is no passkey, or that it exists.
func TestWithoutItsDatabaseEachMethodIsAnOutage(t *testing.T) {
	table, err := passkey.NewSQLTable(passkey.SQLConfig[string]{DB: credtest.NoDatabase(t), Owner: self, User: named})
	if err != nil {
		t.Fatal(err)
	}
	c := passkey.Credential{ID: []byte("a passkey")}
	_, _, find := table.Find(t.Context(), c.ID)
	_, list := table.List(t.Context(), "joe")
	_, update := table.Update(t.Context(), c, c.SignCount)
	_, rename := table.Rename(t.Context(), "joe", c.ID, "phone")
	_, remove := table.Remove(t.Context(), "joe", c.ID, true)
	for method, err := range map[string]error{
		"Find": find, "List": list, "Add": table.Add(t.Context(), "joe", c), "Update": update, "Rename": rename, "Remove": remove,
	} {
		if !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) || errors.Is(err, passkey.ErrExists) {
			t.Errorf("%s: got %v, want the outage", method, err)
		}
	}
}
