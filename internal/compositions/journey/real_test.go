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

// TestJourneysOnARealRedis runs one journey on a redis-server for each configuration of the covering array
// and each seed. Two of the seeds once broke a promise, while the store hung.
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

// TestJourneysOfACachedRedis runs one journey on a redis-server whose records are read through a
// client-side cache, for every third configuration of the covering array.
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

// TestJourneysOnPostgres runs one journey on a PostgreSQL for every third configuration of the covering
// array. Its clock follows the journey's, so that days pass there too.
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
