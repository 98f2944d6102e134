//go:build integration

package journey_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

// TestJourneysOfAFailOver runs journeys on two redis-servers. The second one is a replica of the first. It
// takes over, with or without what was answered last, and the first one is back: as a replica, or as itself
// for a while. In half of them a write counts only if the replica has it. It runs every fifth configuration,
// or all with -full.
func TestJourneysOfAFailOver(t *testing.T) {
	pair := journey.NewPair(t)
	for i, s := range journey.Pairs() {
		if i%5 > 0 && !*full {
			continue
		}
		n := *seed + uint64(i)
		random := rand.New(rand.NewPCG(n, 4))
		s.Outage = 2 + i%2
		if f := journey.RunFailOver(t, journey.DrawFailOver(n, s, journey.Steps, random.IntN), pair); f != nil {
			t.Error(f)
		}
	}
}
