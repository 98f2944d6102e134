package sqlstore_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

func deaf(context.Context, string, func(string)) error { return nil }

func TestNewNamesEveryMistake(t *testing.T) {
	for _, row := range []struct {
		name string
		db   *sql.DB
		cfg  sqlstore.Config
		want []string
	}{
		{"nothing", nil, sqlstore.Config{}, []string{"db is nil", "Config.Dialect is Dialect(0)"}},
		{"a dialect that there is not", &sql.DB{}, sqlstore.Config{Dialect: 9}, []string{"Dialect(9)"}},
		{"a layout that there is not", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.MySQL, Layout: 9}, []string{"Config.Layout is Layout(9)"}},
		{"a layout of another database", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.MySQL, Layout: sqlstore.ConnectPGSimple}, []string{"connect-pg-simple is one of PostgreSQL, not of MySQL"}},
		{"a table beside our own layout", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.SQLite, Table: "session"}, []string{`Config.Table is "session"`}},
		{"a table's name with a quote", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple, Table: `a"; DROP TABLE b`}, []string{"Config.Table is", "without quotes"}},
		{"a table's name that looks like a word of ours", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple, Table: "{now}"}, []string{"Config.Table is"}},
		{"a zone where none is needed", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectSessionKnex, TimeZone: "UTC"}, []string{"Config.TimeZone"}},
		{"notices of a database that has none", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.MySQL, Listen: deaf}, []string{"Config.Listen is for PostgreSQL"}},
		{"a prefix with a quote", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.Postgres, Prefix: `a"`}, []string{"Config.Prefix is"}},
		{"a prefix of two dots", &sql.DB{}, sqlstore.Config{Dialect: sqlstore.Postgres, Prefix: "a.b.c_"}, []string{"Config.Prefix is"}},
	} {
		_, err := sqlstore.New(t.Context(), row.db, row.cfg)
		if err == nil {
			t.Errorf("%s: got no error", row.name)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want one that says %q", row.name, err, want)
			}
		}
	}
}

func TestTheSchemaHasTheTablesOfItsLayout(t *testing.T) {
	for _, row := range []struct {
		name      string
		cfg       sqlstore.Config
		has, lack []string
	}{
		{"our own", sqlstore.Config{Dialect: sqlstore.Postgres}, []string{`"passport_sessions"`, `"passport_labels"`, `"passport_values"`, "CREATE INDEX IF NOT EXISTS"}, []string{"notes", "{", "}"}},
		{"beside Node's", sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple}, []string{`"passport_notes"`, `"passport_labels"`}, []string{"passport_sessions", "{"}},
		{"in a schema", sqlstore.Config{Dialect: sqlstore.Postgres, Prefix: "auth.shop_"}, []string{`"auth"."shop_sessions"`, `INDEX IF NOT EXISTS "shop_sessions_gone" ON "auth"."shop_sessions"`}, []string{"passport"}},
		{"in an attached SQLite", sqlstore.Config{Dialect: sqlstore.SQLite, Prefix: "auth.shop_"}, []string{`INDEX IF NOT EXISTS "auth"."shop_sessions_gone" ON "shop_sessions"`}, []string{"passport"}},
		{"MySQL", sqlstore.Config{Dialect: sqlstore.MySQL}, []string{"ENGINE=InnoDB", "INDEX `passport_sessions_gone` (gone)", "VARBINARY(512)"}, []string{"CREATE INDEX", "{"}},
	} {
		text, err := sqlstore.Schema(row.cfg)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		for _, want := range row.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the schema lacks %q:\n%s", row.name, want, text)
			}
		}
		for _, no := range row.lack {
			if strings.Contains(text, no) {
				t.Errorf("%s: the schema has %q:\n%s", row.name, no, text)
			}
		}
	}
	if _, err := sqlstore.Schema(sqlstore.Config{}); err == nil || strings.Contains(err.Error(), "db is nil") {
		t.Errorf("a schema of no database: got error %v, want one about the dialect alone", err)
	}
}
