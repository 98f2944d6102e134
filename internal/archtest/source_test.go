package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/seed-6f34412b/passport"
	root   = "../.."
)

// file is a Go file of the core module.
type file struct {
	path string // relative to the module's root
	pkg  string // the package's path in the module
	test bool
	ast  *ast.File
	size int // lines
}

// sources returns every Go file of the core module, without testdata and folders that have a go.mod of
// their own.
func sources(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	fset := token.NewFileSet()
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, noModule := os.Stat(filepath.Join(path, "go.mod"))
			name := d.Name()
			if rel != "." && (noModule == nil || name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		files = append(files, file{rel, strings.TrimSuffix(rel[:len(rel)-len(d.Name())], "/"), strings.HasSuffix(rel, "_test.go"), tree, strings.Count(string(text), "\n")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	return fset, files
}

// imports returns what f imports: our own packages as paths in the module, others unchanged.
func (f *file) imports(t *testing.T) (ours, others []string) {
	t.Helper()
	for _, spec := range f.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if below, ok := strings.CutPrefix(path, module+"/"); ok {
			ours = append(ours, below)
		} else if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			others = append(others, path)
		}
	}
	return ours, others
}

// tools are the folders below internal that are not part of the library. Every other one is, and must be in
// the table of arrows.
var tools = []string{
	"ablate", "archtest", "attack", "benchmarks", "browser", "chromium", "cookbook", "credtest", "devicetest", "faultproxy", "hops", "interop", "model", "parity", "redistest", "reliability", "seccover", "subprocess", "tools",
}

// tool reports whether pkg is not part of the library: no library package may import it, and it may import
// anything.
func tool(pkg string) bool {
	folder, internal := strings.CutPrefix(pkg, "internal/")
	folder, _, _ = strings.Cut(folder, "/")
	return strings.HasPrefix(pkg, "examples/") || internal && slices.Contains(tools, folder)
}
