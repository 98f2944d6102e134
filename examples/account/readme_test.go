package main_test

import (
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTheREADMECountsTheLines of each file, and those with code of all. No line is longer than 110 columns.
func TestTheREADMECountsTheLines(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, found := range regexp.MustCompile("`(\\w+\\.go)` (\\d+)").FindAllStringSubmatch(string(readme), -1) {
		said[found[1]] = found[2]
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all, code := 0, 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(string(data), "\n")
		if all += n; said[name] != strconv.Itoa(n) {
			t.Errorf("%s has %d lines, README.md says %q", name, n, said[name])
		}
		code += codeLines(data)
		for i, line := range strings.Split(strings.ReplaceAll(string(data), "\t", "    "), "\n") {
			if width := utf8.RuneCountInString(line); width > 110 {
				t.Errorf("%s:%d: got %d columns, want at most 110", name, i+1, width)
			}
		}
	}
	thousands := func(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
	total := "| all | " + thousands(all) + ", and " + thousands(code) + " without comments and blank lines |"
	if !strings.Contains(string(readme), total) {
		t.Errorf("README.md does not have %q", total)
	}
}

// codeLines counts the lines of Go that are neither blank nor a comment alone.
func codeLines(source []byte) int {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	lines := map[int]bool{}
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			return len(lines)
		}
		if kind == token.SEMICOLON && text == "\n" { // which the scanner has inserted, also after a comment
			continue
		}
		for i := range 1 + strings.Count(text, "\n") { // a raw string has several
			lines[file.Line(pos)+i] = true
		}
	}
}
