package sessiontest_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

func newMemory(tombstones bool) *store.MemoryStore {
	m, err := store.Memory(store.MemoryConfig{Tombstones: tombstones})
	if err != nil {
		panic(err)
	}
	return m.Sessions
}

// TestRulesQuoteTheContract word for word, so that neither can be changed alone.
func TestRulesQuoteTheContract(t *testing.T) {
	source, err := os.ReadFile("../store.go")
	if err != nil {
		t.Fatal(err)
	}
	var comments []string
	for line := range strings.Lines(string(source)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "//"); ok {
			comments = append(comments, text)
		}
	}
	contract := strings.Join(strings.Fields(strings.Join(comments, " ")), " ")
	for _, q := range sessiontest.Quotes() {
		if !strings.Contains(contract, q) {
			t.Errorf("the contract does not say %q", q)
		}
	}
	names := sessiontest.Names()
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != len(sessiontest.Names()) {
		t.Errorf("%d rules have %d names", len(sessiontest.Names()), n)
	}
}

// TestAStoreWithFourMethodsPasses: abilities are optional.
func TestAStoreWithFourMethodsPasses(t *testing.T) {
	sessiontest.RunInBubble(t, func(*testing.T) session.Store { return struct{ session.Store }{newMemory(false)} })
}
