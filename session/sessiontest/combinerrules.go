package sessiontest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const (
	quoteCreateIndexed = "CreateIndexed is Create of n.ID and AddLabel of it under each of n.Labels, and then, if n.OldID is not empty, End of that without next; oldEnded reports whether that ended it, and then it is forgotten under n.OldLabels."
	quoteOldChanged    = "That the old record is not n.OldData, or gone, is no error."
	quoteInOrder       = "After an error the caller gives n.ID up, and what was done of it was done in that order."
	quoteEndIndexed    = "EndIndexed is End of id without old and next, and then RemoveLabel of it under labels, as well as it can."
	quoteEndAllIndexed = "EndManyIndexed is Batch's EndMany of ids, and then RemoveLabel of each id under its labels, which has the order of ids."
	quoteEndsAgain     = "Repeating a call is harmless."
)

// starting returns the store under test if it takes the steps of a log-in at once, or nil.
func starting(s session.Store) session.Combiner {
	return combiner(s, func(c session.Combiner) error {
		_, err := c.CreateIndexed(context.Background(), session.NewRecord{})
		return err
	})
}

// ending returns the store under test if it takes the steps of a log-out at once, or nil.
func ending(s session.Store) session.Combiner {
	return combiner(s, func(c session.Combiner) error {
		_, err := c.EndIndexed(context.Background(), "combiner-probe", 0, nil)
		return err
	})
}

// combiner returns s if it combines steps, and has the method that probe calls.
func combiner(s session.Store, probe func(session.Combiner) error) session.Combiner {
	if c, ok := s.(session.Combiner); ok && c.Combines() == any(s) && !errors.Is(probe(c), errors.ErrUnsupported) {
		return c
	}
	return nil
}

// starts calls CreateIndexed and checks the result.
func (k *check) starts(n session.NewRecord, oldEnded bool, want error) {
	k.Helper()
	n.TTL, n.Deadline = hour, time.Now().Add(hour)
	got, err := k.starting.CreateIndexed(context.Background(), n)
	if got != oldEnded || !errors.Is(err, want) {
		k.wrong("CreateIndexed(%q): got %t and error %v, want %t and %v", n.ID, got, err, oldEnded, want)
	}
}

// before stores a record with a label, which another one will replace.
func (k *check) before() session.NewRecord {
	k.create("old", "before", hour)
	k.must(k.index.AddLabel(context.Background(), "a", "old", time.Now().Add(hour)))
	return session.NewRecord{
		ID: "new", Data: []byte("after"), Labels: []string{"a", "b"},
		OldID: "old", OldData: []byte("before"), OldLife: hour, OldLabels: []string{"a"},
	}
}

var combinerRules = concat(
	combining(starting,
		rule{
			name:  "a record is stored with its labels",
			quote: quoteCreateIndexed,
			check: func(k *check) {
				k.starts(session.NewRecord{ID: "id", Data: []byte("\x00\xff"), Labels: []string{"a", "b"}}, false, nil)
				k.holds("id", "\x00\xff")
				k.lists("a", "id")
				k.lists("b", "id")
				k.starts(session.NewRecord{ID: "bare", Data: []byte{}}, false, nil)
				k.holds("bare", "")
			},
		},
		rule{
			name:  "a record takes the place of another",
			quote: quoteCreateIndexed,
			check: func(k *check) {
				k.starts(k.before(), true, nil)
				k.holds("new", "after")
				k.gone("old")
				k.lists("a", "new")
				k.lists("b", "new")
			},
		},
		rule{
			name:  "a record that changed is not ended by the one that takes its place",
			quote: quoteOldChanged,
			check: func(k *check) {
				n := k.before()
				k.must(k.Update(context.Background(), "old", []byte("before"), []byte("meanwhile"), hour))
				k.starts(n, false, nil)
				k.holds("old", "meanwhile")
				k.holds("new", "after")
				n.ID, n.OldID = "other", "unknown"
				k.starts(n, false, nil)
				k.holds("other", "after")
				n.ID, n.OldID, n.OldData = "third", "empty", []byte{}
				k.create("empty", "not so", hour)
				k.starts(n, false, nil)
				k.holds("empty", "not so")
			},
		},
		rule{
			name:  "a record that has ended has no other in its place",
			quote: quoteOldChanged,
			check: func(k *check) {
				n := k.before()
				k.ended("old", []byte("before"), "next", hour)
				k.starts(n, false, nil)
				if got := k.ended("old", nil, "", hour); got != "next" {
					k.wrong("End: got the successor %q, want %q", got, "next")
				}
			},
		},
		rule{
			name:  "a record that is not stored ends nothing",
			quote: quoteInOrder,
			check: func(k *check) {
				n := k.before()
				k.create("new", "there", hour)
				k.starts(n, false, session.ErrExists)
				k.holds("new", "there")
				k.holds("old", "before")
				k.lists("a", "old")
				n.ID = "a brace: {"
				if _, err := k.starting.CreateIndexed(context.Background(), n); err == nil {
					k.wrong("CreateIndexed of an id that is none: got no error")
				}
				n.ID = "other"
				if _, err := k.starting.CreateIndexed(context.Background(), n); err == nil {
					k.wrong("CreateIndexed with a ttl of 0: got no error")
				}
				k.holds("old", "before")
			},
		},
	),
	combining(ending,
		rule{
			name:  "a record ends with its labels",
			quote: quoteEndIndexed,
			check: func(k *check) {
				n := k.before()
				k.create("stays", "x", hour)
				k.must(k.index.AddLabel(context.Background(), "a", "stays", time.Now().Add(hour)))
				k.endsWith(n.OldID, "", "a", "unknown")
				k.gone("old")
				k.lists("a", "stays")
				k.holds("stays", "x")
				k.endsWith("unknown", "", "a")
			},
		},
		rule{
			name:  "the end with labels can be repeated, and tells where the session went on",
			quote: quoteEndsAgain,
			check: func(k *check) {
				n := k.before()
				k.ended(n.OldID, n.OldData, "next", hour)
				k.endsWith(n.OldID, "next", "a")
				k.endsWith(n.OldID, "next", "a")
				k.lists("a")
			},
		},
		rule{
			name:  "many records end with their labels",
			quote: quoteEndAllIndexed,
			check: func(k *check) {
				n := k.before()
				k.ended(n.OldID, n.OldData, "next", hour)
				for i, id := range []string{"one", "two", "stays"} {
					k.create(id, "x", hour)
					for _, label := range []string{"a", "b"} {
						k.must(k.index.AddLabel(context.Background(), label, id, time.Now().Add(hour-time.Duration(i)*time.Minute)))
					}
				}
				ids, labels := []string{"one", "old", "two", "unknown"}, [][]string{{"a", "b"}, {"a"}, {"a"}, {"a"}}
				for range 2 {
					got, err := k.ending.EndManyIndexed(context.Background(), ids, hour, labels)
					if errors.Is(err, errors.ErrUnsupported) {
						return
					}
					if err != nil || !slices.Equal(got, []string{"", "next", "", ""}) {
						k.wrong("EndManyIndexed(%q): got the successors %q and error %v, want that of %q alone", ids, got, err, "old")
					}
				}
				k.gone("one")
				k.gone("two")
				k.holds("stays", "x")
				k.lists("a", "stays")
				k.lists("b", "stays", "two")
				if got, err := k.ending.EndManyIndexed(context.Background(), nil, hour, nil); len(got) != 0 || err != nil {
					k.wrong("EndManyIndexed of no ids: got %q and error %v", got, err)
				}
			},
		},
	),
)

// combining makes rules apply only to stores for which ability, starting or ending, returns one.
func combining(ability func(session.Store) session.Combiner, list ...rule) []rule {
	for i := range list {
		list[i].needs = func(s session.Store) bool { return ability(s) != nil }
	}
	return list
}

// endsWith calls EndIndexed and checks the successor.
func (k *check) endsWith(id, want string, labels ...string) {
	k.Helper()
	got, err := k.ending.EndIndexed(context.Background(), id, hour, labels)
	if got != want || err != nil {
		k.wrong("EndIndexed(%q): got the successor %q and error %v, want %q", id, got, err, want)
	}
}
