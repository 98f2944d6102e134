package archtest

import (
	"go/ast"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	ruleNo = regexp.MustCompile(`\*\*(S\d+) `)
)

// TestEachRuleOfTheProtocolIsKeptSomewhere: docs/PROTOCOL.md names for each rule the functions that keep it
// and their files; each function must be in one of the files.
func TestEachRuleOfTheProtocolIsKeptSomewhere(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Where each rule is kept")
	table, _, _ = strings.Cut(table, "\n## ")
	_, files := sources(t)
	kept := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " S") {
			continue
		}
		rule, _, _ := strings.Cut(strings.TrimSpace(cells[1]), ",")
		kept[rule] = true
		var places []string
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			if !strings.Contains(m[1], "/") {
				m[1] = path.Join("internal/protocol", m[1])
			}
			places = append(places, m[1])
			if !slices.ContainsFunc(files, func(f file) bool { return f.path == m[1] }) {
				t.Errorf("%s: there is no file %s", cells[1], m[1])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			if !slices.ContainsFunc(files, func(f file) bool { return slices.Contains(places, f.path) && declares(f.ast, m[1]) }) {
				t.Errorf("%s: no %s in %v", cells[1], m[1], places)
			}
		}
	}
	for _, m := range ruleNo.FindAllStringSubmatch(string(text), -1) {
		if !kept[m[1]] {
			t.Errorf("%s has no row", m[1])
		}
	}
}

// declares reports whether f has a function or method called name.
func declares(f *ast.File, name string) bool {
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Name.Name == name
	})
}
