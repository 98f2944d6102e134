// Compositions runs random journeys through the whole program, for a given time, and compares it with a
// model of what must be true:
//
//	go run ./internal/compositions -for 1h
//
// It prints the covering array, how much it ran, and every broken promise as a Go test that can be pasted.
// With -doc it also removes each fix in turn from a copy of the code, and writes the tables into
// docs/RELIABILITY.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

func main() {
	duration := flag.Duration("for", time.Minute, "how long to search")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the first journey; the same seed draws the same journeys")
	pairs := flag.Bool("pairs", false, "print the covering array and exit")
	doc := flag.Bool("doc", false, "also write the tables into docs/RELIABILITY.md, which takes some minutes")
	flag.Parse()
	array := covering()
	if fmt.Println(array); *pairs {
		return
	}
	if err := run(array, *duration, *seed, *doc); err != nil {
		fmt.Fprintln(os.Stderr, "compositions:", err)
		os.Exit(1)
	}
}

// run searches, and with doc also writes the tables, even if a promise was broken or a mend was not found.
func run(array string, duration time.Duration, seed uint64, doc bool) error {
	out, err := test("-run=^TestRandomJourneys$", "-for="+duration.String(), fmt.Sprintf("-seed=%d", seed))
	if !doc {
		return err
	}
	ran := strings.ReplaceAll(regexp.MustCompile(`seed \d+: .*broken promises`).FindString(out), "; ", ";\n") // wraps the line
	out, err2 := test("-run=^TestEachMendIsMissed$", "-tags=integration", "-early")
	races := regexp.MustCompile(`\d+ races in .*`).FindString(out)
	found := strings.Join(regexp.MustCompile(`\| .* \|\n`).FindAllString(out, -1), "")
	return errors.Join(err, err2, write(fmt.Sprintf("The last run: %s;\nwith more switches %s.\n\n%s\n"+
		"Each of these mends was taken out of a copy of the code, one at a time:\n\n"+
		"| Taken out | The broken promise by which it is found | after |\n|---|---|---|\n%s", ran, races, array, found)))
}

// test runs tests of the journeys and returns their output. They run as tests because only tests have
// synthetic time and seeded random numbers.
func test(args ...string) (string, error) {
	args = append([]string{"test", "github.com/seed-6f34412b/passport/internal/compositions/journey", "-count=1", "-timeout=0", "-v"}, args...)
	cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // our own arguments
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &out), os.Stderr
	err := cmd.Run()
	return out.String(), err
}

// covering returns the table of the configurations that cover every pair of two switches' values.
func covering() string {
	rows := journey.Pairs()
	var b strings.Builder
	fmt.Fprintf(&b, "In these %d configurations every pair of values of two switches meets that can meet:\n\n", len(rows))
	fmt.Fprintln(&b, "| "+strings.Join(journey.DimensionNames(), " | ")+" |")
	fmt.Fprintln(&b, "|"+strings.Repeat("---|", len(journey.DimensionNames())))
	for _, s := range rows {
		fmt.Fprintln(&b, "| "+strings.Join(s.Describe(), " | ")+" |")
	}
	fmt.Fprintln(&b, "\nThese pairs do not meet:")
	fmt.Fprintln(&b, "\n| value | with | why |\n|---|---|---|")
	for _, row := range journey.Exclusions() {
		fmt.Fprintln(&b, row)
	}
	return b.String()
}

// The tables are between these lines.
const (
	begins = "<!-- compositions: written by go run ./internal/compositions -doc -->\n"
	ends   = "<!-- end of compositions -->\n"
)

// write replaces the text between the marks.
func write(text string) error {
	root, err := exec.CommandContext(context.Background(), "go", "list", "-m", "-f={{.Dir}}", "github.com/seed-6f34412b/passport").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	name := filepath.Join(strings.TrimSpace(string(root)), "docs", "RELIABILITY.md")
	page, err := os.ReadFile(name) //nolint:gosec // our own
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !found || !ended {
		return fmt.Errorf("%s has no lines %q and %q", name, begins, ends)
	}
	return os.WriteFile(name, []byte(before+begins+"\n"+text+"\n"+ends+after), 0o644) //nolint:gosec // a page to be read
}
