//go:build integration

package sqltest_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/sqltest"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// world is a program on a database that will fail, and a logged-in user of the program.
type world struct {
	*browser.Browser
	t      *testing.T
	db     *sql.DB // connections of the program
	admin  *sql.DB // other connections, which cause the outage
	pg     sqltest.Postgres
	maria  sqltest.MariaDB
	end    func() // ends the outage
	stores *sqlstore.Stores
	limit  atomic.Bool // the program has the time limit storeTimeout; otherwise it is as patient as on a busy machine
}

// storeTimeout is the program's time limit for the store during an outage in which nothing works.
const storeTimeout = time.Second

func (w *world) exec(query string) {
	w.t.Helper()
	exec(w.t, w.admin, query)
}

// newWorld makes a program on db and logs a user in.
func newWorld(t *testing.T, db, admin *sql.DB, cfg sqlstore.Config) *world {
	t.Helper()
	cfg.Migrate = true
	s, err := sqlstore.New(t.Context(), db, cfg)
	must(t, err)
	patient, err := rig.New(s.Sessions)
	must(t, err)
	limited, err := rig.New(s.Sessions, func(c *session.Config) { c.StoreTimeout = storeTimeout })
	must(t, err)
	w := &world{t: t, db: db, admin: admin, stores: s}
	w.Browser = browser.New(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.limit.Load() {
			limited.ServeHTTP(rw, r)
		} else {
			patient.ServeHTTP(rw, r)
		}
	}))
	w.Post("/login?user=7").Want(t, http.StatusOK, "")
	w.Post("/set?key=a&value=1").Want(t, http.StatusOK, "")
	return w
}

// TestAnOutageIs503AndLogsNobodyOut: during any outage of the database the answer is 503 and the cookie
// stays. Afterwards the user is still logged in.
func TestAnOutageIs503AndLogsNobodyOut(t *testing.T) {
	type outage struct {
		name   string
		begin  func(w *world)
		params []string // added to the program's data source
		reads  bool     // still work during the outage
	}
	servers := start(t)
	for _, o := range []outage{
		{name: "killed", begin: func(w *world) { w.pg.Kill(); w.end = func() { must(w.t, w.pg.Restart(&shared.Suite)) } }},
		{name: "stopped in order", begin: func(w *world) { w.pg.Stop(); w.end = func() { must(w.t, w.pg.Restart(&shared.Suite)) } }},
		{name: "read-only", reads: true, begin: func(w *world) {
			w.exec("ALTER ROLE plain SET default_transaction_read_only=on")
			w.reconnect()
			w.end = func() {
				w.exec("ALTER ROLE plain RESET default_transaction_read_only")
				w.reconnect()
			}
		}},
		{name: "too many connections", begin: func(w *world) {
			w.exec("ALTER ROLE plain CONNECTION LIMIT 0")
			w.reconnect()
			w.end = func() { w.exec("ALTER ROLE plain CONNECTION LIMIT -1") }
		}},
		{name: "a lock that somebody holds, and a statement timeout", params: []string{"statement_timeout=500"}, begin: func(w *world) {
			w.end = lock(w.t, w.admin, "BEGIN; LOCK TABLE passport_sessions IN ACCESS EXCLUSIVE MODE", "COMMIT")
		}},
		{name: "a lock that somebody holds for longer than StoreTimeout", begin: func(w *world) {
			w.end = lock(w.t, w.admin, "BEGIN; LOCK TABLE passport_sessions IN ACCESS EXCLUSIVE MODE", "COMMIT")
		}},
		{name: "a lock timeout", params: []string{"lock_timeout=500"}, begin: func(w *world) {
			w.end = lock(w.t, w.admin, "BEGIN; LOCK TABLE passport_sessions IN ACCESS EXCLUSIVE MODE", "COMMIT")
		}},
		{name: "the table is gone", begin: func(w *world) {
			w.exec("ALTER TABLE passport_sessions RENAME TO elsewhere")
			w.end = func() { w.exec("ALTER TABLE elsewhere RENAME TO passport_sessions") }
		}},
		{name: "connections that somebody ends", begin: func(w *world) {
			w.exec("ALTER ROLE plain NOLOGIN")
			w.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='plain'")
			w.end = func() { w.exec("ALTER ROLE plain LOGIN") }
		}},
	} {
		t.Run("PostgreSQL, "+o.name, func(t *testing.T) {
			pg := servers.pg
			name := pg.Database(t)
			admin := sqltest.Open(t, "pgx", pg.URL(name))
			exec(t, admin, "DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
			exec(t, admin, "GRANT CREATE, USAGE ON SCHEMA public TO plain")
			db := sqltest.Open(t, "pgx", strings.Replace(pg.URL(name, o.params...), "app@", "plain@", 1))
			w := newWorld(t, db, admin, sqlstore.Config{Dialect: sqlstore.Postgres})
			w.pg = pg
			w.survives(o.begin, o.reads)
		})
	}
	for _, o := range []outage{
		{name: "killed", begin: func(w *world) { w.maria.Kill(); w.end = func() { must(w.t, w.maria.Restart(&shared.Suite)) } }},
		{name: "stopped in order", begin: func(w *world) { w.maria.Stop(); w.end = func() { must(w.t, w.maria.Restart(&shared.Suite)) } }},
		{name: "frozen", begin: func(w *world) { w.maria.Freeze(w.t); w.end = func() { w.maria.Thaw(w.t) } }},
		{name: "read-only", reads: true, begin: func(w *world) {
			w.exec("SET GLOBAL read_only=1")
			w.end = func() { w.exec("SET GLOBAL read_only=0") }
		}},
		{name: "too many connections", begin: func(w *world) {
			w.exec("SET GLOBAL max_connections=10")
			w.takeAll("SET GLOBAL max_connections=150")
		}},
		{name: "a lock that somebody holds, and a statement timeout", params: []string{"max_statement_time=0.5"}, begin: func(w *world) {
			w.end = lock(w.t, w.admin, "LOCK TABLES passport_sessions WRITE", "UNLOCK TABLES")
		}},
		{name: "a lock that somebody holds for longer than StoreTimeout", begin: func(w *world) {
			w.end = lock(w.t, w.admin, "LOCK TABLES passport_sessions WRITE", "UNLOCK TABLES")
		}},
		{name: "the table is gone", begin: func(w *world) {
			w.exec("RENAME TABLE passport_sessions TO elsewhere")
			w.end = func() { w.exec("RENAME TABLE elsewhere TO passport_sessions") }
		}},
	} {
		t.Run("MariaDB, "+o.name, func(t *testing.T) {
			m := servers.maria
			name := m.Database(t)
			admin := sqltest.Open(t, "mysql", m.DSN(name))
			exec(t, admin, "CREATE USER IF NOT EXISTS plain@'%' IDENTIFIED BY 'app'")
			exec(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, INDEX ON "+name+".* TO plain@'%'")
			w := newWorld(t, sqltest.Open(t, "mysql", strings.Replace(m.DSN(name, o.params...), "app:app", "plain:app", 1)), admin, sqlstore.Config{Dialect: sqlstore.MySQL})
			w.maria = m
			w.survives(o.begin, o.reads)
		})
	}
	for name, begin := range map[string]func(w *world){
		"a lock that somebody holds": func(w *world) { w.end = lock(w.t, w.db, "BEGIN EXCLUSIVE", "COMMIT") },
		"the table is gone": func(w *world) {
			w.exec("ALTER TABLE passport_sessions RENAME TO elsewhere")
			w.end = func() { w.exec("ALTER TABLE elsewhere RENAME TO passport_sessions") }
		},
	} {
		t.Run("SQLite, "+name, func(t *testing.T) {
			db := sqltest.SQLiteFile(t)
			newWorld(t, db, db, sqlstore.Config{Dialect: sqlstore.SQLite}).survives(begin, false)
		})
	}
}

// reconnect closes the program's idle connections.
func (w *world) reconnect() {
	w.db.SetMaxIdleConns(0)
	w.db.SetMaxIdleConns(2)
}

// takeAll takes every connection that the server allows. It closes the program's idle ones first, so that the
// program gets none. The outage ends with the statement after, on one of these: there may be no other.
func (w *world) takeAll(after string) {
	w.db.SetMaxIdleConns(0)
	var taken []*sql.Conn
	w.end = func() {
		_, err := taken[0].ExecContext(w.t.Context(), after)
		must(w.t, err)
		for _, c := range taken {
			_ = c.Close()
		}
		w.admin.SetMaxIdleConns(0)
		w.db.SetMaxIdleConns(2)
	}
	for {
		c, err := w.admin.Conn(w.t.Context())
		if err != nil {
			return
		}
		if taken = append(taken, c); len(taken) > 100 {
			w.t.Fatal("the server has connections without end")
		}
	}
}

// send sends a request, given as "GET /path" or "POST /path".
func send(b *browser.Browser, request string) browser.Answer {
	if path, get := strings.CutPrefix(request, "GET "); get {
		return b.Get(path)
	}
	return b.Post(strings.TrimPrefix(request, "POST "))
}

// survives begins an outage, and checks the answers during it and after its end.
func (w *world) survives(begin func(*world), reads bool) {
	w.t.Helper()
	before := w.Cookie(rig.Cookie)
	begin(w)
	w.limit.Store(!reads)
	began := time.Now()
	var wg sync.WaitGroup
	for _, path := range []string{"GET /me", "POST /set?key=b&value=2", "POST /renew", "POST /logout", "POST /login?user=8"} {
		wg.Go(func() {
			want := http.StatusServiceUnavailable
			if reads && path == "GET /me" {
				want = http.StatusOK
			}
			if got := send(w.Browser, path); got.StatusCode != want {
				w.t.Errorf("%s: got %d %q, want %d", path, got.StatusCode, got.Text, want)
			}
		})
	}
	wg.Wait()
	w.limit.Store(false)
	if w.Cookie(rig.Cookie) != before {
		w.t.Error("the cookie changed")
	}
	w.t.Logf("the longest answer took %v", time.Since(began).Round(time.Millisecond))
	w.end()
	must(w.t, sqltest.Poll(func(context.Context) error {
		if a := w.Get("/me"); a.StatusCode != http.StatusOK {
			return fmt.Errorf("got %d when it was over", a.StatusCode)
		}
		return nil
	}))
	w.Get("/me").Want(w.t, http.StatusOK, "7")
	w.Get("/data").Want(w.t, http.StatusOK, `"a":"1"`)
	w.Post("/set?key=c&value=3").Want(w.t, http.StatusOK, "")
	w.Post("/logout").Want(w.t, http.StatusOK, "")
	w.Get("/me").Want(w.t, http.StatusUnauthorized, "")
}

// TestAFaultOfTheNetworkIsNoLogOut: each kind of fault, at each round trip of each kind of request.
func TestAFaultOfTheNetworkIsNoLogOut(t *testing.T) {
	t.Parallel() // only its subtests run in parallel: no other test calls Parallel
	servers := start(t)
	for _, p := range servers.kinds() {
		if p.cfg.Dialect == sqlstore.SQLite {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			proxy, _, s := servers.behind(t, p)
			app, err := rig.New(s.Sessions, func(c *session.Config) { c.StoreTimeout = 300 * time.Millisecond })
			must(t, err)
			var faults atomic.Int64
			for _, manner := range []faultproxy.Manner{faultproxy.Refuse, faultproxy.Reset, faultproxy.Swallow, faultproxy.CutReply, faultproxy.Halve, faultproxy.Garble} {
				for _, path := range []string{"GET /me", "POST /set?key=b&value=2", "POST /renew", "POST /logout", "POST /login?user=7"} {
					for at := range 3 {
						proxy.Faults(nil)
						b := browser.New(t, app)
						must(t, sqltest.Poll(func(context.Context) error {
							if a := b.Post("/login?user=7"); a.StatusCode != http.StatusOK {
								return fmt.Errorf("got %d before the fault", a.StatusCode)
							}
							return nil
						}))
						before := b.Cookie(rig.Cookie)
						var n atomic.Int64
						proxy.Faults(func(faultproxy.Command) faultproxy.Manner {
							if n.Add(1) == int64(at+1) {
								faults.Add(1)
								return manner
							}
							return faultproxy.Pass
						})
						_, route, _ := strings.Cut(path, " ")
						got := send(b, path)
						proxy.Faults(nil)
						switch got.StatusCode {
						case http.StatusOK:
						case http.StatusServiceUnavailable:
							if b.Cookie(rig.Cookie) != before {
								t.Errorf("manner %d at flight %d of %s: 503, and the cookie changed", manner, at, path)
							}
						default:
							t.Errorf("manner %d at flight %d of %s: got %d, want 200 or 503", manner, at, path, got.StatusCode)
						}
						ended := route == "/logout" || strings.HasPrefix(route, "/login") || route == "/renew"
						var a browser.Answer
						must(t, sqltest.Poll(func(context.Context) error {
							if a = b.Get("/me"); a.StatusCode == http.StatusServiceUnavailable {
								return fmt.Errorf("got %d after the fault", a.StatusCode)
							}
							return nil
						}))
						if a.StatusCode != http.StatusOK && !ended {
							t.Errorf("manner %d at flight %d of %s: got %d afterwards, want the user", manner, at, path, a.StatusCode)
						}
					}
				}
			}
			t.Logf("%d faults", faults.Load())
		})
	}
}
