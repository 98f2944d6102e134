// Package punctual keeps a busy machine from breaking the rules of the kits, session/sessiontest and
// strategy/strategytest.
package punctual

import "time"

// Reporter is the part of *testing.T that rules use.
type Reporter interface {
	Helper()                           // leaves the caller out of the place of a failure
	Errorf(format string, args ...any) // reports a failure
	Fatalf(format string, args ...any) // reports a failure, and ends the test
}

// Within returns a reporter, and advance, for the part of a rule that leaves what it expects to be there only
// so much of its time. Errors are reported until as much has passed, without the time of advance: on a busy
// machine a database's clock may then be right that the time is over.
func Within(t Reporter, advance func(time.Duration), left time.Duration) (Reporter, func(time.Duration)) {
	began := time.Now()
	return early{t, func() bool { return time.Since(began) >= left }}, func(d time.Duration) {
		before := time.Now()
		advance(d)
		if time.Since(before) >= d { // the clock is time.Now
			began = began.Add(d)
		}
	}
}

type early struct {
	Reporter
	late func() bool
}

func (e early) Errorf(format string, args ...any) {
	e.Helper()
	if !e.late() {
		e.Reporter.Errorf(format, args...)
	}
}
