package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTheREADMECountsTheLines of each file, and no line is longer than 110 columns.
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
	all := 0
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
		for i, line := range strings.Split(strings.ReplaceAll(string(data), "\t", "    "), "\n") {
			if width := utf8.RuneCountInString(line); width > 110 {
				t.Errorf("%s:%d: got %d columns, want at most 110", name, i+1, width)
			}
		}
	}
	total := strconv.Itoa(all/1000) + "," + strconv.Itoa(all)[len(strconv.Itoa(all))-3:]
	if !strings.Contains(string(readme), "| all | "+total+" |") {
		t.Errorf("all have %s lines, and README.md says otherwise", total)
	}
}
