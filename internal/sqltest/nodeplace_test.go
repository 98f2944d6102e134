//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/interop/live"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// nodePlace is a database with a table that Node makes and that Node and Go share. If the table's times have
// no zone, the database uses another zone than the server, so that a mistake shows: sessions would end hours
// too early or too late.
type nodePlace struct {
	*nodeLayout
	t    *testing.T
	db   *sql.DB // for the test
	url  string  // for Node
	goDB *sql.DB // for the stores
	zone string  // sqlstore.Config.TimeZone

	made map[live.GoStore]live.Sessions
}

// nodeLayout describes the table of a Node package.
type nodeLayout struct {
	place     // for its configuration and its time columns
	elsewhere map[string]any
	lists     []string
	touches   bool
	columns   [3]string // the id, the record as text, and the time
	column    string    // the record's own column
	left      string    // expression for the seconds left
	in        string    // expression for the time in %d milliseconds
}

const zone = "Asia/Tokyo"

// layouts returns the layouts by Node package.
func layouts(s servers) map[string]*nodeLayout {
	list := map[string]*nodeLayout{
		"connect-pg-simple": {
			elsewhere: map[string]any{"schemaName": "shop"}, lists: []string{"pruneSessions"}, touches: true,
			columns: [3]string{"sid", "sess::text", "expire"}, column: "sess",
			left: "extract(epoch FROM expire-localtimestamp)", in: "localtimestamp+interval '%d milliseconds'",
		},
		"connect-session-knex": {
			elsewhere: map[string]any{"tableName": "shop"}, lists: []string{"length", "all", "clear", "dbCleanup"},
			columns: [3]string{"sid", "sess::text", "expired"}, column: "sess",
			left: "extract(epoch FROM expired-now())", in: "now()+interval '%d milliseconds'",
		},
		"express-mysql-session": {
			elsewhere: map[string]any{"schema": map[string]any{"tableName": "shop"}}, lists: []string{"length", "all", "clear", "clearExpiredSessions"}, touches: true,
			columns: [3]string{"session_id", "data", "expires"}, column: "data",
			left: "expires-UNIX_TIMESTAMP(NOW(6))", in: "UNIX_TIMESTAMP()+CEIL(%d/1000)",
		},
	}
	mysql, sqlite := *list["connect-session-knex"], *list["connect-session-knex"]
	mysql.columns[1], mysql.left, mysql.in = "sess", "TIMESTAMPDIFF(MICROSECOND,UTC_TIMESTAMP(6),expired)/1e6", "TIMESTAMPADD(SECOND,CEIL(%d/1000),UTC_TIMESTAMP())"
	sqlite.columns[1], sqlite.left = "CAST(sess AS TEXT)", "unixepoch(expired,'subsec')-unixepoch('now','subsec')"
	sqlite.in = "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ',(unixepoch('now','subsec')*1000+%d)/1000,'unixepoch')"
	list["connect-session-knex with mysql2"], list["connect-session-knex with better-sqlite3"] = &mysql, &sqlite
	for _, p := range s.nodes() {
		list[p.name].place = p
	}
	return list
}

// version matches the version in a package's name.
var version = regexp.MustCompile(` [0-9]+\b`)

// packageOf returns the key of layouts for a stack: the second part of its name, without version.
func packageOf(stack string) string {
	return version.ReplaceAllString(strings.Split(stack, ", ")[1], "")
}

// newNodePlace makes an empty database for a stack.
func newNodePlace(t *testing.T, s servers, stack string) *nodePlace {
	t.Helper()
	for name, layout := range layouts(s) {
		if name != packageOf(stack) {
			continue
		}
		p := &nodePlace{nodeLayout: layout, t: t, made: map[live.GoStore]live.Sessions{}}
		switch layout.cfg.Dialect {
		case sqlstore.SQLite:
			p.url = filepath.Join(t.TempDir(), "db")
			p.db = sqltest.Open(t, "sqlite", "file:"+p.url+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
		case sqlstore.MySQL:
			database := s.maria.Database(t)
			p.url = fmt.Sprintf("mysql://app:app@%s/%s", s.maria.Addr, database)
			p.db = sqltest.Open(t, "mysql", s.maria.DSN(database))
		default:
			database := s.pg.Database(t)
			p.url = s.pg.URL(database)
			exec(t, sqltest.Open(t, "pgx", p.url), fmt.Sprintf("ALTER DATABASE %s SET timezone TO '%s'", database, zone))
			p.db = sqltest.Open(t, "pgx", p.url)
			exec(t, p.db, "CREATE SCHEMA shop")
		}
		p.goDB = p.db
		if p.cfg.Layout == sqlstore.ConnectPGSimple && otherZone(stack) {
			p.goDB, p.zone = sqltest.Open(t, "pgx", p.url+"&timezone=America/New_York"), zone
		}
		return p
	}
	t.Fatalf("no layout for %s", stack)
	return nil
}

func (p *nodePlace) world(t *testing.T, stack string) *live.World {
	t.Helper()
	return live.NewWorld(t, "../interop/live/node", stack, p.url, p)
}

// goStore is a store with Sweep.
type goStore struct {
	*sqlstore.Store
	stores *sqlstore.Stores
}

func (s goStore) Sweep(ctx context.Context) (int64, error) { return s.stores.Sweep(ctx) }

// Sessions implements [live.Place]. Node must have made its table.
func (p *nodePlace) Sessions(t *testing.T, o live.GoStore) live.Sessions {
	t.Helper()
	if s, made := p.made[o]; made {
		return s
	}
	cfg := p.cfg
	cfg.Migrate, cfg.Tombstones, cfg.TimeZone = true, o.Tombstones, p.zone
	if o.Elsewhere {
		cfg.Table, cfg.Prefix = "shop", "shop_"
		if cfg.Layout == sqlstore.ConnectPGSimple {
			cfg.Table = "shop.session"
		}
	}
	s, err := sqlstore.New(t.Context(), p.goDB, cfg)
	if err != nil {
		t.Fatalf("make the stores: %v", err)
	}
	p.made[o] = goStore{s.Sessions, s}
	return p.made[o]
}

func (p *nodePlace) Elsewhere() map[string]any { return maps.Clone(p.elsewhere) }
func (p *nodePlace) Lists() []string           { return p.lists }
func (p *nodePlace) TouchesAll() bool          { return p.touches }

// table is the name of Node's table, the default of our configuration.
func (p *nodePlace) table() string {
	for name := range p.times {
		if !strings.HasPrefix(name, "passport_") {
			return name
		}
	}
	return ""
}

func (p *nodePlace) query(text string) string {
	text = strings.NewReplacer("{table}", p.table(), "{id}", p.columns[0], "{data}", p.columns[1], "{time}", p.columns[2], "{column}", p.column).Replace(text)
	if p.cfg.Dialect != sqlstore.Postgres {
		return strings.NewReplacer("$1", "?", "$2", "?").Replace(text)
	}
	return text
}

func (p *nodePlace) IDs(t *testing.T) (ids []string) {
	t.Helper()
	rows, err := p.db.QueryContext(t.Context(), p.query("SELECT {id} FROM {table}"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func (p *nodePlace) Record(t *testing.T, id string) (data string, found bool) {
	t.Helper()
	err := p.db.QueryRowContext(t.Context(), p.query("SELECT {data} FROM {table} WHERE {id}=$1"), id).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
	return data, err == nil
}

func (p *nodePlace) Put(t *testing.T, id, data string) {
	t.Helper()
	exec(t, p.db, p.query("UPDATE {table} SET {column}=$1 WHERE {id}=$2"), data, id)
}

func (p *nodePlace) Left(t *testing.T, id string) time.Duration {
	t.Helper()
	var seconds float64
	if err := p.db.QueryRowContext(t.Context(), p.query("SELECT "+p.left+" FROM {table} WHERE {id}=$1"), id).Scan(&seconds); err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds * float64(time.Second))
}

func (p *nodePlace) Shorten(t *testing.T, id string, d time.Duration) {
	t.Helper()
	exec(t, p.db, p.query("UPDATE {table} SET {time}="+fmt.Sprintf(p.in, d.Milliseconds())+" WHERE {id}=$1"), id)
}

func (p *nodePlace) Advance(t *testing.T, d time.Duration) { t.Helper(); p.advance(t, p.db, d) }

func (p *nodePlace) Empty(t *testing.T) {
	t.Helper()
	if len(p.made) > 0 { // otherwise there are no tables yet
		p.empty(t, p.db)
	}
}

var _ live.Place = (*nodePlace)(nil)
