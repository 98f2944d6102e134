// Package journey answers: do all features together keep what the model promises?
//
// A Journey is data: switches, which say how the program is configured, and steps. Run drives the
// whole program behind HTTP by it, on a synthetic clock, and compares it with the model after each
// step.
package journey

import (
	"fmt"
	"reflect"
	"strings"
)

// Journey is one run. Every step means something in every state, so that any of them can be left
// out.
type Journey struct {
	Seed     uint64 // of everything random in the program
	Switches Switches
	Steps    []Step
}

// Switches say which features are on. The zero value is the plainest program.
type Switches struct {
	Guards   int // 0 and 1: two guards in one session; 2: each with a Manager of its own
	Stamp    int // 1: sessions end with the password
	Remember int // 1: browsers are remembered; 2: newly by the second process only
	Max      int // sessions of a user at most, if not 0
	Refuse   int // 1: a log-in too many is refused
	Factor   int // 1: user 1 has set up a second factor; 2: pages ask for it of everybody; 3: that is a passkey
	Cookie   int // 1: persistent; 2: rolling too
	Deploy   int // the second process: 1: another cookie and codec, and accepts the first's with Reissue; 2: another secret first; 3: it alone
	Ids      int // users' ids: 1: objects with a role in them, and a Namer; 2: objects; 3: the second process alone writes those of 1
	Notes    int // 1: the store keeps tombstones
	Store    int // 1: Redis; 2: records are read in an automatic pipeline; 3: from a replica; 4: SQLite
	Outage   int // 1: the store dies, hangs, comes back, or empty; 2: a replica takes over too
	Lag      int // 1: records are read from a replica that may lag
	SameSite int // 1: Strict; 2: None; 3: None and Partitioned
	Node     int // Express beside: 1: passport 0.4; 2: 0.7; 3: 0.7 with keepSessionInfo
	Streams  int // 1: streams are opened
	Bound    int // 1: browsers bind their sessions to a key
	Throttle int // 1: guesses are counted; 2: behind a trusted proxy; 3: behind one that is not trusted
}

// Step is one thing that somebody does.
type Step struct {
	Do       string // a name in Actions
	B        int    // the browser
	G        int    // the guard
	U        int    // the user, from 1
	P        int    // the process
	N        int    // which value, label, device or length of time
	Remember bool   // the box at a log-in
	Old      bool   // with the cookies that the browser had before the last change
	Lost     bool   // the answer does not arrive
	Late     bool   // or after the next one: another tab asks meanwhile
}

// String returns j as the Go test to paste beside the mend.
func (j Journey) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "func TestPasted(t *testing.T) {\n\tjourney.Try(t, journey.Journey{\n\t\tSeed:     %d,\n\t\tSwitches: journey.Switches{%s},\n\t\tSteps: []journey.Step{\n", j.Seed, fields(j.Switches))
	for _, s := range j.Steps {
		fmt.Fprintf(&b, "\t\t\t{%s},\n", fields(s))
	}
	return b.String() + "\t\t},\n\t})\n}\n"
}

// fields lists the members of a struct that are not zero.
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
