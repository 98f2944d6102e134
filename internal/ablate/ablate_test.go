//go:build integration

package ablate_test

import (
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/ablate"
)

// TestEachRowIsTakenOutAlone, from functions of every form: its test then fails, and no other does.
func TestEachRowIsTakenOutAlone(t *testing.T) {
	t.Parallel()
	rows := []ablate.Row{
		{"a method of a generic type", "forms_test.go", "return slices.Contains(l, v)", "return false", "TestMethodOfAGenericType"},
		{"unnamed parameters", "forms_test.go", `return "good"`, `return "bad"`, "TestUnnamed"},
		{"blank parameters", "forms_test.go", "*n = 7", "*n = 8", "TestBlank"},
		{"type parameters", "forms_test.go", "all = append(all, v...)", "_ = v", "TestGeneric"},
		{"a part of a function", "forms_test.go", "\ta++\n", "", "TestTwice"},
		{"another part", "forms_test.go", "a := 1", "a := 2", "TestTwice"},
		{"what is not there", "forms_test.go", "a := 3", "", ""},
		{"what is there twice", "forms_test.go", "t.Error", "", ""},
		{"what is in no function", "forms_test.go", "type number int", "", ""},
	}
	b := ablate.Build(t, ".", rows)
	if out, passed := b.Run(t, -1, "."); !passed {
		t.Errorf("with nothing removed a test fails:\n%s", out)
	}
	for i, row := range rows {
		if row.Finds == "" {
			if b.Err(i) == nil {
				t.Errorf("%s: the row can be applied, want an error", row.Name)
			}
			continue
		}
		out, passed := b.Run(t, i, ".")
		if n := strings.Count(out, "--- FAIL"); passed || n != 1 || !strings.Contains(out, "--- FAIL: "+row.Finds) {
			t.Errorf("%s: %d tests fail, want %s alone:\n%s", row.Name, n, row.Finds, out)
		}
	}
}
