// Command hops counts the functions that one request runs in this module, and the files that they are
// in, for an authenticated GET, a log-in and a log-out:
//
//	go run ./internal/hops         # the counts; fails when one is over its limit
//	go run ./internal/hops -list   # also the functions, by package
//
// It builds the program in subject with coverage counters, and counts exactly one request of
// each kind, after one like it. A function literal counts as part of the function around it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/seed-6f34412b/passport"

// flows are the requests, by the folders into which subject writes their counters, with the largest number
// of functions that each may run.
var flows = []struct {
	folder, name string
	limit        int
}{
	{"get", "authenticated GET", 65},
	{"login", "log-in", 130},
	{"logout", "log-out", 120},
}

func main() {
	log.SetFlags(0)
	list := flag.Bool("list", false, "print the functions, by package")
	flag.Parse()
	counts, names, within, err := count(context.Background())
	if err != nil {
		log.Fatal("hops: ", err)
	}
	fmt.Print(counts)
	if *list {
		fmt.Print(names)
	}
	if !within {
		log.Fatal("hops: more functions than the limit: go run ./internal/hops -list names them")
	}
}

// count returns the table of counts, the functions by package, and whether all counts are
// within their limits.
func count(ctx context.Context) (counts, names string, within bool, err error) {
	counters, err := os.MkdirTemp("", "hops-")
	if err != nil {
		return "", "", false, err
	}
	defer func() { _ = os.RemoveAll(counters) }()
	if err := run(ctx, counters); err != nil {
		return "", "", false, err
	}
	const columns = "%-17s  %-6s  %9v  %5v  %5v\n"
	var table, list strings.Builder
	fmt.Fprintf(&table, columns, "request", "store", "functions", "limit", "files")
	within = true
	for _, flow := range flows {
		for _, store := range []string{"memory", "redis"} {
			functions, err := ran(ctx, filepath.Join(counters, store, flow.folder))
			if err != nil {
				return "", "", false, err
			}
			files := map[string]bool{}
			byPackage := map[string][]string{}
			for _, f := range functions {
				files[f.file] = true
				byPackage[f.pkg] = append(byPackage[f.pkg], f.name)
			}
			within = within && len(functions) <= flow.limit
			fmt.Fprintf(&table, columns, flow.name, store, len(functions), flow.limit, len(files))
			fmt.Fprintf(&list, "\n%s, %s\n", flow.name, store)
			for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
				fmt.Fprintf(&list, "  %d %s: %s\n", len(byPackage[pkg]), pkg, strings.Join(byPackage[pkg], ", "))
			}
		}
	}
	return table.String(), list.String(), within, nil
}

// run builds subject and lets it write its counters below dir.
func run(ctx context.Context, dir string) error {
	program := filepath.Join(dir, "subject")
	build := exec.CommandContext(ctx, "go", "build", "-cover", "-covermode=atomic", "-coverpkg="+module+"/...", "-o", program, module+"/internal/hops/subject") //nolint:gosec // a folder of our own
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", build.Args, err, out)
	}
	subject := exec.CommandContext(ctx, program, dir)     //nolint:gosec // what was just built
	subject.Env = append(os.Environ(), "GOCOVERDIR="+dir) // for the counters written at its exit, which are not used
	if out, err := subject.CombinedOutput(); err != nil {
		return fmt.Errorf("subject: %w\n%s", err, out)
	}
	return nil
}

// function is a function that ran.
type function struct{ pkg, file, name string }

// ran returns the functions that ran according to the counters in dir, without this tool's own.
func ran(ctx context.Context, dir string) ([]function, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "covdata", "func", "-i", dir).Output() //nolint:gosec // a folder of our own
	if err != nil {
		return nil, fmt.Errorf("go tool covdata func: %w", err)
	}
	var functions []function
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // such as MODULE/session/load.go:22: *Session.verified 80.0%
		if len(fields) != 3 || fields[2] == "0.0%" || fields[0] == "total" {
			continue
		}
		file, _, _ := strings.Cut(strings.TrimPrefix(fields[0], module+"/"), ":")
		if pkg := filepath.Dir(file); !strings.HasPrefix(pkg, "internal/hops") {
			functions = append(functions, function{pkg, file, fields[1]})
		}
	}
	if len(functions) == 0 {
		return nil, fmt.Errorf("no function ran according to go tool covdata func: %q", out)
	}
	return functions, nil
}
