package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// fuzzFunc finds the declarations of fuzz targets.
var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzz runs every fuzz target of the core module for the time each.
func fuzz(ctx context.Context, root string, each time.Duration) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "### 10. Fuzz targets, %v each\n\n| Target | Package | Found |\n|---|---|---|\n", each)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, module := os.Stat(filepath.Join(path, "go.mod")); path != root && (module == nil || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path) //nolint:gosec // our own source
		if err != nil {
			return err
		}
		for _, match := range fuzzFunc.FindAllStringSubmatch(string(text), -1) {
			pkg, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			if _, err := call(ctx, root, "test", "-run=^$", "-fuzz=^"+match[1]+"$", "-fuzztime="+each.String(), "./"+filepath.ToSlash(pkg)); err != nil {
				return err
			}
			fmt.Fprintf(&b, "| %s | %s | nothing |\n", match[1], pkg)
		}
		return nil
	})
	b.WriteString("\n")
	return b.String(), err
}
