//go:build integration

package main_test

import (
	"testing"

	"github.com/seed-6f34412b/passport/internal/reliability/rig"
	"github.com/seed-6f34412b/passport/internal/reliability/scenario"
)

const racesTitle = "1. Races: how often the promise was broken"

// TestRaces runs thousands of randomly timed requests, in the same scenarios as package peers does for
// other libraries.
func TestRaces(t *testing.T) {
	row := table(racesTitle, "Promise: none of", "Store", "Broken", "Requests told to try again")
	for _, st := range stores {
		t.Run(st.name, func(t *testing.T) {
			_, target := serve(t, st.make(t))
			for _, r := range scenario.All(t.Context(), target, sized(300, 5000)) {
				row(r.Name, st.name, r, r.Failed)
				if r.Broken != 0 || r.Of == 0 {
					t.Errorf("%s: %v", r.Name, r)
				}
			}
		})
	}
}

// TestRacesOfOurOwn are those for features that other libraries do not have.
func TestRacesOfOurOwn(t *testing.T) {
	row := table(racesTitle, "Promise: none of", "Store", "Broken", "Requests told to try again")
	for _, st := range stores {
		for _, race := range rig.Races {
			t.Run(st.name+"/"+race.Name, func(t *testing.T) {
				r := race.Run(t.Context(), t, st.make(t), sized(150, 2000))
				row(r.Name, st.name, r, r.Failed)
				if r.Broken != 0 || r.Of == 0 {
					t.Errorf("%s: %v", r.Name, r)
				}
			})
		}
	}
}
