package cookbook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/COOKBOOK.md"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the document's blocks of Go.
func blocks(text string) (list []string) {
	for _, m := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// indented returns a block as it is at a depth in gofmt's text.
func indented(block string, depth int) string {
	var out strings.Builder
	for line := range strings.Lines(block) {
		if line != "\n" {
			out.WriteString(strings.Repeat("\t", depth))
		}
		out.WriteString(line)
	}
	return out.String()
}

// TestTheDocumentsCodeIsRun: each block of docs/COOKBOOK.md is a part of a test here, letter by letter.
func TestTheDocumentsCodeIsRun(t *testing.T) {
	names, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, "../../examples/routers/telemetry_test.go") // that module has OpenTelemetry
	var tests []string                                                // their bodies
	for _, name := range names {
		source := read(t, name)
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				tests = append(tests, source[fset.Position(fn.Body.Lbrace).Offset+1:fset.Position(fn.Body.Rbrace).Offset])
			}
		}
	}
	found := blocks(read(t, page))
	if len(found) < 10 {
		t.Errorf("found %d blocks of Go, want at least 10", len(found))
	}
	for _, block := range found {
		if !slices.ContainsFunc(tests, func(body string) bool {
			return strings.Contains(body, "\n"+indented(block, 1)) || strings.Contains(body, "\n"+indented(block, 2)) ||
				strings.Contains(body, "\n"+indented(block, 3)) // in a function of the test
		}) {
			t.Errorf("no test has this block of %s:\n%s", page, block)
		}
	}
}

// TestTheDocumentsNamesExist: what it writes as guard.Config.RememberMe is there, and so are its links.
func TestTheDocumentsNamesExist(t *testing.T) {
	text := read(t, page)
	folders := map[string]string{"guard": "guard", "guardtest": "guard/guardtest", "session": "session", "store": "store", "strategy": "strategy", "serializer": "serializer",
		"remember": "strategy/remember", "onetime": "strategy/onetime", "apikey": "strategy/apikey", "throttle": "strategy/throttle", "refresh": "strategy/jwt/refresh"}
	known := map[string]bool{}
	for name, folder := range folders {
		for _, n := range exported(t, filepath.Join("../..", folder)) {
			known[name+"."+n] = true
		}
	}
	checked := 0
	prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
	for _, span := range regexp.MustCompile("`[^`\n]+`").FindAllString(prose, -1) {
		for _, m := range regexp.MustCompile(`\b([a-z]+)\.([A-Z]\w*(?:\.[A-Z]\w*)?)`).FindAllStringSubmatch(span, -1) {
			if _, ours := folders[m[1]]; ours {
				if checked++; !known[m[0]] {
					t.Errorf("%s names %s, which does not exist", page, m[0])
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("found %d names, want at least 20", checked)
	}
	events := map[string]string{}
	for _, m := range regexp.MustCompile(`(Event\w+)\s+EventName = "(\w+)"`).FindAllStringSubmatch(read(t, "../../guard/events.go"), -1) {
		events[m[1]] = m[2]
	}
	rows := regexp.MustCompile("`guard\\.(Event\\w+)`, `(\\w+)`").FindAllStringSubmatch(text, -1)
	for _, m := range rows {
		if events[m[1]] != m[2] {
			t.Errorf("%s calls %s %q in the log, want %q", page, m[1], m[2], events[m[1]])
		}
	}
	if len(rows) < 5 {
		t.Errorf("found %d events, want at least 5", len(rows))
	}
	links := regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(text, -1)
	for _, m := range links {
		if strings.HasPrefix(m[1], "https:") {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
			t.Errorf("%s links %s: %v", page, m[1], err)
		}
	}
	if len(links) < 10 {
		t.Errorf("found %d links, want at least 10", len(links))
	}
}

// exported returns the exported names of a folder's package: New, Config, Config.Store, Guard.User.
func exported(t *testing.T, folder string) (list []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has no files: %v", folder, err)
	}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				list = append(list, receiver(d)+d.Name.Name)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					list = append(list, declared(s)...)
				}
			}
		}
	}
	return list
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	name := ""
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name + "."
		}
		return name == ""
	})
	return name
}

func declared(s ast.Spec) (list []string) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			list = append(list, n.Name)
		}
	case *ast.TypeSpec:
		list = append(list, s.Name.Name)
		if st, ok := s.Type.(*ast.StructType); ok {
			for _, field := range st.Fields.List {
				for _, n := range field.Names {
					list = append(list, s.Name.Name+"."+n.Name)
				}
			}
		}
	}
	return list
}
