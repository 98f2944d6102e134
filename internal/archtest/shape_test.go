package archtest

import (
	"go/ast"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

const maxLines = 450

func TestFilesAreShort(t *testing.T) {
	_, files := sources(t)
	for _, f := range files {
		if f.size > maxLines {
			t.Errorf("%s has %d lines, want at most %d: put one mechanism into a file", f.path, f.size, maxLines)
		}
	}
}

func TestTheTopLevelIsFixed(t *testing.T) {
	folders := []string{"strategy", "session", "serializer", "guard", "store", "examples", "internal", "docs"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() && !strings.HasPrefix(name, ".") && !slices.Contains(folders, name) {
			t.Errorf("folder %s at the top: want only %s", name, strings.Join(folders, ", "))
		}
		if strings.HasSuffix(name, ".go") {
			t.Errorf("%s at the top: the entry package is guard", name)
		}
	}
}

// TestExportedNamesAreDocumented, each by a comment that starts with the name. One comment may document a
// group of constants, or the fields on the lines below it.
func TestExportedNamesAreDocumented(t *testing.T) {
	fset, files := sources(t)
	packages := map[string]bool{} // whether a package has a doc comment
	for _, f := range files {
		if f.test || tool(f.pkg) {
			continue
		}
		packages[f.pkg] = packages[f.pkg] || f.ast.Doc != nil
		for _, decl := range f.ast.Decls {
			for _, fault := range undocumented(fset, decl) {
				t.Errorf("%s: %s", fset.Position(fault.pos), fault.text)
			}
		}
	}
	for pkg, documented := range packages {
		if !documented {
			t.Errorf("package %s has no doc comment", pkg)
		}
	}
}

type fault struct {
	pos  token.Pos
	text string
}

func undocumented(fset *token.FileSet, decl ast.Decl) (faults []fault) {
	needs := func(name *ast.Ident, doc *ast.CommentGroup) {
		if !strings.HasPrefix(doc.Text(), name.Name) {
			faults = append(faults, fault{name.Pos(), name.Name + " has no doc comment that starts with its name"})
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) {
			needs(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if !s.Name.IsExported() {
					continue
				}
				doc := s.Doc
				if doc == nil && !d.Lparen.IsValid() {
					doc = d.Doc
				}
				needs(s.Name, doc)
				faults = append(faults, undocumentedMembers(fset, s, doc)...)
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
					faults = append(faults, fault{s.Pos(), s.Names[0].Name + " has no comment"})
				}
			}
		}
	}
	return faults
}

// exportedReceiver reports whether d is a function, or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	of := d.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	switch generic := of.(type) {
	case *ast.IndexExpr:
		of = generic.X
	case *ast.IndexListExpr:
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	return ok && name.IsExported()
}

// undocumentedMembers returns the exported fields and methods of a type that are not documented: they have
// no comment of their own, none above their group of lines, and doc, the type's, does not name them.
func undocumentedMembers(fset *token.FileSet, s *ast.TypeSpec, doc *ast.CommentGroup) (faults []fault) {
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return nil
	}
	spoken := 0 // the last line that a comment documents
	for _, f := range fields.List {
		line := fset.Position(f.Pos()).Line
		if f.Doc != nil || f.Comment != nil || line == spoken+1 {
			spoken = fset.Position(f.End()).Line
			continue
		}
		if len(f.Names) > 0 && f.Names[0].IsExported() && !strings.Contains(strings.ToLower(doc.Text()), strings.ToLower(f.Names[0].Name)) {
			faults = append(faults, fault{f.Pos(), s.Name.Name + "." + f.Names[0].Name + " has no comment"})
		}
	}
	return faults
}

// TestASessionsLinesAreWrittenInOnePlace: a session may be locked when it logs a line. Session.log ensures
// that a Handler that uses the session does not wait for ever.
func TestASessionsLinesAreWrittenInOnePlace(t *testing.T) {
	fset, files := sources(t)
	var in []string
	for _, f := range files {
		if f.pkg != "session" || f.test {
			continue
		}
		for _, decl := range f.ast.Decls {
			name := "no function"
			if fn, ok := decl.(*ast.FuncDecl); ok {
				name = fn.Name.Name
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || method.Sel.Name == "Enabled" {
					return true
				}
				if of, ok := method.X.(*ast.SelectorExpr); ok && of.Sel.Name == "Logger" {
					if in = append(in, name); name != "log" && name != "report" {
						t.Errorf("%s: %s uses the logger directly: call Session.log", fset.Position(n.Pos()), name)
					}
				}
				return true
			})
		}
	}
	if len(in) != 2 {
		t.Errorf("lines are logged in %q: want log, and report for when there is no session", in)
	}
}
