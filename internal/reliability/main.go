// Command reliability runs the tests behind the numbered tables in docs/RELIABILITY.md, and prints the
// tables as Markdown:
//
//	go run ./internal/reliability
//
// It takes about forty minutes on two cores and needs redis-server, redis-cli, node, npm,
// PostgreSQL and MariaDB, and the packages of internal/interop/live/node (npm ci). The
// short form, which continuous integration runs, is
//
//	go test -tags integration ./internal/reliability
//	go test -tags integration ./internal/sqltest -run 'TestRaces|TestNode'
//
// With -doc the tables of all parts that ran without an error also replace those in docs/RELIABILITY.md.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const allParts = "tests,peers,model,fuzz,sql"

func main() {
	doc := flag.Bool("doc", false, "put the tables into docs/RELIABILITY.md")
	only := flag.String("only", allParts, "the parts to run")
	fuzzTime := flag.Duration("fuzztime", 20*time.Second, "how long each fuzz target runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.Split(*only, ","), *fuzzTime, *doc); err != nil {
		fmt.Fprintln(os.Stderr, "reliability:", err)
		os.Exit(1)
	}
}

// run runs the named parts in the core module's root.
func run(ctx context.Context, parts []string, fuzzTime time.Duration, doc bool) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	known := map[string]func(context.Context, string) (string, error){
		"tests": func(ctx context.Context, root string) (string, error) {
			return tests(ctx, root, "./internal/reliability")
		},
		"peers": peers,
		"model": model,
		"fuzz":  func(ctx context.Context, root string) (string, error) { return fuzz(ctx, root, fuzzTime) },
		"sql": func(ctx context.Context, root string) (string, error) {
			return tests(ctx, filepath.Join(root, "internal", "sqltest"), ".")
		},
	}
	var errs []error
	for _, part := range parts {
		f, ok := known[part]
		if !ok {
			return fmt.Errorf("unknown part %q: give some of %s", part, allParts)
		}
		text, err := f(ctx, root)
		fmt.Print(text)
		if err == nil && doc {
			err = replaceTables(filepath.Join(root, "docs", "RELIABILITY.md"), text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
		}
	}
	return errors.Join(errs...)
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// tests runs the tests of the package in dir at their full size.
func tests(ctx context.Context, dir, pkg string) (string, error) {
	file, err := os.CreateTemp("", "reliability-*.md")
	if err != nil {
		return "", err
	}
	name := file.Name()
	defer func() { _ = os.Remove(name) }()
	if err := file.Close(); err != nil {
		return "", err
	}
	_, err = call(ctx, dir, "test", "-tags", "integration", "-count=1", "-timeout=40m", pkg, "-full", "-report", name)
	text, readErr := os.ReadFile(name) //nolint:gosec // the file that was made above
	return string(text), errors.Join(err, readErr)
}

// peers runs the same races with other libraries. They live in a module of their own.
func peers(ctx context.Context, root string) (string, error) {
	return call(ctx, filepath.Join(root, "internal", "reliability", "peers"), "run", ".")
}

// model runs the exploration of the session layer, every interleaving with every fault, and the same on
// copies of the code from which one rule was removed.
func model(ctx context.Context, root string) (string, error) {
	out, err := call(ctx, root, "test", "-json", "-tags", "integration", "-count=1", "-timeout=30m", "-run", "^TestExpl", "./internal/protocol", "-deep")
	var tests []string // in the order of the source, because they run in parallel
	says := map[string]string{}
	for line := range strings.Lines(out) {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal([]byte(line), &e) != nil {
			continue // a message of the go command, not a test's output
		}
		_, rule, _ := strings.Cut(e.Test, "TestExplorationFindsEachBug/")
		f := strings.Fields(e.Output)
		switch {
		case e.Action == "run":
			tests = append(tests, e.Test)
		case len(f) > 2 && f[2] == "runs":
			says[e.Test] = f[1]
		case rule != "" && e.Action == "pass":
			says[e.Test] = "found"
		case rule != "" && e.Action == "fail":
			says[e.Test] = "missed"
		}
	}
	tables := map[string]string{}
	for _, test := range tests {
		of, name, _ := strings.Cut(test, "/")
		if text := says[test]; text != "" {
			tables[of] += fmt.Sprintf("| %s | %s |\n", strings.ReplaceAll(cmp.Or(name, "all"), "_", " "), text)
		}
	}
	return fmt.Sprintf("### 9. Every interleaving of the session layer's code\n\n| Scenario | Runs, none of which broke a promise |\n|---|---|\n%s\n| Taken out of a copy of the code | The exploration |\n|---|---|\n%s\n",
		tables["TestExploreEveryInterleaving"], tables["TestExplorationFindsEachBug"]), err
}

// call runs the go command in dir, with its messages on standard error, and returns its output.
func call(ctx context.Context, dir string, args ...string) (string, error) {
	fmt.Fprintln(os.Stderr, "# go", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // with arguments of ours
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s\n", out)
		return string(out), fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// The marks in docs/RELIABILITY.md around the tables.
const (
	beginMark = "<!-- figures: written by go run ./internal/reliability -doc -->\n"
	endMark   = "<!-- end of figures -->"
)

// replaceTables replaces the tables in the page that have the numbers of those in text; new numbers come
// last.
func replaceTables(path, text string) error {
	page, err := os.ReadFile(path) //nolint:gosec // our own documentation
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(page), beginMark)
	old, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks for the figures", path)
	}
	tables := byNumber(old)
	maps.Copy(tables, byNumber(text))
	var figures strings.Builder
	for _, n := range slices.Sorted(maps.Keys(tables)) {
		figures.WriteString(tableMark + strings.TrimSpace(tables[n]) + "\n\n")
	}
	return os.WriteFile(path, []byte(before+beginMark+"\n"+figures.String()+endMark+after), 0o644) //nolint:gosec // as git has it
}

const tableMark = "### "

// byNumber returns the tables in a text by the number in their titles.
func byNumber(text string) map[int]string {
	tables := map[int]string{}
	for _, table := range strings.Split("\n"+text, "\n"+tableMark)[1:] {
		number, _, _ := strings.Cut(table, ".")
		if n, err := strconv.Atoi(number); err == nil {
			tables[n] = table
		}
	}
	return tables
}
