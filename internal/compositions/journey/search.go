package journey

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// Steps is the number of steps in a random journey.
const Steps = 16

// Options say how long to search. A search ends at the first limit that is set.
type Options struct {
	Seed  uint64        // of journey 0
	For   time.Duration // of real time
	Count int           // of journeys
	Kind  string        // report only failures of this kind, and end at the first; "": all
	Step  string        // and only those after a step with this prefix
	Log   func(string)  // is called with each shrunk failure; may be nil

	Progress func(string) // is called once a minute; may be nil
}

// Report is the result of a search.
type Report struct {
	Seed            uint64
	Journeys, Steps int
	Took            time.Duration
	Triples, Of     int // combinations of three switches' values: those that occurred, and all
	Failures        []*Failure
}

// String returns r in one line.
func (r *Report) String() string {
	return fmt.Sprintf("seed %d: %d journeys, %d steps in %v; %d of %d triples of values met; %d broken promises",
		r.Seed, r.Journeys, r.Steps, r.Took.Round(100*time.Millisecond), r.Triples, r.Of, len(r.Failures))
}

// Search draws journeys and runs them. Every second one has switches of the covering array, in which every
// pair of values occurs; the others have random ones. Failures are shrunk, and each shrunk form is reported
// once.
func Search(t *testing.T, o Options) *Report {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // allocations are short-lived and the heap is small
	pairs, start := Pairs(), time.Now()
	said := start
	r := &Report{Seed: o.Seed, Of: triples()}
	met, forms := map[[6]uint8]bool{}, map[string]bool{}
	for ; (o.Count == 0 || r.Journeys < o.Count) && (o.For == 0 || time.Since(start) < o.For); r.Journeys++ {
		if o.Progress != nil && time.Since(said) > time.Minute {
			said, r.Took = time.Now(), time.Since(start)
			o.Progress(fmt.Sprintf("after %v: journey %d, %d broken promises", r.Took.Round(time.Second), r.Journeys, len(r.Failures)))
		}
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
		if !s.possible() {
			s.Bound = 0
		}
		if row/len(pairs)%20 != 19 {
			s.Store = 0 // a journey with Redis scripts takes twenty times as long
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
			small = f // it does not fail each time: something random does not follow the seed
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

// form is the same for all journeys that differ only in the fields of their steps, such as browsers and
// users.
func (f *Failure) form() string {
	var b strings.Builder
	b.WriteString(f.Kind() + fields(f.Journey.Switches))
	for _, s := range f.Journey.Steps {
		b.WriteString("; " + s.Do)
	}
	return b.String()
}

// meet records the triples of values that occur in s.
func meet(s Switches, met map[[6]uint8]bool) {
	for a := range dimensions {
		for b := a + 1; b < len(dimensions); b++ {
			for c := b + 1; c < len(dimensions); c++ {
				met[[6]uint8{uint8(a), uint8(b), uint8(c), uint8(*dimensions[a].at(&s)), uint8(*dimensions[b].at(&s)), uint8(*dimensions[c].at(&s))}] = true //nolint:gosec // small numbers
			}
		}
	}
}

// triples returns the number of all triples of values that can meet.
func triples() (n int) {
	for a := range dimensions {
		for b := a + 1; b < len(dimensions); b++ {
			for c := b + 1; c < len(dimensions); c++ {
				for x := range dimensions[a].values {
					for y := range dimensions[b].values {
						for z := range dimensions[c].values {
							if !apart(a, x, b, y) && !apart(a, x, c, z) && !apart(b, y, c, z) {
								n++
							}
						}
					}
				}
			}
		}
	}
	return n
}
