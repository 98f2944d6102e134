//go:build integration

package journey_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
	"github.com/seed-6f34412b/passport/internal/redistest"
)

// TestJourneysOnARealRedis takes some through a redis-server, once with each configuration of the covering
// array.
func TestJourneysOnARealRedis(t *testing.T) {
	server := redistest.Start(t)
	rows := journey.Pairs()
	for i, s := range rows {
		n := *seed + uint64(i)
		random := rand.New(rand.NewPCG(n, 0))
		s.Store = 1 + i%3
		if f := journey.RunOn(t, journey.Draw(n, s, journey.Steps, random.IntN), server.Addr); f != nil {
			t.Error(f)
		}
	}
	t.Logf("seed %d: %d journeys", *seed, len(rows))
}
