package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/sqltest"
)

// sqlReference is the stack that counts as 1.00 in the SQL tables.
const sqlReference = "sql-select"

// sqlHeaders is sqlReference with the headers of a guarded page, see guardedHeaders.
const sqlHeaders = "sql-select-headers"

// sqlStandard is scs on PostgreSQL through database/sql, as this library is. pgxstore uses pgx directly.
const sqlStandard = "sql-scs-standard"

// sqlStacks returns the stacks to measure with a database. Some exist only for PostgreSQL.
func sqlStacks(d sqlDatabase) []stack {
	list := []stack{
		{name: sqlReference, title: "net/http + one SELECT", part: true},
		{name: sqlHeaders, title: "net/http + one SELECT + the same two headers", part: true},
		{name: "sql-passport", title: "**this**"},
		{name: "sql-passport-alone", title: "the same, each read alone (`Config.NoBatches`)", part: true, users: true},
		{name: "sql-passport-node", title: "**this**, in the table of connect-pg-simple"},
		{name: "sql-scs", title: "scs + " + d.scs},
		{name: "sql-scs-idle", title: "scs + " + d.scs + ", idle timeout"},
		{name: sqlStandard, title: "scs + postgresstore, on database/sql as this library"},
		{name: "sql-express", title: "Express, express-session, connect-pg-simple, passport", node: "express.mjs"},
	}
	if d.name == "PostgreSQL" {
		return list
	}
	return slices.DeleteFunc(list, func(s stack) bool {
		return s.name == "sql-passport-node" || s.name == sqlStandard || s.node != ""
	})
}

// sqlDatabase is one kind of database.
type sqlDatabase struct {
	name, scs string
	source    string // value of -source, with the scheme postgres, mysql or sqlite
	pid       int    // of the server; 0 for SQLite, which has no server
}

// used is the CPU of the server and its children: PostgreSQL has one process for each connection.
func (d sqlDatabase) used() (sum time.Duration, err error) {
	if d.pid == 0 {
		return 0, nil
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the process has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); pid != d.pid && (len(fields) < 2 || fields[1] != strconv.Itoa(d.pid)) {
			continue
		}
		if one, err := cpu(pid); err == nil {
			sum += one
		}
	}
	return sum, err
}

func (sqlDatabase) traffic() (traffic, error) { return traffic{}, nil } // internal/sqltest counts round trips

// sqlWorkloads are the workloads that are measured with databases too.
var sqlWorkloads = []string{"read", "read-8", "write", "login", "mixed"}

// databases measures the stacks with each database and writes the tables into the page.
func (r *run) databases(out string) error {
	r.before = loadAverage()
	var servers sqltest.Suite
	defer servers.Close()
	var pg sqltest.Postgres
	var maria sqltest.MariaDB
	if failure := servers.Start(
		func() {
			pg = sqltest.StartPostgres(&servers, "-c", "shared_buffers=128MB", "-c", "max_connections=300")
		},
		func() { maria = sqltest.StartMariaDB(&servers, "--innodb-buffer-pool-size=128M") },
	); failure != "" {
		return fmt.Errorf("start the databases: %s", failure)
	}
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, d := range []sqlDatabase{
		{"PostgreSQL", "pgxstore", pg.URL("postgres"), pg.PID(&servers)},
		{"MariaDB", "mysqlstore", "mysql://" + maria.DSN(maria.Database(&servers)), maria.PID(&servers)},
		{"SQLite", "sqlite3store", "sqlite://" + filepath.Join(dir, "sessions.db"), 0},
	} {
		if !wants(r.which, d.name) {
			continue
		}
		if err := r.database(d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return r.writeSQL(out)
}

func (r *run) database(d sqlDatabase) error {
	defer r.stop()
	if err := makeTables(d.source); err != nil {
		return err
	}
	r.server = d
	var err error
	if r.processes, err = r.start(sqlStacks(d), d.source); err != nil {
		return err
	}
	for _, w := range workloads() {
		if !slices.Contains(sqlWorkloads, w.name) || !wants(r.works, w.name) {
			continue
		}
		w.only = nil // these are stacks on Redis
		t, err := r.measure(w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		t.title = d.name + ": " + strings.ToLower(t.title[:1]) + t.title[1:]
		r.tables = append(r.tables, t)
		fmt.Println(t)
	}
	return nil
}

// The section on databases lies between these lines of the page.
const (
	sqlBeginMark = "<!-- measured in databases: begin -->"
	sqlEndMark   = "<!-- measured in databases: end -->"
)

func (r *run) writeSQL(page string) error {
	return replace(page, sqlBeginMark, sqlEndMark, func(b *strings.Builder) {
		fmt.Fprintf(b, "\nMeasured on %s in %s: %s,\nPostgreSQL 15, MariaDB 10.11, SQLite by modernc.org/sqlite in a file with WAL. %d rounds of %v for each\nstack and workload; the value is the median of the rounds. Load average of the machine when it began: %s.\n",
			r.began.UTC().Format("2006-01-02"), time.Since(r.began).Round(time.Second), r.machine(), r.rounds, r.length, r.before)
		for _, t := range r.tables {
			t.sqlMarkdown(b)
		}
	})
}

func (t *table) sqlMarkdown(b *strings.Builder) {
	base := t.base()
	against := "this library = 1.00"
	if t.reads {
		against = "one SELECT = 1.00"
	}
	fmt.Fprintf(b, "\n### %s\n\n| stack | requests/s | ratio (%s), middle half of the rounds | p50 | p99 | server CPU | database CPU | allocations | of bytes |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n", t.title, against)
	for _, w := range t.rows {
		ratio, relative, objects, size := "", "", "", ""
		if base != nil && len(w.ratios) > 0 {
			low, high := middle(w.ratios)
			ratio = fmt.Sprintf("%.2f (%.2f to %.2f)", median(w.ratios), low, high)
			relative = fmt.Sprintf(" (%.2f)", w.cpuMicros()/base.cpuMicros())
		}
		if w.node == "" {
			objects, size = fmt.Sprintf("%.0f", w.perRequest(float64(w.objects))), fmt.Sprintf("%.0f", w.perRequest(float64(w.bytes)))
		}
		fmt.Fprintf(b, "| %s | %.0f | %s | %s | %s | %.1f us%s | %.1f us | %s | %s |\n", w.title, median(w.rates), ratio, millis(medianTime(w.p50)), millis(medianTime(w.p99)),
			w.cpuMicros(), relative, w.perRequest(float64(w.redis.Nanoseconds())/1e3), objects, size)
	}
}

// schemeOf splits a -source into its scheme and what the driver needs: for PostgreSQL that is the whole URL.
func schemeOf(source string) (scheme, rest string) {
	scheme, rest, _ = strings.Cut(source, "://")
	if u, err := url.Parse(source); err == nil && u.Scheme == "postgres" {
		return scheme, source
	}
	return scheme, rest
}
