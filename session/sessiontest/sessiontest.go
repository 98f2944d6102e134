// Package sessiontest checks that a [session.Store] keeps its contract, and lets a
// test decide what becomes of each command that a store is sent.
//
// [Run] is the contract as a table of rules; a store of one's own is right when it
// passes. [Gate] stands in front of a store and holds, fails, repeats or delays calls.
// [WithSession] is for the tests of an application: it makes a handler's session.
package sessiontest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// Run checks the store that newStore returns against every sentence of the contract
// in package session, each in a test named after what it demands, and against the
// abilities that the store has: [session.Ender], [session.Index],
// [session.Iterator], [session.PrimaryReader], [session.Batch],
// [session.Combiner], [session.Notifier], [session.ChangeNotifier].
//
// newStore is called for each test and returns an empty store. advance makes the
// store's clock go on by d; Run itself waits for nothing; [RunSilent] does. Deadlines of labels are
// made from time.Now, which need not follow advance: the rules hold with and without.
func Run(t *testing.T, newStore func(t *testing.T) session.Store, advance func(d time.Duration)) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { r.try(t, newStore, advance) })
	}
}

// RunInBubble is Run for a store whose clock is time.Now. Each rule is tried in a
// [testing/synctest] bubble of its own, in which an hour passes at once.
func RunInBubble(t *testing.T, newStore func(t *testing.T) session.Store) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { r.try(t, newStore, func(d time.Duration) { <-time.After(d) }) })
		})
	}
}

// rule is one rule of the contract.
type rule struct {
	name  string                   // the rule, as a sentence
	quote string                   // the words of the contract
	needs func(session.Store) bool // nil: every store
	check func(*check)
}

// try tries the rule on a new store.
func (r rule) try(t *testing.T, newStore func(t *testing.T) session.Store, advance func(time.Duration)) {
	r.tryOn(t, newStore(t), advance)
}

func (r rule) tryOn(t reporter, s session.Store, advance func(time.Duration)) {
	if r.needs != nil && !r.needs(s) {
		return // the ability is optional, and so are its rules
	}
	r.check(newCheck(t, s, advance, r.quote))
}

func newCheck(t reporter, s session.Store, advance func(time.Duration), quote string) *check {
	k := &check{reporter: t, Store: s, advance: advance, rule: quote}
	k.ender, _ = s.(session.Ender)
	k.index, _ = s.(session.Index)
	k.iterator, _ = s.(session.Iterator)
	k.master, _ = s.(session.PrimaryReader)
	k.batch, _ = s.(session.Batch)
	k.starting, k.ending = starting(s), ending(s)
	k.notifier = notifierOf(s)
	return k
}

// rules is the contract, in the order of package session's doc comments.
var rules = concat(storeRules, enderRules, indexRules, iteratorRules, authoritativeRules, batchRules, combinerRules, notifierRules, changeRules)

func concat(lists ...[]rule) (all []rule) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// ability makes rules apply only to stores with the ability A.
func ability[A any](list ...rule) []rule {
	for i := range list {
		list[i].needs = func(s session.Store) bool {
			_, ok := s.(A)
			return ok
		}
	}
	return list
}
