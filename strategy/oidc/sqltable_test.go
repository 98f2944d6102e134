package oidc_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/credtest"
	"github.com/seed-6f34412b/passport/strategy"
	"github.com/seed-6f34412b/passport/strategy/oidc"
)

// The statements run against PostgreSQL, MariaDB and SQLite in examples/account, which has the drivers.

func TestASQLTableNamesItsMistakes(t *testing.T) {
	_, err := oidc.NewSQLTable(oidc.SQLConfig{Table: "linked accounts"})
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
		mysql bool
		want  []string
	}{
		{false, []string{"CREATE TABLE IF NOT EXISTS identities (", "subject TEXT NOT NULL"}},
		{true, []string{"issuer VARBINARY(1020) NOT NULL", "name LONGTEXT"}},
	} {
		table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: &sql.DB{}, MySQL: row.mysql})
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

// TestWithoutItsDatabaseEachMethodIsAnOutage: none of them says that the account is nobody's, or another user's.
func TestWithoutItsDatabaseEachMethodIsAnOutage(t *testing.T) {
	table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: credtest.NoDatabase(t)})
	if err != nil {
		t.Fatal(err)
	}
	id := oidc.Identity{Issuer: "https://op.example", Subject: "1"}
	_, unlink := table.Unlink(t.Context(), "joe", id.Issuer, id.Subject)
	_, list := table.List(t.Context(), "joe")
	named := func(_ context.Context, name string) (string, error) { return name, nil }
	_, validate := oidc.SQLValidate(table, named)(t.Context(), id)
	self := func(name string) string { return name }
	_, create := oidc.SQLFindOrCreate(table, self, named, nil)(t.Context(), id)
	for method, err := range map[string]error{
		"Link": table.Link(t.Context(), "joe", id), "Unlink": unlink, "List": list, "SQLValidate": validate,
		"SQLFindOrCreate": create,
	} {
		if !errors.Is(err, credtest.ErrDown) || errors.Is(err, strategy.ErrUnauthenticated) || errors.Is(err, oidc.ErrLinked) {
			t.Errorf("%s: got %v, want the outage", method, err)
		}
	}
}

// TestAnIdentityThatIsNoKeyIsNotLinked: it would be everybody's, MySQL would cut it, or PostgreSQL not store it.
func TestAnIdentityThatIsNoKeyIsNotLinked(t *testing.T) {
	table, err := oidc.NewSQLTable(oidc.SQLConfig{DB: credtest.NoDatabase(t)})
	if err != nil {
		t.Fatal(err)
	}
	named := func(_ context.Context, name string) (string, error) { return name, nil }
	for _, id := range []oidc.Identity{
		{}, {Issuer: "https://op.example"}, {Subject: "1"}, {Issuer: "https://op.example", Subject: "1\x00"},
		{Issuer: "https://op.example\xff", Subject: "1"},
		{Issuer: "https://op.example", Subject: strings.Repeat("1", 1021)}, {Issuer: strings.Repeat("1", 1021), Subject: "1"},
	} {
		if err := table.Link(t.Context(), "joe", id); err == nil || errors.Is(err, credtest.ErrDown) {
			t.Errorf("%+v: got %v, want an error before the database is asked", id, err)
		}
		if _, err := oidc.SQLValidate(table, named)(t.Context(), id); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%+v: got %v, want a refusal", id, err)
		}
		self := func(name string) string { return name }
		create := func(context.Context, oidc.Identity) (string, error) { return "a new user", nil }
		if u, err := oidc.SQLFindOrCreate(table, self, named, create)(t.Context(), id); !errors.Is(err, strategy.ErrUnauthenticated) {
			t.Errorf("%+v: got %q, %v, want a refusal and no user", id, u, err)
		}
	}
	for _, owner := range []string{"", strings.Repeat("1", 1021)} {
		err := table.Link(t.Context(), owner, oidc.Identity{Issuer: "https://op.example", Subject: "1"})
		if err == nil || errors.Is(err, credtest.ErrDown) {
			t.Errorf("an owner of %d bytes: got %v, want an error before the database is asked", len(owner), err)
		}
	}
}
