// Command reliability runs everything that docs/RELIABILITY.md promises, and prints
// the figures as Markdown:
//
//	go run ./internal/reliability
//
// It takes about twenty minutes on two cores and needs redis-server, redis-cli, node and npm
// in the PATH. The short form, which continuous integration runs, is
//
//	go test -tags integration ./internal/reliability
//
// With -doc the figures also replace those in docs/RELIABILITY.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

const allParts = "tests,peers,model,fuzz"

func main() {
	doc := flag.Bool("doc", false, "put the figures into docs/RELIABILITY.md")
	only := flag.String("only", allParts, "the parts to run")
	fuzzTime := flag.Duration("fuzztime", 20*time.Second, "how long each fuzz target runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *doc && *only != allParts {
		fmt.Fprintln(os.Stderr, "reliability: -doc replaces all figures: leave -only out")
		os.Exit(2)
	}
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
		"tests": tests,
		"peers": peers,
		"model": model,
		"fuzz":  func(ctx context.Context, root string) (string, error) { return fuzz(ctx, root, fuzzTime) },
	}
	var figures strings.Builder
	var errs []error
	for _, part := range parts {
		f, ok := known[part]
		if !ok {
			return fmt.Errorf("unknown part %q: give some of %s", part, allParts)
		}
		text, err := f(ctx, root)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
		}
		fmt.Print(text)
		figures.WriteString(text)
	}
	if doc && len(errs) == 0 {
		errs = append(errs, replaceFigures(filepath.Join(root, "docs", "RELIABILITY.md"), figures.String()))
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

// tests runs this package's tests at their full size.
func tests(ctx context.Context, root string) (string, error) {
	file, err := os.CreateTemp("", "reliability-*.md")
	if err != nil {
		return "", err
	}
	name := file.Name()
	defer func() { _ = os.Remove(name) }()
	if err := file.Close(); err != nil {
		return "", err
	}
	_, err = call(ctx, root, "test", "-tags", "integration", "-count=1", "-timeout=30m", "./internal/reliability", "-full", "-report", name)
	text, readErr := os.ReadFile(name) //nolint:gosec // the file that was made above
	return string(text), errors.Join(err, readErr)
}

// peers runs the same races with other libraries. They live in a module of their own.
func peers(ctx context.Context, root string) (string, error) {
	return call(ctx, filepath.Join(root, "internal", "reliability", "peers"), "run", ".")
}

// model explores the session layer's own code: every interleaving, with every fault;
// and copies of it from which a rule was taken out.
func model(ctx context.Context, root string) (string, error) {
	out, err := call(ctx, root, "test", "-tags", "integration", "-count=1", "-timeout=30m", "-v", "-run", "^TestExpl", "./internal/protocol")
	var explored, found strings.Builder
	name := ""
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "=== RUN") && len(f) == 3:
			_, name, _ = strings.Cut(f[2], "/")
		case len(f) == 3 && f[2] == "runs":
			fmt.Fprintf(&explored, "| %s | %s |\n", strings.ReplaceAll(name, "_", " "), f[1])
		case len(f) > 2 && strings.HasPrefix(f[2], "TestExplorationFindsEachBug/"):
			_, rule, _ := strings.Cut(f[2], "/")
			verdict := map[string]string{"PASS:": "found", "FAIL:": "missed"}[f[1]]
			fmt.Fprintf(&found, "| %s | %s |\n", strings.ReplaceAll(rule, "_", " "), verdict)
		}
	}
	return fmt.Sprintf("### 9. Every interleaving of the session layer's code\n\n| Scenario | Runs, none of which broke a promise |\n|---|---|\n%s\n| Taken out of a copy of the code | The exploration |\n|---|---|\n%s\n", &explored, &found), err
}

// call runs the go command in dir, with its messages on standard error, and returns what
// it printed.
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

// The marks in docs/RELIABILITY.md between which the figures stand.
const (
	beginMark = "<!-- figures: written by go run ./internal/reliability -doc -->\n"
	endMark   = "<!-- end of figures -->"
)

func replaceFigures(path, figures string) error {
	text, err := os.ReadFile(path) //nolint:gosec // our own documentation
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks for the figures", path)
	}
	return os.WriteFile(path, []byte(before+beginMark+"\n"+figures+endMark+after), 0o644) //nolint:gosec // as git has it
}
