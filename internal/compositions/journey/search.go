package journey

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// Steps is how many steps a random journey has.
const Steps = 16

// Options say how long to search. A search ends at the first of the limits that are set.
type Options struct {
	Seed  uint64        // of journey 0
	For   time.Duration // of real time
	Count int           // of journeys
	Kind  string        // look for failures of this kind alone, and end at the first; "" for all
	Step  string        // and only where they show after a step whose name begins so
	Log   func(string)  // gets each failure when it is shrunk; nil for nowhere
}

// Report is what a search saw.
type Report struct {
	Seed            uint64
	Journeys, Steps int
	Took            time.Duration
	Triples, Of     int // combinations of three switches' values that met, and all there are
	Failures        []*Failure
}

// String returns r in one line.
func (r *Report) String() string {
	return fmt.Sprintf("seed %d: %d journeys, %d steps in %v; %d of %d triples of values met; %d broken promises",
		r.Seed, r.Journeys, r.Steps, r.Took.Round(100*time.Millisecond), r.Triples, r.Of, len(r.Failures))
}

// Search draws journeys and runs them: every second one with switches of the covering array, in
// which every pair of values meets, the others with any. Failures are shrunk, and those of one
// shrunk form told once.
func Search(t *testing.T, o Options) *Report {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // short lives, small heap
	pairs, start := Pairs(), time.Now()
	r := &Report{Seed: o.Seed, Of: triples()}
	met, forms := map[[6]uint8]bool{}, map[string]bool{}
	for ; (o.Count == 0 || r.Journeys < o.Count) && (o.For == 0 || time.Since(start) < o.For); r.Journeys++ {
		n := r.Journeys
		seed := o.Seed + uint64(n)               //nolint:gosec // a number of journeys
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it has to follow the seed
		row := n / 2
		s := pairs[row%len(pairs)]
		if n%2 == 1 {
			for _, d := range dimensions {
				*d.at(&s) = random.IntN(len(d.values))
			}
		}
		if n%4 == 3 {
			s = s.together()
		}
		if row/len(pairs)%20 != 19 {
			s.Store = 0 // the scripts of Redis take twenty times as long here
		}
		meet(s, met)
		j := Draw(seed, s, Steps, random.IntN)
		r.Steps += len(j.Steps)
		f := Run(t, j)
		if f == nil || o.Kind != "" && (f.Kind() != o.Kind || !strings.HasPrefix(f.Journey.Steps[f.Step].Do, o.Step)) {
			continue
		}
		small := Run(t, Shrink(j, f.Kind(), kindOf(t)))
		if small == nil {
			small = f // it does not fail each time: chance that the seed does not decide
		}
		if form := small.form(); !forms[form] {
			forms[form] = true
			r.Failures = append(r.Failures, small)
			if o.Log != nil {
				o.Log(small.Error())
			}
		}
		if o.Kind != "" {
			r.Journeys++
			break
		}
	}
	r.Took, r.Triples = time.Since(start), len(met)
	return r
}

// kindOf runs a journey and returns the kind of its failure, "" for none.
func kindOf(t *testing.T) func(Journey) string {
	return func(j Journey) string {
		if f := Run(t, j); f != nil {
			return f.Kind()
		}
		return ""
	}
}

// form is the same for all journeys that differ by nothing but names of browsers, users and values.
func (f *Failure) form() string {
	var b strings.Builder
	b.WriteString(f.Kind() + fields(f.Journey.Switches))
	for _, s := range f.Journey.Steps {
		b.WriteString("; " + s.Do)
	}
	return b.String()
}

// meet notes the triples of values that meet in s.
func meet(s Switches, met map[[6]uint8]bool) {
	for a := range dimensions {
		for b := a + 1; b < len(dimensions); b++ {
			for c := b + 1; c < len(dimensions); c++ {
				met[[6]uint8{uint8(a), uint8(b), uint8(c), uint8(*dimensions[a].at(&s)), uint8(*dimensions[b].at(&s)), uint8(*dimensions[c].at(&s))}] = true //nolint:gosec // small numbers
			}
		}
	}
}

// triples is how many there are.
func triples() (n int) {
	for a := range dimensions {
		for b := a + 1; b < len(dimensions); b++ {
			for c := b + 1; c < len(dimensions); c++ {
				n += len(dimensions[a].values) * len(dimensions[b].values) * len(dimensions[c].values)
			}
		}
	}
	return n
}
