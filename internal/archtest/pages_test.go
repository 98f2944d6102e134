package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// pages returns the project's Markdown files by path, without those installed by npm.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			text, err := os.ReadFile(path)
			texts[path] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 20 {
		t.Fatalf("found %d pages, want at least 20", len(texts))
	}
	return texts
}

// prose returns a page without its blocks of code.
func prose(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllStringFunc(text, func(block string) string {
		return strings.Repeat("\n", strings.Count(block, "\n"))
	})
}

// anchors returns the fragments that GitHub gives the headings of a page.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(text), -1) {
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return found
}

var spans = regexp.MustCompile("`[^`]*`")

func TestPagesLinkWhatIsThere(t *testing.T) {
	texts, checked := pages(t), 0
	for path, text := range texts {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(spans.ReplaceAllString(prose(text), ""), -1) {
			link, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(link, ":") {
				continue // a URL
			}
			checked++
			target := path
			if link != "" {
				target = filepath.Join(filepath.Dir(path), link)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links %s: %v", path, m[1], err)
			} else if fragment != "" && filepath.Ext(target) == ".md" && !anchors(texts[target])[fragment] {
				t.Errorf("%s links %s, but that page has no such heading", path, m[1])
			}
		}
	}
	if checked < 100 {
		t.Errorf("found %d links, want at least 100", checked)
	}
}

func TestPagesHaveLinesOf110Columns(t *testing.T) {
	for path, text := range pages(t) {
		n := 0
		for line := range strings.Lines(prose(text)) {
			n++
			line = strings.TrimRight(line, "\n")
			if strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") || !strings.Contains(strings.TrimLeft(line, "- "), " ") {
				continue // a table, code, or one word
			}
			if got := utf8.RuneCountInString(line); got > 110 {
				t.Errorf("%s:%d: got %d columns, want at most 110", path, n, got)
			}
		}
	}
}
