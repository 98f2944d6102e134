//go:build integration

package sqltest_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/store/sqlstore"
)

// TestRoundTripsPerRequest counts the round trips of a request, as store.TestCommandsPerRequest does for
// Redis. The cookie of an ended session costs one read if reads ask the primary. If they may ask a replica, a
// request that changes a session asks the primary too (S17).
func TestRoundTripsPerRequest(t *testing.T) {
	servers := start(t)
	for _, p := range servers.onServers() {
		t.Run(p.name, func(t *testing.T) {
			proxy, db, s := servers.behind(t, p)
			counted := func(st *sqlstore.Stores) (b *browser.Browser, trips func() int) {
				app, err := rig.New(st.Sessions)
				must(t, err)
				before := 0
				return browser.New(t, app), func() int {
					n := len(proxy.Seen(all)) - before
					before += n
					return n
				}
			}
			second := either(p.cfg.Layout == sqlstore.Own, 0, 1) // with Node's table a log-out also looks for a note
			one := p.cfg.Dialect == sqlstore.Postgres            // one statement does all steps of a log-in
			b, trips := counted(s)
			rows := []struct {
				name, method, path string
				code, want         int
			}{
				{"an anonymous visitor's public page", "GET", "/public", 200, 0},
				{"an anonymous visitor at a guarded page", "GET", "/me", 401, 0},
				{"a log-in: a record and its label", "POST", "/login?user=1", 200, either(one, 1, 2)},
				{"a public page with a cookie", "GET", "/public", 200, 0},
				{"a guarded read", "GET", "/me", 200, 1},
				{"a write of a key", "POST", "/set?key=k&value=v", 200, 2},
				{"a log-in over a session: a record, its label, the end of the old one, its label", "POST", "/login?user=1", 200, either(one, 2, 5)},
				{"a log-out: an end and a label", "POST", "/logout", 200, either(one || second == 0, 2, 3) + second},
				{"a log-out of nobody", "POST", "/logout", 200, 0},
			}
			for _, warm := range []bool{true, false} { // the first run prepares the statements
				for _, row := range rows {
					trips()
					request(b, row.method, row.path).Want(t, row.code, "")
					if got := trips(); got != row.want && !warm {
						t.Errorf("%s: %d round trips, want %d", row.name, got, row.want)
					}
				}
			}

			cfg, name := p.cfg, ""
			where := either(p.cfg.Dialect == sqlstore.MySQL, "DATABASE()", "current_database()")
			must(t, db.QueryRowContext(t.Context(), "SELECT "+where).Scan(&name))
			cfg.Reads = through(t, p, proxy, name)
			replicated, err := sqlstore.New(t.Context(), db, cfg)
			must(t, err)
			for _, st := range []*sqlstore.Stores{s, replicated} {
				more := either(st == replicated, 1, 0)
				b, trips := counted(st)
				for _, warm := range []bool{true, false} {
					b.Post("/login?user=1").Want(t, 200, "")
					dead := b.Cookie(rig.Cookie)
					b.Post("/logout").Want(t, 200, "")
					for _, row := range []struct {
						name, method, path string
						code, want         int
					}{
						{"a guarded read", "GET", "/me", 401, 1},
						{"a log-out", "POST", "/logout", 200, 3 + second + more},
						{"a log-in", "POST", "/login?user=1", 200, either(one, 4, 5) + second + more},
					} {
						b.SetCookie(rig.Cookie, dead)
						trips()
						request(b, row.method, row.path).Want(t, row.code, "")
						if got := trips(); got != row.want && !warm {
							t.Errorf("%s with a dead cookie, replica %t: %d round trips, want %d", row.name, st == replicated, got, row.want)
						}
					}
				}
			}
		})
	}
}

func request(b *browser.Browser, method, path string) browser.Answer {
	if method == "GET" {
		return b.Get(path)
	}
	return b.Post(path)
}
