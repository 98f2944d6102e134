//go:build integration

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/examples/internal/articletest"
	"github.com/seed-6f34412b/passport/internal/sqltest"
)

// servers are the database servers that the tests share, since they start slowly.
type servers struct {
	pg sqltest.Postgres
	my sqltest.MariaDB
}

// database is a value of -db, and the text that the program then prints about its store.
type database struct{ name, db, about string }

func (s servers) databases(t *testing.T) []database {
	t.Helper()
	app, shop, file := s.pg.Database(t), s.my.Database(t), filepath.Join(t.TempDir(), "a ?#% file.db")
	return []database{
		{"SQLite in memory", "", "an SQLite inside this program, which forgets everything when it ends (see -db)"},
		{"SQLite in a file", file, "SQLite in " + file},
		{"PostgreSQL", s.pg.URL(app), "PostgreSQL at " + s.pg.Addr + ", database " + app},
		{"MariaDB", "mysql://app:app@" + s.my.Addr + "/" + shop, "MySQL at " + s.my.Addr + ", database " + shop},
	}
}

// TestOnEachDatabase runs the article's commands, shares the tables of Node's packages, and checks that
// streams end.
func TestOnEachDatabase(t *testing.T) {
	s := servers{sqltest.StartPostgres(t), sqltest.StartMariaDB(t)}
	for _, d := range s.databases(t) {
		t.Run(d.name, d.keeps)
	}
	for _, n := range s.nodes(t) {
		t.Run(n.name, n.shares)
	}
	s.refuse(t)
	s.streamsEndWithTheirLogIn(t)
	s.lonelyStreamsShareAConnection(t)
}

// keeps runs the article's commands. Then it restarts the program: sessions must survive unless the database
// is in memory, and after a log-out they must stay ended.
func (d database) keeps(t *testing.T) {
	args := []string{"-db", d.db, "-secret", secret}
	first := articletest.Start(t, args...)
	if want := "store: " + d.about + "\n"; !strings.Contains(first.Welcome, want) {
		t.Errorf("got %q, want it to contain %q", first.Welcome, want)
	}
	dir := first.TypeArticle()
	first.Shell(dir, articletest.LogIn)
	first.Stop()

	second := articletest.Start(t, args...)
	got := second.Shell(dir, "curl http://localhost:3000/protected -b cookie.joe.txt")
	if stays := strings.Contains(got, articletest.Protected); stays != (d.db != "") {
		t.Fatalf("after a restart: got %s", got)
	}
	second.Shell(dir, "curl -X POST http://localhost:3000/auth/logout -b cookie.joe.txt")
	second.Stop()
	got = articletest.Start(t, args...).Shell(dir, "curl http://localhost:3000/protected -b cookie.joe.txt")
	if !strings.Contains(got, `"status":401`) {
		t.Errorf("after a log-out and a restart: got %s, want 401", got)
	}
}

// refuse checks the errors for what the servers refuse: they contain the server's message.
func (s servers) refuse(t *testing.T) {
	for _, c := range []struct{ name, db, want string }{
		{"no such database in PostgreSQL", s.pg.URL("none"), `database "none" does not exist`},
		{"no such database in MariaDB", "mysql://app:app@" + s.my.Addr + "/none", "Unknown database 'none'"},
		{"a wrong password", "mysql://app:hidden@" + s.my.Addr + "/none", "Access denied for user 'app'"},
		{"a time zone beside Node's table", s.pg.URL(s.pg.Database(t), "timezone=Asia/Tokyo"), "TimeZone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuses(t, c.want, "-db", c.db, "-express-secret", secret)
		})
	}
}

// TestProcessesShareAFile: a log-in and a log-out in one process take effect in the other at once.
func TestProcessesShareAFile(t *testing.T) {
	args, dir := []string{"-db", filepath.Join(t.TempDir(), "file.db"), "-secret", secret}, t.TempDir()
	one, other := articletest.Start(t, args...), articletest.Start(t, args...)
	for range 3 {
		one.Shell(dir, articletest.LogIn)
		if got := other.Shell(dir, "curl http://localhost:3000/protected -b cookie.joe.txt"); got != articletest.Protected {
			t.Errorf("after a log-in in one process, the other answers %s", got)
		}
		other.Shell(dir, "curl -X POST http://localhost:3000/auth/logout -b cookie.joe.txt")
		if got := one.Shell(dir, "curl http://localhost:3000/protected -b cookie.joe.txt"); !strings.Contains(got, `"status":401`) {
			t.Errorf("after a log-out in the other process, the first answers %s, want 401", got)
		}
	}
	info, err := os.Stat(args[1])
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, want 0600", info.Mode().Perm())
	}
}

func TestREADMEByCurl(t *testing.T) {
	if got := articletest.Start(t).TypeREADME(); got != 9 {
		t.Errorf("%d commands were run, want 9", got)
	}
}
