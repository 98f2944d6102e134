//go:build integration

package journey_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

// TestTheDocumentHasTheTables checks that docs/RELIABILITY.md lists the current configurations and fixes.
// The command go run ./internal/compositions -doc writes them.
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
	for _, row := range want {
		if !strings.Contains(string(page), "| "+row+" |") {
			t.Errorf("docs/RELIABILITY.md has no row | %s |", row)
		}
	}
}
