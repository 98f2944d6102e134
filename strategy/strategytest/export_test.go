package strategytest

import (
	"runtime"
	"sync/atomic"

	"github.com/seed-6f34412b/passport/strategy"
)

// BrokenCounterRules returns the rules that the counters of newCounter break.
func BrokenCounterRules(newCounter func() strategy.Counter) []string {
	return broken(counterRules, func(reporter) counter { return countingFrom(newCounter(), pass) })
}

// BrokenCellsRules returns the rules that the cells of newCells break.
func BrokenCellsRules(newCells func() strategy.Cells) []string {
	return broken(cellsRules, func(reporter) cells { return cells{newCells(), pass} })
}

// BrokenTokensRules returns the rules that the tokens of newTokens break.
func BrokenTokensRules(newTokens func() strategy.Tokens) []string {
	return broken(tokensRules, func(reporter) tokens { return tokens{newTokens(), pass} })
}

// BrokenStrategyRules returns the rules that the strategies of newCase break.
func BrokenStrategyRules[U any](newCase func() StrategyCase[U]) []string {
	return broken(strategyRules, func(t reporter) trial { return newTrial(t, newCase()) })
}

// broken returns the rules that the S of newS break.
func broken[S any](rules []rule[S], newS func(t reporter) S) (texts []string) {
	for _, r := range rules {
		if fails(func(t reporter) { r.check(t, newS(t)) }) {
			texts = append(texts, r.text)
		}
	}
	return texts
}

// StrategyRules returns all rules of strategies.
func StrategyRules() (texts []string) {
	for _, r := range strategyRules {
		texts = append(texts, r.text)
	}
	return texts
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
