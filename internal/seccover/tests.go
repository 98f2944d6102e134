package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// test is a test function of a module in go.work, also one with the build tag integration.
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

// find lists the tests below root.
func find(root string) ([]test, error) {
	var list []test
	ours, err := modules(root)
	if err != nil {
		return nil, err
	}
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
			list = append(list, test{filepath.ToSlash(pkg), string(m[1])})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b test) int { return strings.Compare(a.String(), b.String()) })
	return list, err
}

// run runs the tests and returns how each ended: "pass", "fail" or "skip".
func run(root string, tests []test) (map[test]string, error) {
	byPackage := map[string][]string{}
	for _, t := range tests {
		byPackage[t.pkg] = append(byPackage[t.pkg], t.name)
	}
	results := map[test]string{}
	for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
		cmd := exec.Command("go", "test", "-json", "-tags", "integration", "-run", "^("+strings.Join(byPackage[pkg], "|")+")$", "./"+pkg) //nolint:gosec,noctx // our own packages and names
		cmd.Dir = root
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			return nil, fmt.Errorf("go test ./%s: %w", pkg, err)
		}
		if err := collect(bytes.NewReader(out), pkg, results); err != nil {
			return nil, fmt.Errorf("go test ./%s: %w", pkg, err)
		}
	}
	return results, nil
}

// collect reads the output of go test -json.
func collect(out io.Reader, pkg string, results map[test]string) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return err
		}
		if e.Test == "" || strings.Contains(e.Test, "/") {
			continue
		}
		switch e.Action {
		case "pass", "fail", "skip":
			results[test{pkg, e.Test}] = e.Action
		}
	}
	return lines.Err()
}
