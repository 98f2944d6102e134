//go:build integration

package sqltest_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestNewFindsTheTraps: for each wrong setting New returns an error that names the cure.
func TestNewFindsTheTraps(t *testing.T) {
	s := start(t)
	pg := func(params ...string) func(t *testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB { return sqltest.Open(t, "pgx", s.pg.URL(s.pg.Database(t), params...)) }
	}
	maria := func(dsn func(string) string) func(t *testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB { return sqltest.Open(t, "mysql", dsn(s.maria.DSN(s.maria.Database(t)))) }
	}
	plain := maria(func(dsn string) string { return dsn })
	also := func(param string) func(t *testing.T) *sql.DB {
		return maria(func(dsn string) string { return dsn + "&" + param })
	}
	file := func(params string) func(t *testing.T) *sql.DB {
		return func(t *testing.T) *sql.DB {
			return sqltest.Open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "db")+params)
		}
	}
	pgSimple := sqlstore.Config{Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple}
	mysql := sqlstore.Config{Dialect: sqlstore.MySQL, Layout: sqlstore.ExpressMySQLSession}
	knexMySQL := sqlstore.Config{Dialect: sqlstore.MySQL, Layout: sqlstore.ConnectSessionKnex}
	knexSQLite := sqlstore.Config{Dialect: sqlstore.SQLite, Layout: sqlstore.ConnectSessionKnex}
	zone := func(zone string) sqlstore.Config {
		cfg := pgSimple
		cfg.TimeZone = zone
		return cfg
	}
	for _, row := range []struct {
		name    string
		cfg     sqlstore.Config
		open    func(t *testing.T) *sql.DB
		prepare string
		want    string // "": no error
	}{
		{"connect-pg-simple's table", pgSimple, pg(), pgSimpleTable, ""},
		{"connections that choose a time zone", pgSimple, pg("timezone=Asia/Tokyo"), pgSimpleTable, "give the zone of Node's in Config.TimeZone"},
		{"connections that choose one, and Node's is given", zone("UTC"), pg("timezone=Asia/Tokyo"), pgSimpleTable, ""},
		{"a zone that there is not", zone("Moon/Base"), pg(), pgSimpleTable, "give a name of pg_timezone_names"},
		{"a zone that is an abbreviation too", zone("CET"), pg(), pgSimpleTable, "such as Europe/Brussels for CET"},
		{"a zone with summer time", zone("Europe/Brussels"), pg(), pgSimpleTable, ""},
		{"times with a zone", pgSimple, pg("timezone=Asia/Tokyo"), strings.Replace(pgSimpleTable, "timestamp(6)", "timestamptz", 1), ""},
		{"jsonb", pgSimple, pg(), strings.Replace(pgSimpleTable, "json", "jsonb", 1), `ALTER TABLE "session" ALTER COLUMN sess TYPE json USING sess::json`},
		{"text for json", pgSimple, pg(), strings.Replace(pgSimpleTable, "json", "text", 1), "want json"},
		{"short ids", pgSimple, pg(), strings.Replace(pgSimpleTable, "varchar", "varchar(20)", 1), "widen it to 32 at least"},
		{"ids that are no text", pgSimple, pg(), `CREATE TABLE session (sid uuid PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`, "want varchar or text"},
		{"no primary key", pgSimple, pg(), `CREATE TABLE session (sid varchar, sess json NOT NULL, expire timestamp(6) NOT NULL)`, "ADD PRIMARY KEY (sid)"},
		{"a date for a time", pgSimple, pg(), strings.Replace(pgSimpleTable, "timestamp(6)", "date", 1), "want what connect-pg-simple makes"},
		{"no table of Node's", pgSimple, pg(), "", "let connect-pg-simple make it"},
		{"a connection that is not UTF-8", pgSimple, pg("client_encoding=LATIN1"), pgSimpleTable, "both must be UTF8"},
		{"read-only transactions", sqlstore.Config{Dialect: sqlstore.Postgres}, pg("default_transaction_read_only=on"), "", "default_transaction_read_only to off"},
		{"none of our tables", sqlstore.Config{Dialect: sqlstore.Postgres}, pg(), "", "sqlstore/schema"},

		{"express-mysql-session's table", mysql, plain, mysqlTable, ""},
		{"no found rows", mysql, maria(func(dsn string) string { return strings.Replace(dsn, "clientFoundRows=true", "", 1) }), mysqlTable, "clientFoundRows=true"},
		{"no found rows, our own table", sqlstore.Config{Dialect: sqlstore.MySQL}, maria(func(dsn string) string { return strings.Replace(dsn, "clientFoundRows=true", "", 1) }), "", "clientFoundRows=true"},
		{"autocommit off", sqlstore.Config{Dialect: sqlstore.MySQL}, also("autocommit=0"), "", "leave autocommit=0 out"},
		{"sql_mode that cuts", mysql, also("sql_mode=%27%27"), mysqlTable, "add STRICT_TRANS_TABLES"},
		{"another character set", mysql, also("charset=latin1"), mysqlTable, "give utf8mb4"},
		{"a table of another engine", mysql, plain, strings.NewReplacer("InnoDB", "MyISAM", "512", "128").Replace(mysqlTable), "ENGINE=InnoDB"},
		{"short texts", mysql, plain, strings.Replace(mysqlTable, "mediumtext", "text", 1), "MEDIUMTEXT CHARACTER SET utf8mb4"},
		{"texts of another character set", mysql, plain, strings.Replace(mysqlTable, "mediumtext COLLATE utf8mb4_bin", "mediumtext CHARACTER SET latin1", 1), "MEDIUMTEXT CHARACTER SET utf8mb4"},
		{"short ids in MySQL", mysql, plain, strings.Replace(mysqlTable, "512", "20", 1), "widen it to 32 at least"},
		{"ids without case", mysql, plain, strings.Replace(mysqlTable, "COLLATE utf8mb4_bin NOT", "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT", 1), "VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"},
		{"times as text", mysql, plain, strings.Replace(mysqlTable, "int(11) unsigned", "varchar(20)", 1), "want INT UNSIGNED"},
		{"no column with data", mysql, plain, strings.Replace(mysqlTable, "`data`", "`body`", 1), "has no column data"},
		{"no table of Node's in MySQL", mysql, plain, "", "let express-mysql-session make it"},

		{"connect-session-knex's table in MySQL", knexMySQL, plain, knexMySQLTable, ""},
		{"times that have a zone", knexMySQL, plain, strings.Replace(knexMySQLTable, "datetime", "timestamp", 1), "want DATETIME"},
		{"no table of connect-session-knex", knexMySQL, plain, "", "let connect-session-knex make it (createTable)"},
		{"connect-session-knex's table in an SQLite", knexSQLite, file("?_pragma=busy_timeout(5000)"), knexSQLiteTable, ""},
		{"no table of Node's in an SQLite", knexSQLite, file("?_pragma=busy_timeout(5000)"), "", "let connect-session-knex make it (createTable)"},
		{"no such column in an SQLite", knexSQLite, file("?_pragma=busy_timeout(5000)"), strings.ReplaceAll(knexSQLiteTable, "expired", "expires"), "lacks one of the columns"},
		{"no primary key in an SQLite", knexSQLite, file("?_pragma=busy_timeout(5000)"), strings.Replace(knexSQLiteTable, ", primary key (`sid`)", "", 1), "is not the primary key"},
		{"an SQLite that is not UTF-8", knexSQLite, file("?_pragma=busy_timeout(5000)&_pragma=encoding('UTF-16le')"), knexSQLiteTable, "encoding='UTF-8'"},

		{"memory for each connection", sqlstore.Config{Dialect: sqlstore.SQLite}, func(t *testing.T) *sql.DB { return sqltest.Open(t, "sqlite", ":memory:") }, "", "db.SetMaxOpenConns(1)"},
		{"locks that are not waited for", sqlstore.Config{Dialect: sqlstore.SQLite}, file(""), "", "_pragma=busy_timeout(5000)"},
		{"an SQLite to read only", sqlstore.Config{Dialect: sqlstore.SQLite}, file("?_pragma=busy_timeout(5000)&_pragma=query_only(1)"), "", "leave the pragma query_only out"},
	} {
		t.Run(row.name, func(t *testing.T) {
			together(t)
			db := row.open(t)
			for statement := range strings.SplitSeq(row.prepare, ";\n") {
				if statement != "" {
					exec(t, db, statement)
				}
			}
			row.cfg.Migrate = row.name != "none of our tables"
			_, err := sqlstore.New(t.Context(), db, row.cfg)
			switch {
			case row.want == "" && err != nil:
				t.Errorf("got error %v, want none", err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("got error %v, want one that says %q", err, row.want)
			}
		})
	}
}

func TestManyProcessesMayMakeTheTablesAtOnce(t *testing.T) {
	servers := start(t)
	for _, p := range servers.places()[:4] {
		t.Run(p.name, func(t *testing.T) {
			together(t)
			db := p.open(t)
			cfg := p.cfg
			cfg.Migrate = true
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if _, err := sqlstore.New(t.Context(), db, cfg); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestATimeMeansTheSameInEveryZone: Node's connections use the server's zone and ours another one. Still,
// each side finds that a session of the other lives as long as it should.
func TestATimeMeansTheSameInEveryZone(t *testing.T) {
	pg := sqltest.StartPostgres(t, "-c", "timezone=America/New_York")
	name := pg.Database(t)
	node := sqltest.Open(t, "pgx", pg.URL(name))
	for statement := range strings.SplitSeq(pgSimpleTable, ";\n") {
		exec(t, node, statement)
	}
	ours := sqltest.Open(t, "pgx", pg.URL(name, "timezone=Asia/Tokyo"))
	s, err := sqlstore.New(t.Context(), ours, sqlstore.Config{
		Dialect: sqlstore.Postgres, Layout: sqlstore.ConnectPGSimple, TimeZone: "America/New_York", Migrate: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, s.Sessions.Create(t.Context(), "go", []byte(`{"cookie":{}}`), time.Hour))
	exec(t, node, `INSERT INTO session (sid, sess, expire) SELECT 'node', $1, to_timestamp($2)`, `{"cookie":{}}`, time.Now().Add(time.Hour).Unix())
	exec(t, node, `INSERT INTO session (sid, sess, expire) SELECT 'over', $1, to_timestamp($2)`, `{"cookie":{}}`, time.Now().Add(-time.Second).Unix())
	var left float64
	if err := node.QueryRowContext(t.Context(), `SELECT extract(epoch FROM expire-localtimestamp) FROM session WHERE sid='go' AND expire >= to_timestamp($1)`, time.Now().Unix()).Scan(&left); err != nil || left < 3500 || left > 3600 {
		t.Errorf("Node finds %.0f s left of a session of one hour (error %v)", left, err)
	}
	if _, err := s.Sessions.Get(t.Context(), "node"); err != nil {
		t.Errorf("Get of Node's session: got error %v, want none", err)
	}
	if _, err := s.Sessions.Get(t.Context(), "over"); err == nil {
		t.Error("Get of Node's expired session: got it, want an error")
	}
	if n, err := s.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("the sweep removed %d rows (error %v), want one: Node's expired session", n, err)
	}
}
