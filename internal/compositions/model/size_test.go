package model_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// The model has to stay short enough to be read as a specification, beside the documents.
const maxLines, maxColumns = 599, 110

// TestTheModelIsShort counts the lines of the model that are neither blank nor a comment, and their columns.
func TestTheModelIsShort(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			if columns := utf8.RuneCountInString(line); columns > maxColumns {
				t.Errorf("%s has a line of %d columns, want at most %d: %s", name, columns, maxColumns, line)
			}
			if code := strings.TrimSpace(line); code != "" && !strings.HasPrefix(code, "//") {
				lines++
			}
		}
	}
	if t.Logf("%d lines", lines); lines > maxLines {
		t.Errorf("the model has %d lines, want at most %d", lines, maxLines)
	}
}
