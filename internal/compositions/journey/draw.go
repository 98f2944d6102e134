package journey

import (
	"slices"
	"strings"
)

// Draw draws a journey of n steps. pick returns a random number below its argument.
func Draw(seed uint64, s Switches, n int, pick func(int) int) Journey {
	j := Journey{Seed: seed, Switches: s}
	total, some := 0, s.actions()
	for _, a := range some {
		total += a.weight
	}
	few := pick(3) + 1 // with fewer browsers, more steps concern the same session
	for range n {
		k := pick(total)
		var step Step
		for _, a := range some {
			if k -= a.weight; k < 0 {
				step.Do = a.name
				break
			}
		}
		step.B, step.G, step.U, step.P, step.N = pick(few), pick(2), 1+pick(2), pick(2), pick(len(lengths))
		if pick(4) == 0 {
			step.U = 3
		}
		step.Remember, step.Old, step.Lost = pick(2) == 0, pick(6) == 0, pick(12) == 0
		step.Late = pick(10) == 0
		j.Steps = append(j.Steps, step)
	}
	if s.Outage >= 2 && pick(2) == 0 {
		j.Steps = failOver(j.Steps, pick)
	}
	return j
}

// DrawFailOver draws a journey with a fail-over.
func DrawFailOver(seed uint64, s Switches, n int, pick func(int) int) Journey {
	j := Draw(seed, s, n, pick)
	j.Steps = failOver(j.Steps, pick)
	return j
}

// failOver puts a fail-over into steps, and perhaps the return of the old primary, in the order in which it
// happens.
func failOver(steps []Step, pick func(int) int) []Step {
	at := 0
	for _, do := range []string{"the replica falls behind", "the replica takes over", "the old primary is back as itself", "the old primary is back"} {
		if pick(4) == 0 {
			continue
		}
		at += 1 + pick(5)
		steps = slices.Insert(steps, min(at, len(steps)), Step{Do: do})
	}
	return steps
}

// actions returns the actions that have an effect under the switches.
func (s Switches) actions() []action {
	return slices.DeleteFunc(slices.Clone(actions), func(a action) bool {
		return s.Node == 0 && strings.HasSuffix(a.name, "at Express") || !s.happens(a.name)
	})
}

// together turns off the switches that exclude bound sessions.
func (s Switches) together() Switches {
	if s.Bound == 1 {
		s.Remember, s.Deploy, s.SameSite = 0, s.Deploy/2%2*2, s.SameSite%3
	}
	return s
}

// happens reports whether a step is possible under the switches.
func (s Switches) happens(do string) bool {
	if strings.HasPrefix(do, "open a stream") || strings.HasPrefix(do, "close a stream") {
		return s.Streams == 1
	}
	if do == "bind the session" || do == "a thief's page" {
		return s.binds()
	}
	if strings.HasPrefix(do, "the reads") {
		return s.Lag == 1
	}
	if strings.HasPrefix(do, "the replica") || strings.HasPrefix(do, "the old primary") {
		return s.Outage >= 2
	}
	return s.Outage > 0 || !strings.HasPrefix(do, "the store")
}

// Shrink returns the smallest journey that it finds that breaks the same promise: with fewer steps,
// switches that are off, and simpler steps. try returns the kind of a failure.
func Shrink(j Journey, kind string, try func(Journey) string) Journey {
	for smaller := true; smaller; {
		smaller = false
		accept := func(c Journey) bool {
			if try(c) != kind {
				return false
			}
			j, smaller = c, true
			return true
		}
		for size := max(len(j.Steps)/2, 1); size > 0; size /= 2 {
			for i := len(j.Steps) - size; i >= 0; i-- {
				if i+size > len(j.Steps) {
					continue
				}
				c := j
				c.Steps = append(append([]Step(nil), j.Steps[:i]...), j.Steps[i+size:]...)
				accept(c)
			}
		}
		for _, d := range dimensions {
			for x := range *d.at(&j.Switches) {
				c := j
				*d.at(&c.Switches) = x
				if accept(c) {
					break
				}
			}
		}
		for i := range j.Steps {
			for _, less := range plainer {
				c := j
				c.Steps = append([]Step(nil), j.Steps...)
				if less(&c.Steps[i]); c.Steps[i] != j.Steps[i] {
					accept(c)
				}
			}
		}
	}
	return j
}

// plainer are the ways to make a step simpler.
var plainer = []func(*Step){
	func(s *Step) { s.Lost = false },
	func(s *Step) { s.Late = false },
	func(s *Step) { s.Old = false },
	func(s *Step) { s.Remember = false },
	func(s *Step) { s.P = 0 },
	func(s *Step) { s.G = 0 },
	func(s *Step) { s.B = 0 },
	func(s *Step) { s.U = min(s.U, 1) },
	func(s *Step) { s.U = 0 },
	func(s *Step) { s.N /= 2 },
}
