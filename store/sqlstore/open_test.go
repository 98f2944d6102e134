package sqlstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestOpenDBNamesTheDriverThatIsMissing: these tests import none. internal/sqltest has those with drivers.
func TestOpenDBNamesTheDriverThatIsMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.db")
	for url, want := range map[string]string{
		"postgres://joe:hidden@localhost/app":   "github.com/jackc/pgx/v5/stdlib",
		"postgresql://joe:hidden@localhost/app": "github.com/jackc/pgx/v5/stdlib",
		"mysql://joe:hidden@localhost/app":      "github.com/go-sql-driver/mysql",
		"mariadb://joe:hidden@localhost/app":    "github.com/go-sql-driver/mysql",
		":memory:":                              "modernc.org/sqlite",
		file:                                    "modernc.org/sqlite",
	} {
		db, _, err := sqlstore.OpenDB(t.Context(), url)
		if err == nil || db != nil || !strings.HasSuffix(err.Error(), "is missing: import "+want) {
			t.Errorf("%s: got error %v, want one that names %s", url, err, want)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was made")
	}
}

// TestOpenDBTellsNoPassword: what is not a URL is not quoted, nor taken for the name of a file.
func TestOpenDBTellsNoPassword(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, url := range map[string]string{
		"nothing":                      "",
		"no scheme":                    "joe:hidden@localhost/app",
		"a driver's form":              "joe:hidden@tcp(localhost:3306)/app",
		"another driver's form":        "user=joe password=hidden dbname=app",
		"another scheme":               "redis://joe:hidden@localhost",
		"a scheme without its slashes": "postgres:hidden",
		"SQLite's own form":            "file:hidden.db",
		"SQLite's own form of memory":  "file::memory:",
		"a port that is none":          "postgres://joe:hidden@localhost:port/app",
		"a slash in the password":      "postgres://joe:hid/den@localhost/app",
		"a slash behind a digit":       "postgres://joe:1/hidden@localhost/app",
		"a question mark in it":        "postgres://joe:1?hidden@localhost/app",
		"an at sign in it":             "postgres://joe:1@hidden@localhost/app",
		"a number sign in it":          "postgres://localhost#hidden@localhost/app",
		"a sign that is written badly": "mysql://joe:hid%zzden@localhost/app",
		"a host that is written badly": "postgres://joe:hidden@%zz/app",
		"a MySQL that has no database": "mysql://joe:hidden@localhost",
		"a MySQL that has no host":     "mysql://joe:hidden@/app",
	} {
		db, dialect, err := sqlstore.OpenDB(t.Context(), url)
		if err == nil || db != nil || dialect != 0 {
			t.Errorf("%s: got a pool: %t, %v and error %v, want only an error", name, db != nil, dialect, err)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, "sqlstore: open: give postgres://") || strings.Contains(got, "hid") {
			t.Errorf("%s: got error %q, want one that says what to give, and no password", name, got)
		}
	}
	if made, err := os.ReadDir("."); err != nil || len(made) > 0 {
		t.Errorf("got files %v, %v, want none", made, err)
	}
}
