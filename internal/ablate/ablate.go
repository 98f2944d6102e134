// Package ablate removes fixes from a copy of the code, one at a time, for tests that show that other tests
// detect each removal.
//
// All fixes can be removed from one build: every function that contains one gets a second version without
// it, and the first calls the second if the process's environment says so.
package ablate

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/subprocess"
)

// Row is one fix. Old is a part of one function's body, found once in File; New is the same code without
// the fix, and Finds is the pattern, for go test -run, of the tests that must then fail.
type Row = struct{ Name, File, Old, New, Finds string }

// variable is the environment variable with the number of the row to remove, counted from 1.
const variable = "PASSPORT_ABLATE"

// Binary is the test binary of a package, with all fixes.
type Binary struct {
	path string
	bad  map[int]error // the rows that could not be applied
}

// Build compiles the tests of the package in the working directory, without build tags and without the race
// detector. The rows' files are relative to dir.
func Build(t *testing.T, dir string, rows []Row) *Binary {
	t.Helper()
	temp, b := t.TempDir(), &Binary{bad: map[int]error{}}
	b.path = filepath.Join(temp, "ablate.test")
	replace, err := overlay(temp, dir, rows, b.bad)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := subprocess.Command(t, 0, "go", "test", "-c", "-overlay="+name, "-ldflags=-s -w", "-o="+b.path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go test -c: %v; row_N.go is the N-th row\n%s", err, out)
	}
	return b
}

// overlay writes the changed files to temp, and returns the original path of each. It records in bad the
// rows whose Old is not in their file.
func overlay(temp, dir string, rows []Row, bad map[int]error) (replace map[string]string, err error) {
	replace = map[string]string{}
	add := func(path string, text []byte) error {
		if replace[path] != "" {
			return nil // one such file per package is enough
		}
		replace[path] = filepath.Join(temp, strconv.Itoa(len(replace))+".go")
		return os.WriteFile(replace[path], text, 0o600) //nolint:gosec // in a folder of the test
	}
	files := map[string][]int{}
	for i, row := range rows {
		path, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(row.File)))
		if err != nil {
			return nil, err
		}
		files[path] = append(files[path], i)
	}
	for path, numbers := range files {
		text, err := os.ReadFile(path) //nolint:gosec // our own code
		if err != nil {
			return nil, err
		}
		changed, pkg, err := rewrite(text, rows, numbers, bad)
		if err != nil {
			return nil, err
		}
		choice := filepath.Join(filepath.Dir(path), "zz_ablate.go")
		if strings.HasSuffix(path, "_test.go") {
			choice = filepath.Join(filepath.Dir(path), "zz_ablate_test.go")
		}
		if err := errors.Join(add(path, changed), add(choice, fmt.Appendf(nil, chosen, pkg, variable))); err != nil {
			return nil, err
		}
	}
	return replace, nil
}

// chosen is a file added to each package with a changed file.
const chosen = `package %s

import (
	"os"
	"strconv"
)

var takenOut, _ = strconv.Atoi(os.Getenv(%q))
`

// Err returns why the i-th row cannot be applied, nil if it can.
func (b *Binary) Err(i int) error { return b.bad[i] }

// Run runs the tests that match the regular expression run in a process of its own, with the i-th row's fix
// removed, or none if i is -1. It returns their output and whether they passed. t fails if no test ran, or
// if the process ended for a reason other than a failed test.
func (b *Binary) Run(t *testing.T, i int, run string, args ...string) (out string, passed bool) {
	t.Helper()
	if err := b.Err(i); err != nil {
		t.Fatal(err)
	}
	cmd := subprocess.Command(t, 0, b.path, append([]string{"-test.run=" + run, "-test.v"}, args...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, i+1))
	text, err := cmd.CombinedOutput()
	out = string(text)
	switch {
	case err == nil && !strings.Contains(out, "--- PASS"):
		t.Fatalf("no test matches %q:\n%s", run, out)
	case err != nil && !strings.Contains(out, "--- FAIL"):
		t.Fatalf("the copy did not run: %v\n%s", err, out)
	}
	return out, err == nil
}

// edit replaces the text between two offsets.
type edit struct {
	from, to int
	text     string
}

// rewrite returns a Go file in which the fixes of the rows with the given numbers can be removed, and the
// name of its package. It records in bad the rows for which that is not possible.
func rewrite(text []byte, rows []Row, numbers []int, bad map[int]error) (changed []byte, pkg string, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", err
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	var edits []edit
	var versions strings.Builder
	heads := map[*ast.FuncDecl]bool{}
	for _, i := range numbers {
		row, src := rows[i], string(text)
		if n := strings.Count(src, row.Old); n != 1 {
			bad[i] = fmt.Errorf("%s has %d places like %q, want 1", row.File, n, row.Old)
			continue
		}
		from := strings.Index(src, row.Old)
		to := from + len(row.Old)
		k := slices.IndexFunc(file.Decls, func(d ast.Decl) bool {
			f, ok := d.(*ast.FuncDecl)
			return ok && f.Body != nil && at(f.Body.Lbrace) < from && to <= at(f.Body.Rbrace)
		})
		if k < 0 {
			bad[i] = fmt.Errorf("%s: %q is not inside one function", row.File, row.Old)
			continue
		}
		f := file.Decls[k].(*ast.FuncDecl)
		name := fmt.Sprintf("%s_row%d", f.Name.Name, i+1)
		fmt.Fprintf(&versions, "\n\n//line row_%d.go:1\n%s%s%s%s%s", i+1, src[at(f.Pos()):at(f.Name.Pos())], name, src[at(f.Name.End()):from], row.New, src[to:at(f.End())])
		call, names := calling(f, name, at)
		if !heads[f] {
			heads[f] = true
			edits = append(edits, names...)
		}
		edits = append(edits, edit{at(f.Body.Lbrace) + 1, at(f.Body.Lbrace) + 1, fmt.Sprintf(" if takenOut == %d { %s };", i+1, call)})
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out strings.Builder
	done := 0
	for _, e := range edits {
		out.WriteString(string(text[done:e.from]) + e.text)
		done = e.to
	}
	return []byte(out.String() + string(text[done:]) + versions.String() + "\n"), file.Name.Name, nil
}

// calling returns the statement with which f calls another function with the same signature, and the edits
// that name f's parameters as far as the statement needs.
func calling(f *ast.FuncDecl, name string, at func(token.Pos) int) (call string, names []edit) {
	list := func(fields *ast.FieldList) (all []string) {
		if fields == nil {
			return nil
		}
		for _, field := range fields.List {
			dots := ""
			if _, ok := field.Type.(*ast.Ellipsis); ok {
				dots = "..."
			}
			if len(field.Names) == 0 {
				given := fmt.Sprintf("unnamed%d", at(field.Pos()))
				names = append(names, edit{at(field.Pos()), at(field.Pos()), given + " "})
				all = append(all, given+dots)
			}
			for _, n := range field.Names {
				given := n.Name
				if given == "_" {
					given = fmt.Sprintf("unnamed%d", at(n.Pos()))
					names = append(names, edit{at(n.Pos()), at(n.End()), given})
				}
				all = append(all, given+dots)
			}
		}
		return all
	}
	if of := list(f.Recv); len(of) > 0 {
		name = of[0] + "." + name
	}
	if of := list(f.Type.TypeParams); len(of) > 0 {
		name += "[" + strings.Join(of, ", ") + "]"
	}
	call = name + "(" + strings.Join(list(f.Type.Params), ", ") + ")"
	if f.Type.Results == nil {
		return call + "; return", names
	}
	return "return " + call, names
}
