package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/examples/internal/articletest"
)

func TestMain(m *testing.M) { os.Exit(articletest.Build(m)) }

// TestItRefusesToStartWith a wrong -db: the error names the cure and contains no password.
func TestItRefusesToStartWith(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(notes, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"a PostgreSQL that does not answer", "no answer from PostgreSQL at localhost:1, database app", []string{"-db", "postgres://joe:hidden@localhost:1/app"}},
		{"a MySQL that does not answer", "no answer from MySQL at localhost:1, database app", []string{"-db", "mysql://joe:hidden@localhost:1/app"}},
		{"a PostgreSQL URL that does not parse", "give postgres://", []string{"-db", "postgres://joe:hidden@%zz/app"}},
		{"a MySQL URL that does not parse", "give postgres://", []string{"-db", "mysql://joe:hid%zzden@localhost/app"}},
		{"a MySQL URL without a database", "give postgres://", []string{"-db", "mysql://joe:hidden@localhost"}},
		{"a MySQL URL with a parameter that is wrong", "unknown config name: none", []string{"-db", "mysql://joe:hidden@localhost/app?tls=none"}},
		{"a data source in the driver's form", "give postgres://", []string{"-db", "joe:hidden@tcp(localhost:1)/app"}},
		{"another kind of database", "give postgres://", []string{"-db", "redis://joe:hidden@localhost"}},
		{"a file in a folder that is not there", "make the folder, or name a file in another", []string{"-db", filepath.Join(dir, "none", "file.db")}},
		{"a folder", "name an SQLite file", []string{"-db", dir}},
		{"a file that is no SQLite", "name an SQLite file", []string{"-db", notes}},
		{"an SQLite in memory that Node is to share", "name the database of the Express application in -db", []string{"-express-secret", secret}},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuses(t, c.want, c.args...)
		})
	}
}

// refuses checks that the program does not start, and that its output contains want and no password.
func refuses(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := articletest.Command(t, append([]string{"-addr", ":0"}, args...)...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("got %v, %s, want a failure with %q", err, out, want)
	}
	if strings.Contains(string(out), "hidden") {
		t.Errorf("the error shows the password: %s", out)
	}
}

func TestHelpNamesTheDatabaseAndNoSecret(t *testing.T) {
	c := articletest.Command(t, "-h")
	c.Env = append(c.Env, "SESSION_SECRET="+secret, "SESSION_DB=postgres://joe:hidden@localhost/app")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("-h ended with %v: %s", err, out)
	}
	for _, want := range []string{"Usage: sql [flags]", "-db database\n", "-express-secret text\n", "an SQLite inside the program"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("got %s, want it to contain %q", out, want)
		}
	}
	if strings.Contains(string(out), secret) || strings.Contains(string(out), "hidden") {
		t.Errorf("-h shows a secret: %s", out)
	}
}

const secret = "a made-up secret of 32 bytes or more"
