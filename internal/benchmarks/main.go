package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	name := flag.String("serve", "", "run this stack as a server; used by the command itself")
	source := flag.String("source", "", "the redis-server or the database of -serve")
	part := flag.String("part", "redis,sql", "what to measure: redis, sql or mixed; each part writes its own tables")
	long := flag.Duration("for", 30*time.Minute, "length of the part mixed")
	only := flag.String("stacks", "", "comma-separated names of the stacks to measure; empty means all")
	works := flag.String("workloads", "", "comma-separated names of the workloads; empty means all")
	which := flag.String("databases", "", "comma-separated names of the databases of the part sql (PostgreSQL, MariaDB, SQLite); empty means all")
	rounds := flag.Int("rounds", 5, "rounds of every workload")
	round := flag.Duration("round", 800*time.Millisecond, "length of one round of one stack")
	out := flag.String("out", "../../docs/PERFORMANCE.md", "the page whose measured parts are written; the plot is written next to it, and README.md is in the parent folder")
	flag.Parse()
	if *name != "" {
		serve(*name, *source, os.Stdin)
		return
	}
	for _, part := range names(*part) {
		r := &run{rounds: *rounds, length: *round, long: *long, began: time.Now(), only: names(*only), works: names(*works), which: names(*which)}
		if err := r.part(part, *out); err != nil {
			log.Fatal(err)
		}
	}
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// run is one run of the whole benchmark.
type run struct {
	rounds int
	length time.Duration
	long   time.Duration // of the part mixed
	began  time.Time
	before string // the machine's load average

	only, works, which []string // names of stacks, workloads and databases; nil means all

	redis     *redisServer
	server    backend // redis, or a database
	processes []*process
	tables    []*table
	storm     []stormRow
	hashRate  float64 // bcrypt hashes of cost 12 a second
	memory    []memoryRow

	revocations []revocation
	growth      []growthRow
	manyRows    []manyRow
}

// backend is the server that stores the sessions.
type backend interface {
	used() (time.Duration, error) // CPU
	traffic() (traffic, error)
}

// wants reports whether name was asked for; a nil list means all.
func wants(list []string, name string) bool { return list == nil || slices.Contains(list, name) }

// part measures one part and writes its tables into the page.
func (r *run) part(part, out string) error {
	if _, err := os.Stat("node/node_modules/.package-lock.json"); err != nil {
		npm := exec.Command("npm", "ci", "--prefix", "node", "--silent", "--no-audit", "--no-fund")
		npm.Stderr = os.Stderr
		if err := npm.Run(); err != nil {
			return fmt.Errorf("npm ci in internal/benchmarks/node: %w", err)
		}
	}
	switch part {
	case "redis":
		return r.all(out)
	case "sql":
		return r.databases(out)
	case "mixed":
		return r.mixture(r.long, out)
	}
	return fmt.Errorf("-part %q: give redis, sql or mixed", part)
}

// start starts the requested stacks.
func (r *run) start(stacks []stack, source string) (list []*process, err error) {
	for _, s := range stacks {
		if !wants(r.only, s.name) {
			continue
		}
		p, err := start(s, source)
		if err != nil {
			stopAll(list)
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func stopAll(list []*process) {
	for _, p := range list {
		p.stop()
	}
}

func (r *run) stop() {
	stopAll(r.processes)
	r.processes = nil
}

func (r *run) all(out string) error {
	var err error
	if r.redis, err = startRedis(); err != nil {
		return err
	}
	defer r.redis.stop()
	r.server = r.redis
	defer r.stop()
	if r.processes, err = r.start(stacks(), r.redis.addr); err != nil {
		return err
	}
	for _, w := range workloads() {
		if !wants(r.works, w.name) {
			continue
		}
		t, err := r.measure(w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		r.tables = append(r.tables, t)
		fmt.Println(t)
	}
	for _, other := range []struct {
		name    string
		measure func() error
	}{
		{"revoke", r.measureRevocation}, {"memory", r.measureMemory}, {"many", r.measureMany},
		{"growth", r.measureGrowth}, {"storm", r.measureStorm},
	} {
		if !wants(r.works, other.name) {
			continue
		}
		if err := other.measure(); err != nil {
			return err
		}
	}
	return r.write(out)
}

func (r *run) machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	model := "unknown processor"
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	version := func(name string, args ...string) string {
		b, err := exec.Command(name, args...).Output()
		if err != nil {
			return name + " (unknown version)"
		}
		return strings.TrimSpace(string(b))
	}
	server := version("redis-server", "--version")
	if fields := strings.Fields(server); len(fields) > 2 {
		server = "Redis " + strings.TrimPrefix(fields[2], "v=")
	}
	return fmt.Sprintf("%d cores (%s), %s, %s, Node %s", runtime.NumCPU(), model, strings.ReplaceAll(runtime.Version(), "go", "Go "), server, version("node", "--version"))
}
