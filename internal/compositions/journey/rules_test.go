//go:build integration

package journey_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/ablate"
	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

// rule is a rule of the model: where it says so, what is put in the place of that, and a journey that then
// breaks.
type rule struct {
	name, file, old, without string
	journey                  journey.Journey
}

var rules = []rule{
	//ROWS
}

// TestEachRuleOfTheModelBites changes one rule of the model at a time in a copy, and requires that a journey
// then breaks which does not break otherwise: a rule that no journey can break says nothing.
func TestEachRuleOfTheModelBites(t *testing.T) {
	t.Parallel()
	var rows []ablate.Row
	for _, r := range rules {
		rows = append(rows, ablate.Row{Name: r.name, File: "model/" + r.file, Old: r.old, New: r.without})
	}
	changed := ablate.Build(t, "..", rows)
	for i, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			run := "^TestJourneysOfRules$/^" + regexp.QuoteMeta(r.name)
		})
	}
	_ = changed
}
