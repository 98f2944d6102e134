// Package journey answers: do all features together keep what the model promises?
//
// A Journey is data: switches, which configure the program, and steps. Run takes the whole program behind
// HTTP through the steps, with a synthetic clock, and compares it with the model after each one.
package journey

import (
	"fmt"
	"reflect"
	"strings"
)

// Journey is one run. Every step is valid in every state, so that any of them can be left out.
type Journey struct {
	Seed     uint64 // of all random numbers in the program
	Switches Switches
	Steps    []Step
}

// Switches say which features are on. The zero value is the simplest program.
type Switches struct {
	Guards   int // 0: one; 1: two guards in one session; 2: each with a Manager of its own
	Stamp    int // 1: a change of the password ends log-ins
	Remember int // 1: browsers are remembered; 2: only the second process offers it
	Max      int // the maximum number of a user's sessions; 0: no limit
	Refuse   int // 1: a log-in beyond Max is refused
	Factor   int // 1: user 1 has set up TOTP; 2: pages require it of everybody; 3: user 1 has set up a passkey
	Cookie   int // 1: persistent; 2: and rolling
	Deploy   int // the second process has 1: another cookie and codec, and accepts the first's with Reissue; 2: another secret first; 3: only another secret
	Ids      int // users' ids: 1: objects with the role, and a Namer; 2: objects; 3: as 1, but only the second process writes them
	Notes    int // 1: the store keeps tombstones
	Store    int // 1: Redis; 2: Redis, records are read in an automatic pipeline; 3: from a replica; 4: SQLite
	Outage   int // 1: the store dies, hangs, comes back, perhaps empty; 2: also, a replica takes over, and the old primary comes back; 3: also, a replica has to confirm each write
	Lag      int // 1: records are read from a replica that may lag
	SameSite int // 1: Strict; 2: None; 3: None and Partitioned
	Node     int // Express with the same store: 1: passport 0.4; 2: 0.7; 3: 0.7 with keepSessionInfo
	Streams  int // 1: streams are opened
	Bound    int // 1: browsers bind their sessions to a key
	Throttle int // 1: guesses are counted; 2: behind a trusted proxy; 3: behind one that is not trusted
}

// Step is one thing that somebody does.
type Step struct {
	Do       string // the name of an action
	B        int    // the number of the browser
	G        int    // the number of the guard
	U        int    // the user, from 1
	P        int    // the number of the process
	N        int    // selects the value, label, device or length of time
	Remember bool   // the box is ticked at a log-in
	Old      bool   // with the cookies that the browser had before the last change
	Lost     bool   // the answer does not arrive
	Late     bool   // the answer arrives after the next one: another tab sends a request meanwhile
}

// String returns j as a Go test that can be pasted.
func (j Journey) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "func TestPasted(t *testing.T) {\n\tjourney.Try(t, journey.Journey{\n\t\tSeed:     %d,\n\t\tSwitches: journey.Switches{%s},\n\t\tSteps: []journey.Step{\n", j.Seed, fields(j.Switches))
	for _, s := range j.Steps {
		fmt.Fprintf(&b, "\t\t\t{%s},\n", fields(s))
	}
	return b.String() + "\t\t},\n\t})\n}\n"
}

// fields lists the fields of a struct that are not zero.
func fields(v any) string {
	var list []string
	r := reflect.ValueOf(v)
	for i := range r.NumField() {
		if f := r.Field(i); !f.IsZero() {
			list = append(list, fmt.Sprintf("%s: %#v", r.Type().Field(i).Name, f.Interface()))
		}
	}
	return strings.Join(list, ", ")
}
