package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	poolSize = 32               // connections, which stay open: database/sql keeps two idle ones by default
	patience = 10 * time.Second // for the first answer
)

// source is a database that [OpenDB] is asked for.
type source struct {
	dialect     Dialect
	driver, pkg string // the driver's name, and the package that registers it
	name        string // what database/sql calls the data source name
	about, cure string // for the operator, without the password
	file        string // of SQLite
	connections int
}

// OpenDB opens the database that url names, for [New] and for the application's own tables, and returns its
// dialect too:
//
//	postgres://user:password@localhost:5432/app   PostgreSQL
//	mysql://user:password@localhost:3306/app      MySQL or MariaDB
//	app.db                                        an SQLite file, which is made if it is missing
//	:memory:                                      an SQLite that ends with the pool
//
// The program imports the driver: github.com/jackc/pgx/v5/stdlib, github.com/go-sql-driver/mysql or
// modernc.org/sqlite. Parameters behind a question mark are the driver's. For another driver, and for what a
// URL cannot say, there is sql.Open.
//
// A pool has at most 32 connections, and keeps them open. MySQL counts the rows that a statement finds. A new
// SQLite file can be read by its owner alone. SQLite enforces foreign keys, writes ahead (WAL), and lets a
// transaction wait up to five seconds for its turn to write, when it begins. In memory it has one connection:
// a transaction must not wait for another use of the pool.
//
// OpenDB waits at most ten seconds for the database's first answer. Its error says how to mend it, and does
// not have the password in it. The caller closes the pool.
func OpenDB(ctx context.Context, url string) (*sql.DB, Dialect, error) {
	s, err := sourceOf(url)
	if err != nil {
		return nil, 0, fmt.Errorf("sqlstore: open: %w", err)
	}
	if !slices.Contains(sql.Drivers(), s.driver) {
		return nil, 0, fmt.Errorf("sqlstore: open: the driver %q is missing: import %s", s.driver, s.pkg)
	}
	if err := makeFile(s.file); err != nil {
		return nil, 0, fmt.Errorf("sqlstore: open: %w", err)
	}
	db, err := sql.Open(s.driver, s.name)
	if err != nil {
		return nil, 0, fmt.Errorf("sqlstore: open: %w", err)
	}
	db.SetMaxOpenConns(s.connections)
	db.SetMaxIdleConns(s.connections)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := ping(ctx, db, s.dialect); err != nil {
		return nil, 0, errors.Join(
			fmt.Errorf("sqlstore: open: no answer from %s: %w: %s", s.about, err, s.cure), db.Close())
	}
	return db, s.dialect, nil
}

// ping waits for the first answer. An SQLite that another process writes just now cannot be set to write
// ahead, and refuses that at once, whatever its busy timeout: so it is asked again.
func ping(ctx context.Context, db *sql.DB, dialect Dialect) error {
	d := &database{words: dialects[dialect]}
	for {
		err := db.PingContext(ctx)
		if err == nil || ctx.Err() != nil || !d.undone(err) {
			return err
		}
		pause(ctx, rest)
	}
}

var errBadURL = errors.New("give postgres://user:password@localhost:5432/app, " +
	"mysql://user:password@localhost:3306/app, :memory:, or the name of an SQLite file, " +
	"with its whole path if there is a ':', '@' or '=' in it; " +
	"a password's /, # and @ are written %2F, %23 and %40")

// sourceOf reads a URL. Its errors do not quote it: what is wrong with it may be the password.
func sourceOf(address string) (source, error) {
	scheme, _, isURL := strings.Cut(address, "://")
	if !isURL {
		return sqliteSource(address)
	}
	u, err := url.Parse(address)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") { // perhaps of a password
		return source{}, errBadURL
	}
	database := strings.Trim(u.Path, "/")
	s := source{name: address, connections: poolSize}
	s.cure = "start it, make the database, or mend the user and the password"
	switch {
	case (scheme == "postgres" || scheme == "postgresql") && strings.Count(address, "@") < 2:
		// pgx takes the first @ for the end of a password, and its errors quote what follows as the host.
		s.dialect, s.driver, s.pkg = Postgres, "pgx", "github.com/jackc/pgx/v5/stdlib"
	case (scheme == "mysql" || scheme == "mariadb") && u.Host != "" && database != "":
		s.dialect, s.driver, s.pkg = MySQL, "mysql", "github.com/go-sql-driver/mysql"
		s.name = mysqlName(u, database)
	default:
		return source{}, errBadURL
	}
	host := cmp.Or(u.Host, u.Query().Get("host"), "its default address")
	s.about = fmt.Sprintf("%v at %s, database %s", s.dialect, host, database)
	return s, nil
}

// mysqlName returns the data source name of go-sql-driver/mysql. It takes what is between the first colon and
// the last @ before the last slash for the password, which so may have any character.
func mysqlName(u *url.URL, database string) string {
	password, _ := u.User.Password()
	host := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "3306"))
	params := strings.ReplaceAll(u.RawQuery, "/", "%2F")
	return fmt.Sprintf("%s:%s@tcp(%s)/%s?%s&clientFoundRows=true", // New needs it
		u.User.Username(), password, host, url.PathEscape(database), params)
}

func sqliteSource(name string) (source, error) {
	s := source{dialect: SQLite, driver: "sqlite", pkg: "modernc.org/sqlite"}
	if name == ":memory:" {
		s.name, s.about = "file::memory:?_pragma=foreign_keys(1)", "an SQLite in memory"
		s.connections = 1 // each has a database of its own
		return s, nil
	}
	if name == "" || !filepath.IsAbs(name) && strings.ContainsAny(name, ":@=") {
		return s, errBadURL // a data source name, perhaps with a password
	}
	path, err := filepath.Abs(name)
	s.name = "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)"
	s.file, s.about, s.connections = path, "SQLite in "+path, poolSize
	s.cure = "name an SQLite file, or one that is not there yet"
	return s, err
}

// makeFile makes an SQLite file that only its owner can read, unless it is there. It does not open one that
// is: to close it again would release the locks that this process holds on it by another pool.
//
// https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
func makeFile(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, os.ErrExist):
		return makeTarget(name)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w: make the folder, or name a file in another", err)
	}
	return err
}

// makeTarget makes the file that name leads to, if name is a link to a file that is not there.
func makeTarget(name string) error {
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	target, err := os.Readlink(name)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	return makeFile(target)
}
