package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// backend is the database that stores the sessions.
type backend struct {
	db      *sql.DB
	dialect sqlstore.Dialect
	about   string    // description for the operator
	alone   bool      // no other process can use it
	ends    *listener // only for PostgreSQL, otherwise nil
}

const (
	connections = 32               // pool size; by default database/sql keeps only two idle connections
	patience    = 10 * time.Second // how long to wait for a server's first answer
)

// openDatabase connects to the database that -db names. Its errors contain no password: it drops driver
// errors that quote text that they cannot parse.
func openDatabase(ctx context.Context, name string) (backend, error) {
	scheme, _, isURL := strings.Cut(name, "://")
	switch {
	case name == "":
		return openMemory()
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(ctx, name)
	case scheme == "mysql" || scheme == "mariadb":
		return openMySQLURL(ctx, name)
	case isURL:
		return backend{}, errors.New("-db has a scheme that is not known: give postgres://user:password@localhost:5432/app, mysql://user:password@localhost:3306/app, or the name of an SQLite file")
	case strings.Contains(name, "@tcp(") || strings.Contains(name, "@unix("):
		return openMySQL(ctx, name)
	}
	return openFile(ctx, name)
}

// openMemory opens an SQLite database in memory. Each connection has its own database, so the pool has only
// one.
func openMemory() (backend, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return backend{}, err
	}
	db.SetMaxOpenConns(1)
	return backend{db: db, dialect: sqlstore.SQLite, alone: true, about: "an SQLite inside this program, which forgets everything when it ends (see -db)"}, nil
}

// openFile opens an SQLite file and creates it if need be. Only its owner may read it, since it contains the
// sessions.
func openFile(ctx context.Context, name string) (backend, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return backend{}, fmt.Errorf("-db: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user chose the file
	if errors.Is(err, os.ErrNotExist) {
		return backend{}, fmt.Errorf("-db %s: the folder %s is not there: make it, name a file in another, or a server by postgres:// or mysql://", name, filepath.Dir(path))
	}
	if err != nil {
		return backend{}, fmt.Errorf("-db names neither a server nor a file that can be read and written: %w", err)
	}
	if err := f.Close(); err != nil {
		return backend{}, fmt.Errorf("-db: %w", err)
	}
	// With these, writers wait for each other instead of failing, and readers never wait.
	source := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return backend{}, fmt.Errorf("-db: %w", err)
	}
	b := backend{db: db, dialect: sqlstore.SQLite, about: "SQLite in " + path}
	return b, b.answers(ctx, "name an SQLite file, or one that is not there yet")
}

func openPostgres(ctx context.Context, address string) (backend, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return backend{}, errors.New("-db is not a URL like postgres://user:password@localhost:5432/app")
	}
	about := server("PostgreSQL", net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port)), cfg.Database)
	b := backend{db: stdlib.OpenDB(*cfg), dialect: sqlstore.Postgres, about: about, ends: newListener(cfg)}
	return b, b.answers(ctx, "start it, make the database, or mend the user and the password, as in postgres://user:password@localhost:5432/app")
}

// openMySQLURL opens a URL; the driver does not accept one.
func openMySQLURL(ctx context.Context, address string) (backend, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return backend{}, errors.New("-db is not a URL like mysql://user:password@localhost:3306/app")
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "3306"
	}
	// The driver parses only the parameters, so that the password may contain any character.
	cfg, err := mysql.ParseDSN("tcp(localhost)/?" + u.RawQuery)
	if err != nil {
		return backend{}, fmt.Errorf("-db: the parameters behind the question mark: %w", err)
	}
	cfg.User, cfg.Addr, cfg.DBName = u.User.Username(), net.JoinHostPort(host, port), strings.Trim(u.Path, "/")
	cfg.Passwd, _ = u.User.Password()
	return dialMySQL(ctx, cfg)
}

// openMySQL opens a data source in the driver's form.
func openMySQL(ctx context.Context, source string) (backend, error) {
	cfg, err := mysql.ParseDSN(source)
	if err != nil {
		return backend{}, errors.New("-db is not a data source like user:password@tcp(localhost:3306)/app")
	}
	return dialMySQL(ctx, cfg)
}

func dialMySQL(ctx context.Context, cfg *mysql.Config) (backend, error) {
	cfg.ClientFoundRows = true // sqlstore needs the number of rows found, not of rows changed
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return backend{}, fmt.Errorf("-db: %w", err)
	}
	b := backend{db: sql.OpenDB(connector), dialect: sqlstore.MySQL, about: server("MySQL", cfg.Addr, cfg.DBName)}
	return b, b.answers(ctx, "start it, make the database, or mend the user and the password, as in mysql://user:password@localhost:3306/app")
}

func server(kind, addr, database string) string {
	return fmt.Sprintf("%s at %s, database %s", kind, addr, database)
}

// answers checks that the database answers. If not, it closes the pool and returns an error with the cure.
func (b *backend) answers(ctx context.Context, cure string) error {
	b.db.SetMaxOpenConns(connections)
	b.db.SetMaxIdleConns(connections)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.db.PingContext(ctx); err != nil {
		_ = b.db.Close() // the error above says more
		return fmt.Errorf("-db: no answer from %s: %w: %s", b.about, err, cure)
	}
	return nil
}
