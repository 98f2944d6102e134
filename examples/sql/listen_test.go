//go:build integration

package main_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/examples/internal/articletest"
	"github.com/seed-6f34412b/passport/internal/faultproxy"
	"github.com/seed-6f34412b/passport/internal/sqltest"
)

// streams opens streams in the tabs of one browser.
type streams struct {
	t       *testing.T
	browser *http.Client
}

// logIn returns a new browser that has logged in at p.
func logIn(t *testing.T, p *articletest.Process) streams {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := streams{t, &http.Client{Jar: jar}}
	v.post(p, "/auth/login", url.Values{"email": {"joefoo@test.com"}, "password": {"Passw0rd!"}})
	return v
}

// idle finds the connections of this database that listen or have listened for ended sessions.
const idle = " FROM pg_stat_activity WHERE datname=current_database() AND application_name LIKE '%ended sessions' AND state='idle' AND query<>''"

// streamsEndWithTheirLogIn checks that a log-out ends the streams in both programs, also after the listening
// connection broke or hung. The reason in the event proves that a notice came: a check of the store does not
// know it.
func (s servers) streamsEndWithTheirLogIn(t *testing.T) {
	name := s.pg.Database(t)
	watch, proxy := sqltest.Open(t, "pgx", s.pg.URL(name)), faultproxy.NewStream(t, s.pg.Addr)
	behind := sqltest.Postgres{Server: &sqltest.Server{Addr: proxy.Addr()}}
	here := articletest.Start(t, "-db", behind.URL(name), "-secret", secret)
	there := articletest.Start(t, "-db", s.pg.URL(name), "-secret", secret)
	for _, row := range []struct {
		name   string
		breaks func()
	}{
		{"streams end with their log-in", nil},
		{"streams end with their log-in after a cut", proxy.Cut},
		{"streams end with their log-in after silence", func() {
			proxy.Faults(func(c faultproxy.Command) faultproxy.Manner {
				if strings.Contains(c[0], "-- ping") {
					return faultproxy.Swallow
				}
				return faultproxy.Pass
			})
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := logIn(t, here)
			tabs := []*bufio.Scanner{v.open(here), v.open(there)}
			before := listeners(t, watch, nil)
			if row.breaks != nil {
				row.breaks()
				listeners(t, watch, before)
				proxy.Faults(nil)
			}
			v.post(there, "/auth/logout", nil)
			for i, lines := range tabs {
				var rest []string
				for lines.Scan() {
					if !strings.HasPrefix(lines.Text(), "data: 20") && lines.Text() != "" {
						rest = append(rest, lines.Text())
					}
				}
				if got := fmt.Sprint(rest); got != "[event: end data: logout]" {
					t.Errorf("stream %d: got %s", i+1, got)
				}
			}
		})
	}
}

// lonelyStreamsShareAConnection: a visitor opens and closes streams one after the other, and nobody else has
// one.
func (s servers) lonelyStreamsShareAConnection(t *testing.T) {
	name := s.pg.Database(t)
	watch := sqltest.Open(t, "pgx", s.pg.URL(name))
	p := articletest.Start(t, "-db", s.pg.URL(name), "-secret", secret)
	v := logIn(t, p)
	var pids [2]int
	for i := range pids {
		_, leave := v.opened(p)
		query := func(is string) {
			t.Helper()
			err := sqltest.Poll(func(ctx context.Context) error {
				var found bool
				err := watch.QueryRowContext(ctx, "SELECT pid, query"+is+"'UNLISTEN *'"+idle).Scan(&pids[i], &found)
				if err == nil && !found {
					err = fmt.Errorf("no connection whose query%s'UNLISTEN *'", is)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		query("<>") // it listens
		leave()
		query("=")
	}
	if pids[0] != pids[1] {
		t.Errorf("the PostgreSQL processes %v listened, want the same one twice", pids)
	}
}

// listeners waits until both programs listen and returns the PostgreSQL processes of their connections. If
// before is not nil, at least one connection must be new.
func listeners(t *testing.T, db *sql.DB, before []int) (pids []int) {
	t.Helper()
	err := sqltest.Poll(func(ctx context.Context) error {
		rows, err := db.QueryContext(ctx, "SELECT pid"+idle)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		pids = nil
		for rows.Next() {
			var pid int
			if err := rows.Scan(&pid); err != nil {
				return err
			}
			pids = append(pids, pid)
		}
		if isOld := func(pid int) bool { return slices.Contains(before, pid) }; len(pids) != 2 || before != nil && len(slices.DeleteFunc(slices.Clone(pids), isOld)) == 0 {
			return fmt.Errorf("the processes %v listen, and before %v did", pids, before)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

func (v streams) post(p *articletest.Process, path string, form url.Values) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, p.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := v.browser.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("POST %s: got %s", path, res.Status)
	}
}

// open opens a stream and returns after its first event.
func (v streams) open(p *articletest.Process) *bufio.Scanner {
	v.t.Helper()
	lines, _ := v.opened(p)
	return lines
}

// opened is open, and also returns a function that closes the stream.
func (v streams) opened(p *articletest.Process) (lines *bufio.Scanner, leave func()) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, p.URL+"/live", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.browser.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	leave = func() { _ = res.Body.Close() }
	v.t.Cleanup(leave)
	lines = bufio.NewScanner(res.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: 20") {
			return lines, leave
		}
	}
	v.t.Fatalf("the stream ended: %s, %v", res.Status, lines.Err())
	return nil, nil
}
