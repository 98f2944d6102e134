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
	redisAddr := flag.String("redis", "", "the redis-server of -serve")
	only := flag.String("stacks", "", "comma-separated names of the stacks to measure; empty means all")
	works := flag.String("workloads", "", "comma-separated names of the workloads; empty means all")
	rounds := flag.Int("rounds", 5, "rounds of every workload")
	round := flag.Duration("round", 800*time.Millisecond, "length of one round of one stack")
	out := flag.String("out", "../../docs/PERFORMANCE.md", "the page whose measured part is written; the plot lies beside it")
	flag.Parse()
	if *name != "" {
		serve(*name, *redisAddr, os.Stdin)
		return
	}
	r := &run{rounds: *rounds, length: *round, began: time.Now()}
	if err := r.all(names(*only), names(*works), *out); err != nil {
		log.Fatal(err)
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
	began  time.Time

	redis     *redisServer
	processes []*process
	tables    []*table
	storm     []stormRow
	memory    []memoryRow

	revocations []revocation
	growth      []growthRow
}

func (r *run) all(only, works []string, out string) error {
	if _, err := os.Stat("../interop/live/node/node_modules/.package-lock.json"); err != nil {
		npm := exec.Command("npm", "ci", "--prefix", "../interop/live/node", "--silent", "--no-audit", "--no-fund")
		npm.Stderr = os.Stderr
		if err := npm.Run(); err != nil {
			return fmt.Errorf("npm ci in internal/interop/live/node: %w", err)
		}
	}
	var err error
	if r.redis, err = startRedis(); err != nil {
		return err
	}
	defer r.redis.stop()
	defer func() {
		for _, p := range r.processes {
			p.stop()
		}
	}()
	for _, s := range stacks() {
		if only != nil && !slices.Contains(only, s.name) {
			continue
		}
		p, err := start(s, r.redis.addr)
		if err != nil {
			return err
		}
		r.processes = append(r.processes, p)
	}
	for _, w := range workloads() {
		if works != nil && !slices.Contains(works, w.name) {
			continue
		}
		t, err := r.measure(w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		r.tables = append(r.tables, t)
		fmt.Println(t)
	}
	if works == nil || slices.Contains(works, "revoke") {
		if err := r.measureRevocation(); err != nil {
			return err
		}
	}
	if works == nil || slices.Contains(works, "memory") {
		if err := r.measureMemory(); err != nil {
			return err
		}
	}
	if works == nil || slices.Contains(works, "growth") {
		if err := r.measureGrowth(); err != nil {
			return err
		}
	}
	if works == nil || slices.Contains(works, "storm") {
		if err := r.measureStorm(); err != nil {
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
