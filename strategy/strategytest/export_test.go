package strategytest

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seed-6f34412b/passport/strategy"
)

// BrokenCounterRules returns the rules that the counters of newCounter break.
func BrokenCounterRules(newCounter func() strategy.Counter) (broken []string) {
	for _, r := range counterRules {
		if fails(func(t reporter) { r.check(t, counter{newCounter(), time.Sleep}) }) {
			broken = append(broken, r.rule)
		}
	}
	return broken
}

// BrokenCellsRules returns the rules that the cells of newCells break.
func BrokenCellsRules(newCells func() strategy.Cells) (broken []string) {
	for _, r := range cellsRules {
		if fails(func(t reporter) { r.check(t, cells{newCells(), time.Sleep}) }) {
			broken = append(broken, r.rule)
		}
	}
	return broken
}

// BrokenTokensRules returns the rules that the tokens of newTokens break.
func BrokenTokensRules(newTokens func() strategy.Tokens) (broken []string) {
	for _, r := range tokensRules {
		if fails(func(t reporter) { r.check(t, tokens{newTokens(), time.Sleep}) }) {
			broken = append(broken, r.rule)
		}
	}
	return broken
}

// BrokenStrategyRules returns the rules that the strategies of newCase break.
func BrokenStrategyRules[U any](newCase func() StrategyCase[U]) (broken []string) {
	for _, r := range strategyRules {
		if fails(func(t reporter) { r.check(t, newTrial(t, newCase())) }) {
			broken = append(broken, r.rule)
		}
	}
	return broken
}

// StrategyRules returns all rules of strategies.
func StrategyRules() (rules []string) {
	for _, r := range strategyRules {
		rules = append(rules, r.rule)
	}
	return rules
}

// IsChallenge is isChallenge.
func IsChallenge(s string) bool { return isChallenge(s) }

// fails runs check and reports whether it reported a failure.
func fails(check func(t reporter)) bool {
	failed := &failure{}
	done := make(chan struct{})
	go func() { // Fatalf ends the goroutine
		defer close(done)
		check(failed)
	}()
	<-done
	return failed.failed.Load()
}

type failure struct{ failed atomic.Bool }

func (*failure) Helper() {}

func (f *failure) Errorf(string, ...any) { f.failed.Store(true) }

func (f *failure) Fatalf(string, ...any) {
	f.failed.Store(true)
	runtime.Goexit()
}
