//go:build integration

package main_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/examples/internal/articletest"
	"github.com/seed-6f34412b/passport/internal/sqltest"
)

// node is a table of Node's and the statements of its package.
type node struct {
	name, db       string
	open           func(*testing.T) *sql.DB
	table          []string // the statements that make it
	set, get, lack string   // set and get are the package's; lack is what our program says if there is no table
}

// nodes returns the Node packages, each with a new database.
func (s servers) nodes(t *testing.T) []node {
	t.Helper()
	pg, my := s.pg, s.my
	app, shop, file := pg.Database(t), my.Database(t), filepath.Join(t.TempDir(), "app.db")
	return []node{
		{
			"connect-pg-simple", pg.URL(app), func(t *testing.T) *sql.DB { return sqltest.Open(t, "pgx", pg.URL(app)) },
			[]string{ // table.sql
				`CREATE TABLE "session" ("sid" varchar NOT NULL COLLATE "default", "sess" json NOT NULL, "expire" timestamp(6) NOT NULL) WITH (OIDS=FALSE)`,
				`ALTER TABLE "session" ADD CONSTRAINT "session_pkey" PRIMARY KEY ("sid") NOT DEFERRABLE INITIALLY IMMEDIATE`,
				`CREATE INDEX "IDX_session_expire" ON "session" ("expire")`,
			},
			`INSERT INTO "session" (sess, expire, sid) SELECT $1::json, to_timestamp(extract(epoch FROM now())+86400), $2 ON CONFLICT (sid) DO UPDATE SET sess=$1::json, expire=to_timestamp(extract(epoch FROM now())+86400)`,
			`SELECT sess::text FROM "session" WHERE sid = $1 AND expire >= now()`, "createTableIfMissing",
		},
		{
			"express-mysql-session", "mysql://app:app@" + my.Addr + "/" + shop, func(t *testing.T) *sql.DB { return sqltest.Open(t, "mysql", my.DSN(shop)) },
			[]string{"CREATE TABLE IF NOT EXISTS `sessions` (`session_id` varchar(128) COLLATE utf8mb4_bin NOT NULL, `expires` int(11) unsigned NOT NULL, `data` mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (`session_id`)) ENGINE=InnoDB"},
			"INSERT INTO `sessions` (`data`, `expires`, `session_id`) VALUES (?, unix_timestamp()+86400, ?) ON DUPLICATE KEY UPDATE `expires` = VALUES(`expires`), `data` = VALUES(`data`)",
			"SELECT `data` FROM `sessions` WHERE `session_id` = ? AND `expires` >= unix_timestamp()", "createDatabaseTable",
		},
		{
			"connect-session-knex with better-sqlite3", file, func(t *testing.T) *sql.DB {
				return sqltest.Open(t, "sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
			},
			[]string{
				"CREATE TABLE `sessions` (`sid` varchar(255), `sess` json not null, `expired` datetime not null, primary key (`sid`))",
				"CREATE INDEX `sessions_expired_index` on `sessions` (`expired`)",
			},
			"INSERT OR REPLACE INTO sessions (sess, expired, sid) VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ','now','+1 day'), ?)",
			"SELECT sess FROM sessions WHERE sid = ? AND expired >= strftime('%Y-%m-%dT%H:%M:%fZ','now')", "createTable",
		},
	}
}

// record is what express-session and Passport write after a log-in.
const record = `{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":1},"cart":{"apples":3}}`

// signed returns the cookie for an id, signed as by npm's cookie-signature.
func signed(id string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id))
	return "connect.sid=" + url.QueryEscape("s:"+id+"."+base64.RawStdEncoding.EncodeToString(mac.Sum(nil)))
}

// shares checks that with -express-secret the program shares sessions with Node.
func (n node) shares(t *testing.T) {
	args, dir, db := []string{"-db", n.db, "-express-secret", secret}, t.TempDir(), n.open(t)
	set := func(id, record string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), n.set, record, id); err != nil {
			t.Fatal(err)
		}
	}
	get := func(id string) (record string) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), n.get, id).Scan(&record); err != nil && err != sql.ErrNoRows {
			t.Fatal(err)
		}
		return record
	}

	refuses(t, n.lack, args...) // before Node has made its table
	for _, statement := range n.table {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}

	// A log-in in Node is valid here, and a read does not change what Node wrote.
	p := articletest.Start(t, args...)
	const id = "b3Jq0d2lN1xSeYV8mKpTzWc9fGhRuA7E"
	set(id, record)
	whoAmI := func() string { return p.Shell(dir, "curl http://localhost:3000/whoami -b "+signed(id)) }
	if got := whoAmI(); !strings.Contains(got, `"firstName":"Joe"`) {
		t.Fatalf("with Node's session: got %s, want Joe", got)
	}
	if got, want := get(id), strings.TrimSuffix(record, "}"); !strings.HasPrefix(got, want) {
		t.Errorf("after a read, Node finds %s, want it to begin with %s", got, want)
	}

	// A log-out here ends the session in Node too, and a late write of Node does not bring it back.
	p.Shell(dir, "curl -X POST http://localhost:3000/auth/logout -b "+signed(id))
	if got := get(id); strings.Contains(got, "passport") {
		t.Errorf("after a log-out, Node finds %s", got)
	}
	set(id, record)
	if got := whoAmI(); !strings.Contains(got, `"status":401`) {
		t.Errorf("after a log-out, and a late write of Node: got %s, want 401", got)
	}

	// A log-in here is valid in Node.
	head := p.Shell(dir, articletest.LogIn+" -D -")
	_, rest, _ := strings.Cut(head, "connect.sid=s%3A")
	own, _, _ := strings.Cut(rest, ".")
	if got, want := get(own), `"passport":{"user":1`; own == "" || !strings.HasPrefix(got, `{"cookie":{"originalMaxAge":`) || !strings.Contains(got, want) {
		t.Errorf("after a log-in here, Node finds %q under %q, want %s in it", got, own, want)
	}
	if !strings.HasPrefix(head, "HTTP/1.1 200") || !strings.Contains(head, strings.TrimPrefix(signed(own), "connect.sid=")) {
		t.Errorf("got %s, want the cookie %s", head, signed(own))
	}
}
