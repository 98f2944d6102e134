package apikey_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/apikey"
)

// The statements run against PostgreSQL, MariaDB and SQLite in internal/sqltest.

func TestASQLTableNamesItsMistakes(t *testing.T) {
	_, err := apikey.NewSQLTable(apikey.SQLConfig{Table: `keys"; DROP TABLE users`})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"DB is nil", "Table is"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestTheSchemaOfASQLTableIsTheDatabases(t *testing.T) {
	for _, row := range []struct {
		cfg  apikey.SQLConfig
		want []string
	}{
		{apikey.SQLConfig{DB: &sql.DB{}}, []string{"CREATE TABLE IF NOT EXISTS api_keys (", "id TEXT PRIMARY KEY"}},
		{apikey.SQLConfig{DB: &sql.DB{}, Table: "auth.keys", MySQL: true}, []string{"auth.keys", "owner VARBINARY(1020)", "id VARBINARY(1400) PRIMARY KEY"}},
	} {
		table, err := apikey.NewSQLTable(row.cfg)
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

// TestWithoutItsDatabaseEachMethodIsAnOutage: none of them says that there is no key, or that the name is
// taken.
func TestWithoutItsDatabaseEachMethodIsAnOutage(t *testing.T) {
	table, err := apikey.NewSQLTable(apikey.SQLConfig{DB: credtest.NoDatabase(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, list := table.ByOwner(t.Context(), "1")
	_, remove := table.Delete(t.Context(), "1", "a")
	_, _, find := apikey.SQLFind(table, func(context.Context, string) (string, error) { return "joe", nil })(t.Context(), "a")
	for method, err := range map[string]error{
		"Insert": table.Insert(t.Context(), apikey.Key{ID: "a"}), "ByOwner": list, "Delete": remove,
		"Used": table.Used(t.Context(), "a", time.Now()), "SQLFind": find,
	} {
		if !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) || errors.Is(err, apikey.ErrNameTaken) {
			t.Errorf("%s: got %v, want the outage", method, err)
		}
	}
}
