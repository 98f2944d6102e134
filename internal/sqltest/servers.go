package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// Postgres is a PostgreSQL server.
type Postgres struct{ *Server }

// StartPostgres starts a PostgreSQL server, with args added to its command line ("-c", "max_connections=5").
// Its acknowledged writes survive a crash of the server, but not one of the machine.
func StartPostgres(t testing.TB, args ...string) Postgres {
	t.Helper()
	initdb := program(t, "postgresql", "/usr/lib/postgresql/*/bin/initdb", "initdb")
	return startPostgres(t, func(t testing.TB, dir string) {
		run(t, initdb, "--pgdata", filepath.Join(dir, "data"), "--auth", "trust", "--username", "app", "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8")
	}, args...)
}

// Replica starts a streaming replica of p. It lags between pg_wal_replay_pause and pg_wal_replay_resume.
func (p Postgres) Replica(t testing.TB) Postgres {
	t.Helper()
	backup := program(t, "postgresql", "/usr/lib/postgresql/*/bin/pg_basebackup", "pg_basebackup")
	return startPostgres(t, func(t testing.TB, dir string) {
		run(t, backup, "--dbname", p.URL("postgres"), "--pgdata", filepath.Join(dir, "data"), "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	})
}

// Bouncer starts a pgbouncer in front of p, in transaction mode: a client gets a connection per transaction.
func (p Postgres) Bouncer(t testing.TB) Postgres {
	t.Helper()
	bouncer := program(t, "pgbouncer", "/usr/sbin/pgbouncer", "pgbouncer")
	host, port, _ := strings.Cut(p.Addr, ":")
	return Postgres{startServer(t, kind{
		name: "pgbouncer", signal: "INT",
		prepare: func(t testing.TB, dir string) { write(t, filepath.Join(dir, "users"), `"app" ""`+"\n") },
		command: func(dir, listen string) []string {
			ini := filepath.Join(dir, "ini")
			write(t, ini, fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%s\nunix_socket_dir=\n"+
				"auth_type=trust\nauth_file=%s/users\npool_mode=transaction\ndefault_pool_size=10\nmax_client_conn=500\n", host, port, listen, dir))
			return []string{bouncer, ini}
		},
		ready: func(ctx context.Context, addr, _ string) error {
			return isOurs(ctx, "pgx", postgresURL(addr, "postgres", "default_query_exec_mode=exec"), "SHOW data_directory", filepath.Join(p.dir, "data"))
		},
	})}
}

func startPostgres(t testing.TB, prepare func(t testing.TB, dir string), args ...string) Postgres {
	t.Helper()
	postgres := program(t, "postgresql", "/usr/lib/postgresql/*/bin/postgres", "postgres")
	return Postgres{startServer(t, kind{
		name: "postgres", signal: "INT",
		prepare: prepare,
		command: func(dir, port string) []string {
			return []string{
				postgres, "-D", filepath.Join(dir, "data"), "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
				"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=32MB",
			}
		},
		ready: func(ctx context.Context, addr, dir string) error {
			return isOurs(ctx, "pgx", postgresURL(addr, "postgres"), "SHOW data_directory", filepath.Join(dir, "data"))
		},
	}, args...)}
}

func postgresURL(addr, database string, params ...string) string {
	u := url.URL{Scheme: "postgres", User: url.User("app"), Host: addr, Path: database, RawQuery: strings.Join(append([]string{"sslmode=disable"}, params...), "&")}
	return u.String()
}

// URL returns a database's URL for the driver "pgx" and for Node's pg, with params added.
func (p Postgres) URL(database string, params ...string) string {
	return postgresURL(p.Addr, database, params...)
}

// Database makes an empty database and returns its name.
func (p Postgres) Database(t testing.TB) string { return makeDatabase(t, "pgx", p.URL("postgres")) }

// MariaDB is a MariaDB server.
type MariaDB struct{ *Server }

// StartMariaDB starts a MariaDB server, with args added to its command line ("--max-connections=5"). Its
// acknowledged writes survive a crash of the server, but not one of the machine.
func StartMariaDB(t testing.TB, args ...string) MariaDB {
	t.Helper()
	install := program(t, "mariadb-server", "mariadb-install-db", "mysql_install_db")
	server := program(t, "mariadb-server", "mariadbd", "/usr/sbin/mariadbd", "mysqld", "/usr/sbin/mysqld")
	return MariaDB{startServer(t, kind{
		name: "mariadbd", signal: "TERM",
		prepare: func(t testing.TB, dir string) {
			run(t, install, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--skip-test-db", "--skip-log-bin", "--innodb-buffer-pool-size=16M")
		},
		command: func(dir, port string) []string {
			return []string{
				server, "--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--port=" + port, "--bind-address=127.0.0.1",
				"--socket=" + filepath.Join(dir, "socket"), "--pid-file=" + filepath.Join(dir, "pid"),
				"--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2", "--innodb-fast-shutdown=2", "--skip-name-resolve",
				"--init-file=" + initFile(t, dir),
			}
		},
		ready: func(ctx context.Context, addr, dir string) error {
			return isOurs(ctx, "mysql", mariaDSN(addr, ""), "SELECT @@datadir", filepath.Join(dir, "data"))
		},
	}, args...)}
}

func mariaDSN(addr, database string, params ...string) string {
	return fmt.Sprintf("app:app@tcp(%s)/%s?%s", addr, database, strings.Join(append([]string{"clientFoundRows=true"}, params...), "&"))
}

// DSN returns a database's data source for the driver "mysql", with clientFoundRows=true and params added.
func (m MariaDB) DSN(database string, params ...string) string {
	return mariaDSN(m.Addr, database, params...)
}

// Database makes an empty database and returns its name. The user is app, with the password app.
func (m MariaDB) Database(t testing.TB) string { return makeDatabase(t, "mysql", m.DSN("")) }

// isOurs returns nil if the server at source answers query with want: another server may have taken the port.
func isOurs(ctx context.Context, driver, source, query, want string) error {
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var got string
	if err := db.QueryRowContext(ctx, query).Scan(&got); err != nil {
		return err
	}
	if filepath.Clean(got) != want {
		return subprocess.ErrTaken
	}
	return nil
}

var databases atomic.Int64

func makeDatabase(t testing.TB, driver, source string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	db := Open(t, driver, source)
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	return name
}

// Open opens a database, and closes it at the end of the test.
func Open(t testing.TB, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(32) // connecting is slow
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// SQLiteFile opens an SQLite database in a file, with params, a time to wait for locks, and synchronous(OFF)
// unless params set it.
func SQLiteFile(t testing.TB, params ...string) *sql.DB {
	t.Helper()
	all := strings.Join(append(params, fmt.Sprintf("_pragma=busy_timeout(%d)", subprocess.Patience.Milliseconds())), "&")
	if !strings.Contains(all, "synchronous") {
		all += "&_pragma=synchronous(OFF)"
	}
	// The name of a test, and so its folder, may contain a character that ends the path in a URL.
	return Open(t, "sqlite", "file:"+(&url.URL{Path: filepath.Join(t.TempDir(), "db")}).EscapedPath()+"?"+all)
}

// SQLiteMemory opens an SQLite database in memory, with one connection: each one has its own database.
func SQLiteMemory(t testing.TB) *sql.DB {
	t.Helper()
	db := Open(t, "sqlite", ":memory:")
	db.SetMaxOpenConns(1)
	return db
}
