//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// openDB is sqlstore.OpenDB, and closes the pool at the end of the test.
func openDB(t *testing.T, url string) (*sql.DB, sqlstore.Dialect) {
	t.Helper()
	db, dialect, err := sqlstore.OpenDB(t.Context(), url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, dialect
}

// TestOpenDBOpensWhatNewNeeds, in each database, and with any character in a password and the name of a file.
func TestOpenDBOpensWhatNewNeeds(t *testing.T) {
	s := start(t)
	const password = `p?#[]@:/&=+%"'` + "`ß"
	escaped := "p%3F%23%5B%5D%40%3A%2F%26%3D%2B%25%22'%60%C3%9F"
	pg, my := s.pg.Database(t), s.maria.Database(t)
	quoted := "'" + strings.ReplaceAll(password, "'", "''") + "'"
	admin, _ := openDB(t, s.pg.URL(pg))
	exec(t, admin, "CREATE ROLE odd LOGIN PASSWORD "+quoted+"; GRANT ALL ON SCHEMA public TO odd")
	t.Cleanup(func() { exec(t, admin, "DROP OWNED BY odd; DROP ROLE odd") })
	root, _ := openDB(t, "mysql://app:app@"+s.maria.Addr+"/"+my)
	exec(t, root, "CREATE USER odd IDENTIFIED BY "+quoted)
	exec(t, root, "GRANT ALL ON "+my+".* TO odd")
	t.Cleanup(func() { exec(t, root, "DROP USER odd") })
	for name, row := range map[string]struct {
		url     string
		dialect sqlstore.Dialect
		most    int
	}{
		"PostgreSQL":       {"postgres://odd:" + escaped + "@" + s.pg.Addr + "/" + pg + "?sslmode=disable&application_name=shop", sqlstore.Postgres, 32},
		"MariaDB":          {"mariadb://odd:" + escaped + "@" + s.maria.Addr + "/" + my, sqlstore.MySQL, 32},
		"with a parameter": {"mysql://odd:" + escaped + "@" + s.maria.Addr + "/" + my + "?loc=Europe/Brussels&parseTime=true", sqlstore.MySQL, 32},
		"a file":           {filepath.Join(t.TempDir(), "a ?#%=@: file.db"), sqlstore.SQLite, 32},
		"memory":           {":memory:", sqlstore.SQLite, 1},
	} {
		t.Run(name, func(t *testing.T) {
			db, dialect := openDB(t, row.url)
			if most := db.Stats().MaxOpenConnections; dialect != row.dialect || most != row.most {
				t.Errorf("got %v with %d connections, want %v with %d", dialect, most, row.dialect, row.most)
			}
			stores, err := sqlstore.New(t.Context(), db, sqlstore.Config{Dialect: dialect, Migrate: true})
			must(t, err)
			must(t, stores.Sessions.Create(t.Context(), "id", []byte("{}"), time.Hour))
			must(t, stores.Sessions.Delete(t.Context(), "id", nil))
			if _, err := stores.Sessions.Get(t.Context(), "id"); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
		})
	}
}

// TestOpenDBMakesAnSQLiteForAnApplication: foreign keys hold, transactions wait for each other instead of
// failing, only the owner may read it, and a file that is there stays as it is.
func TestOpenDBMakesAnSQLiteForAnApplication(t *testing.T) {
	name := filepath.Join(t.TempDir(), "app.db")
	db, _ := openDB(t, name)
	exec(t, db, "CREATE TABLE users (id INTEGER PRIMARY KEY); CREATE TABLE keys (owner INTEGER NOT NULL REFERENCES users)")
	if _, err := db.ExecContext(t.Context(), "INSERT INTO keys VALUES (1)"); err == nil {
		t.Error("a row that refers to none is stored")
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file that only its owner can read", info, err)
	}
	other, _ := openDB(t, name)
	var mode string
	if err := other.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("got journal mode %q, %v, want wal", mode, err)
	}
	counts := make(chan error, 8)
	exec(t, db, "INSERT INTO users VALUES (0)")
	for range cap(counts) {
		go func() { counts <- addOne(t, other) }() // reads and then writes: without the lock from the start it fails
	}
	for range cap(counts) {
		must(t, <-counts)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT id FROM users").Scan(&n); err != nil || n != cap(counts) {
		t.Errorf("got %d, %v, want %d", n, err, cap(counts))
	}
}

// TestOpenDBWaitsForAnSQLiteFile that another process has just made and writes, before it writes ahead.
func TestOpenDBWaitsForAnSQLiteFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "app.db")
	other, err := sql.Open("sqlite", "file:"+name)
	must(t, err)
	defer func() { _ = other.Close() }()
	conn, err := other.Conn(t.Context())
	must(t, err)
	_, err = conn.ExecContext(t.Context(), "CREATE TABLE users (id INTEGER); BEGIN IMMEDIATE")
	must(t, err)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := sqlstore.OpenDB(short, name); err == nil || short.Err() == nil {
		t.Errorf("while another process writes: got %v, want OpenDB to wait until its context ends", err)
	}
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	must(t, err)
	openDB(t, name)
}

// TestOpenDBMakesTheFileOfALink so that only its owner can read it, and does not follow links in a ring.
func TestOpenDBMakesTheFileOfALink(t *testing.T) {
	dir := t.TempDir()
	for link, target := range map[string]string{"link": "next", "next": filepath.Join(dir, "app.db"), "ring": "ring"} {
		must(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	openDB(t, filepath.Join(dir, "link"))
	if info, err := os.Stat(filepath.Join(dir, "app.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file that only its owner can read", info, err)
	}
	if _, _, err := sqlstore.OpenDB(t.Context(), filepath.Join(dir, "ring")); err == nil {
		t.Error("a ring of links is opened")
	}
}

func addOne(t *testing.T, db *sql.DB) error {
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT id FROM users").Scan(&n); err != nil {
		return err
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE users SET id = ?", n+1); err != nil {
		return err
	}
	return tx.Commit()
}

// TestOpenDBNamesTheCure, and no password.
func TestOpenDBNamesTheCure(t *testing.T) {
	s := start(t)
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	must(t, os.WriteFile(notes, []byte(strings.Repeat("no database ", 100)), 0o600))
	for name, row := range map[string]struct{ url, want string }{
		"a PostgreSQL that does not answer":  {"postgres://joe:hidden@localhost:1/app", "no answer from PostgreSQL at localhost:1, database app: "},
		"a PostgreSQL at a socket":           {"postgres:///app?user=joe&password=hidden&host=" + dir, "no answer from PostgreSQL at " + dir + ", database app: "},
		"a PostgreSQL with another password": {"postgres://joe:hidden@" + s.pg.Addr + "/app?sslmode=disable", "mend the user and the password"},
		"a PostgreSQL with an odd parameter": {"postgres://joe:hidden@localhost/app?sslmode=none&password=hidden", "no answer from PostgreSQL"},
		"a MySQL that does not answer":       {"mysql://joe:hidden@localhost:1/app", "no answer from MySQL at localhost:1, database app: "},
		"a MySQL with another password":      {"mysql://joe:hidden@" + s.maria.Addr + "/app", "mend the user and the password"},
		"a MySQL with an odd parameter":      {"mysql://joe:hidden@localhost/app?tls=none", "unknown config name: none"},
		"a folder that is not there":         {filepath.Join(dir, "none", "app.db"), "make the folder"},
		"a folder":                           {dir, "name an SQLite file"},
		"a file below a file":                {filepath.Join(notes, "app.db"), "not a directory"},
		"a file that is no SQLite":           {notes, "name an SQLite file"},
	} {
		db, _, err := sqlstore.OpenDB(t.Context(), row.url)
		if err == nil || db != nil {
			t.Errorf("%s: got a pool: %t and error %v, want only an error", name, db != nil, err)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, "sqlstore: open: ") || !strings.Contains(got, row.want) || strings.Contains(got, "hidden") {
			t.Errorf("%s: got error %q, want %q in it, and no password", name, got, row.want)
		}
	}
}
