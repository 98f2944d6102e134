package strategytest

import (
	"testing"
	"testing/synctest"
	"time"
)

// rule is a rule that an S must keep, quoted from a doc comment of package strategy.
type rule[S any] struct {
	text  string
	check func(t reporter, s S)
}

// reporter is the part of *testing.T that rules use.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// run runs each rule as a subtest, on an S of its own.
func run[S any](t *testing.T, rules []rule[S], newS func(t *testing.T) S) {
	for _, r := range rules {
		t.Run(r.text, func(t *testing.T) { r.check(t, newS(t)) })
	}
}

// runInBubble is run for an S whose clock is time.Now. Each rule has a bubble of its own.
func runInBubble[S any](t *testing.T, rules []rule[S], newS func(t *testing.T) S) {
	for _, r := range rules {
		t.Run(r.text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { r.check(t, newS(t)) })
		})
	}
}

// pass makes time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }
