package live_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/interop/live"
)

// TestTheDocumentNamesScenarios: in the table of stores in docs/MIGRATING.md, the last cell of a row is
// empty or names a scenario.
func TestTheDocumentNamesScenarios(t *testing.T) {
	text, err := os.ReadFile("../../../docs/MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| here | scenario |\n")
	if !found {
		t.Fatal("docs/MIGRATING.md has no table of scenarios")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	names, named := live.Names(), 0
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(row, "|\n"), "|")
		name := strings.Trim(cells[len(cells)-1], " `-")
		if name == "" {
			continue
		}
		named++
		if !slices.Contains(names, name) {
			t.Errorf("docs/MIGRATING.md names %q, which is not a scenario", name)
		}
	}
	if named == 0 {
		t.Error("docs/MIGRATING.md names no scenario")
	}
}
