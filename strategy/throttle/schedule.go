package throttle

import "time"

// schedule says when attempts are allowed: some at once, then one after each pause.
type schedule struct{ delay, maxDelay, window time.Duration }

// mostGuesses is how many wrong attempts a day on one account a configuration may allow: with a million
// possible codes, one in 500.
const mostGuesses = 2000

// opensAt returns how long after the first attempt the n-th is allowed, if free attempts are allowed at
// once. Beyond the window it is not exact.
func (s schedule) opensAt(n, free int64) time.Duration {
	var at time.Duration
	for delay := s.delay; n > free && at <= s.window; n-- {
		at += delay
		delay = min(2*delay, s.maxDelay)
	}
	return at
}

// next returns how long after the first attempt the next one is allowed that is not yet allowed when passed
// has gone by.
func (s schedule) next(passed time.Duration) time.Duration {
	var at time.Duration
	for delay := s.delay; at <= passed; {
		at += delay
		delay = min(2*delay, s.maxDelay)
	}
	return at
}

// guessesADay returns about how many wrong attempts a day the schedule allows.
func (s schedule) guessesADay(free int64) int64 {
	n := free
	for n <= mostGuesses && s.opensAt(n+1, free) <= min(s.window, 24*time.Hour) {
		n++
	}
	return int64(float64(n) * max(1, (24*time.Hour).Seconds()/s.window.Seconds()))
}
