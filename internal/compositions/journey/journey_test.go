package journey_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-6f34412b/passport/internal/compositions/journey"
)

var (
	duration = flag.Duration("for", inCI, "how long to search")
	ofKind   = flag.String("kind", "", "report only broken promises of this kind, and end at the first")
	ofStep   = flag.String("step", "", "report only those after a step whose name has this prefix")
	full     = flag.Bool("full", false, "run the races with all switches")
	few      = flag.Int("journeys", 1500, "how many journeys to run if -for is 0")
	seed     = flag.Uint64("seed", 20261126, "seed of the first journey; the default is fixed, so that the same code has the same result")
)

// TestRandomJourneys checks what the documents promise. A journey that fails is printed as a test that can
// be pasted. The command in internal/compositions searches for longer.
func TestRandomJourneys(t *testing.T) {
	o := journey.Options{Seed: *seed, For: *duration, Kind: *ofKind, Step: *ofStep, Log: func(failure string) { t.Error(failure) }, Progress: func(text string) { t.Log(text) }}
	if o.For == 0 {
		o.Count = *few
	}
	t.Log(journey.Search(t, o))
}

// TestJourneysOnSQLite runs one journey on SQLite in memory with each configuration of the covering array.
func TestJourneysOnSQLite(t *testing.T) {
	for i, s := range journey.Pairs() {
		if i%each != 0 {
			continue
		}
		n := *seed + uint64(i)
		random := rand.New(rand.NewPCG(n, 1))
		s.Store = 4
		if f := journey.Run(t, journey.Draw(n, s, journey.Steps, random.IntN)); f != nil {
			t.Error(f)
		}
	}
}

// TestDrawnByRapid draws such journeys with rapid, which shrinks the random choices instead of the journey.
// Shrinking keeps the kind of the first failure.
func TestDrawnByRapid(t *testing.T) {
	pairs, kind := journey.Pairs(), ""
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		s := pairs[pick(len(pairs))]
		s.Store = 0
		f := journey.Run(t, journey.Draw(uint64(pick(1000)), s, journey.Steps, pick)) //nolint:gosec // below 1000
		if f == nil || kind != "" && f.Kind() != kind {
			return
		}
		kind = f.Kind()
		rt.Fatal(f)
	})
}

// TestEveryPairOfValuesMeets checks that every pair of values that can meet occurs in the covering array.
func TestEveryPairOfValuesMeets(t *testing.T) {
	rows := journey.Pairs()
	t.Logf("%d configurations", len(rows))
	names := journey.DimensionNames()
	for a := range names {
		for b := a + 1; b < len(names); b++ {
			met, as, bs := map[[2]string]bool{}, map[string]bool{}, map[string]bool{}
			for _, s := range rows {
				d := s.Describe()
				met[[2]string{d[a], d[b]}], as[d[a]], bs[d[b]] = true, true, true
			}
			want := len(as) * len(bs)
			for x := range as {
				for y := range bs {
					if journey.Excluded(names[a], x, names[b], y) != "" {
						want--
					}
				}
			}
			if len(met) != want {
				t.Errorf("%s with %s: %d pairs meet, want %d", names[a], names[b], len(met), want)
			}
		}
	}
}
