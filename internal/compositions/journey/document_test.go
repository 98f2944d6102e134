//go:build integration

package journey_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

// TestTheDocumentHasTheTables checks that docs/RELIABILITY.md lists the current configurations and fixes, which
// the command go run ./internal/compositions -doc writes, and says how many rules of the model are changed.
func TestTheDocumentHasTheTables(t *testing.T) {
	page, err := os.ReadFile("../../../docs/RELIABILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range journey.Pairs() {
		want = append(want, strings.Join(s.Describe(), " | "))
	}
	for _, m := range mends {
		want = append(want, m.name+" | "+m.kind)
	}
	if changed := fmt.Sprintf("%d of its rules are changed", len(rules)); !strings.Contains(string(page), changed) {
		t.Errorf("docs/RELIABILITY.md does not say that %s", changed)
	}
	for _, row := range want {
		if !strings.Contains(string(page), "| "+row+" |") {
			t.Errorf("docs/RELIABILITY.md has no row | %s |", row)
		}
	}
}
