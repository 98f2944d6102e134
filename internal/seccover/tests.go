package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// test is a test function of a module in go.work, possibly with the build tag integration.
type test struct{ pkg, name string }

func (t test) String() string { return t.pkg + "." + t.name }

var testFunc = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(t \*testing\.T\)`)

var workspace = regexp.MustCompile(`(?m)^\s*(?:use )?\./(\S+)$`)

// modules lists the folders of go.work's modules below the core's; none without go.work.
func modules(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.work")) //nolint:gosec // the module's own file
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []string
	for _, m := range workspace.FindAllSubmatch(text, -1) {
		list = append(list, filepath.Join(root, string(m[1])))
	}
	return list, nil
}

var skip = regexp.MustCompile(`\bt\.Skip(Now|f)?\(`)

// find lists the tests below root, and those in a file where a test skips.
func find(root string) (list []test, skips map[test]bool, err error) {
	ours, err := modules(root)
	if err != nil {
		return nil, nil, err
	}
	skips = map[test]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, noModule := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (noModule == nil && !slices.Contains(ours, path) || d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // the module's own files
		if tag, tagged := bytes.CutPrefix(text, []byte("//go:build ")); err != nil || tagged && !bytes.HasPrefix(tag, []byte("integration\n")) {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			found := test{filepath.ToSlash(pkg), string(m[1])}
			list = append(list, found)
			if skip.Match(text) {
				skips[found] = true
			}
		}
		return nil
	})
	slices.SortFunc(list, func(a, b test) int { return strings.Compare(a.String(), b.String()) })
	return list, skips, err
}

// run runs the tests, all packages at once, and returns how each ended: "pass", "fail" or "skip". If
// several packages have a test of the same name, all of these run.
func run(root string, tests []test) (map[test]string, error) {
	var packages, names []string
	for _, t := range tests {
		packages, names = append(packages, "./"+t.pkg), append(names, t.name)
	}
	slices.Sort(packages)
	slices.Sort(names)
	args := []string{"test", "-json", "-race", "-tags", "integration", "-timeout", "20m", "-run", "^(" + strings.Join(slices.Compact(names), "|") + ")$"}
	cmd := exec.Command("go", append(args, slices.Compact(packages)...)...) //nolint:gosec,noctx // our own packages and names
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("go test: %w", err)
	}
	return collect(bytes.NewReader(out))
}

// module is the prefix of all package paths, also of the modules below the core's.
const module = "github.com/seed-6f34412b/passport/"

// collect reads the output of go test -json.
func collect(out io.Reader) (map[test]string, error) {
	results := map[test]string{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Package, Test string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, err
		}
		if e.Test == "" || strings.Contains(e.Test, "/") {
			continue
		}
		switch e.Action {
		case "pass", "fail", "skip":
			results[test{strings.TrimPrefix(e.Package, module), e.Test}] = e.Action
		}
	}
	return results, lines.Err()
}
