//go:build integration

package journey_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
	"github.com/seed-6f34412b/passport/internal/redistest"
	"github.com/seed-6f34412b/passport/internal/sqltest"
)

// TestJourneysOnARealRedis takes some through a redis-server, once with each configuration of the covering
// array and each seed. Of the seeds two have broken something once, where the store hung.
func TestJourneysOnARealRedis(t *testing.T) {
	server := redistest.Start(t)
	for _, first := range []uint64{*seed, 29990, 30011} {
		t.Run(fmt.Sprint("seed ", first), func(t *testing.T) {
			for i, s := range journey.Pairs() {
				n := first + uint64(i)
				random := rand.New(rand.NewPCG(n, 0))
				s.Store = 1 + i%3
				if f := journey.RunOn(t, journey.Draw(n, s, journey.Steps, random.IntN), server.Addr); f != nil {
					t.Error(f)
				}
			}
		})
	}
}

// TestJourneysOfACachedRedis takes one through a redis-server whose records are read from a client-side cache,
// with every third configuration of the covering array.
func TestJourneysOfACachedRedis(t *testing.T) {
	server := redistest.Start(t)
	for i, s := range journey.Pairs() {
		if i%3 > 0 {
			continue
		}
		n := *seed + uint64(i)
		random := rand.New(rand.NewPCG(n, 3))
		if f := journey.RunCached(t, journey.Draw(n, s, journey.Steps, random.IntN), server.Addr); f != nil {
			t.Error(f)
		}
	}
}

// TestJourneysOnPostgres takes one through a PostgreSQL with every third configuration of the covering array. Its
// clock goes with the journey's, so that minutes and months pass there too.
func TestJourneysOnPostgres(t *testing.T) {
	on := journey.NewPostgres(t, sqltest.StartPostgres(t))
	for i, s := range journey.Pairs() {
		if i%3 > 0 {
			continue
		}
		n := *seed + uint64(i)
		random := rand.New(rand.NewPCG(n, 2))
		if f := journey.RunOnPostgres(t, journey.Draw(n, s, journey.Steps, random.IntN), on); f != nil {
			t.Error(f)
		}
	}
}
