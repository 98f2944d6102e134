package sessiontest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// labelled lists a label.
func (k *check) labelled(label string) []string {
	k.Helper()
	ids, err := k.index.Labelled(context.Background(), label)
	if err != nil {
		k.wrong("Labelled(%q): got error %v, want none", label, err)
	}
	return ids
}

// lists checks the ids under a label, in order.
func (k *check) lists(label string, want ...string) {
	k.Helper()
	if got := k.labelled(label); !slices.Equal(got, want) {
		k.wrong("Labelled(%q): got %q, want %q", label, got, want)
	}
}

// add adds id to label for the time d.
func (k *check) add(label, id string, d time.Duration) {
	k.Helper()
	if err := k.index.AddLabel(context.Background(), label, id, time.Now().Add(d)); err != nil {
		k.wrong("AddLabel(%q, %q): got error %v, want none", label, id, err)
	}
}

// remove removes ids from label.
func (k *check) remove(label string, ids ...string) {
	k.Helper()
	if err := k.index.RemoveLabel(context.Background(), label, ids...); err != nil {
		k.wrong("RemoveLabel(%q, %q): got error %v, want none", label, ids, err)
	}
}

var indexRules = ability[session.Index](
	rule{
		name:  "ids are listed oldest deadline first",
		quote: "Labelled lists the ids under label, oldest deadline first.",
		check: func(k *check) {
			k.lists("user:1")
			k.add("user:1", "b", 2*hour)
			k.add("user:1", "c", 3*hour)
			k.add("user:1", "a", hour)
			k.add("user:2", "z", hour)
			k.lists("user:1", "a", "b", "c")
			k.lists("user:2", "z")
			k.lists("user:")
		},
	},
	rule{
		name:  "adding again moves the deadline",
		quote: "Adding again moves the deadline.",
		check: func(k *check) {
			k.add("l", "a", hour)
			k.add("l", "b", 2*hour)
			k.add("l", "a", 3*hour)
			k.lists("l", "b", "a")
			k.add("l", "a", hour)
			k.lists("l", "a", "b")
		},
	},
	rule{
		name:  "an entry ends with its deadline",
		quote: "AddLabel notes that the session id carries label, until deadline at the latest.",
		check: func(k *check) {
			k.add("l", "gone", -time.Minute)
			k.lists("l")
			k.add("l", "short", time.Minute)
			k.add("l", "long", hour)
			k.add("l", "gone", -time.Minute)
			k.lists("l", "short", "long")
			k.add("l", "long", -time.Minute)
			k.lists("l", "short")
			k.add("other", "x", time.Minute)
			k.advance(2 * hour)
			k.lists("l")
			k.lists("other")
		},
	},
	rule{
		name:  "removing forgets ids and nothing else",
		quote: "RemoveLabel forgets ids under label. Unknown ids and labels are not an error.",
		check: func(k *check) {
			k.remove("unknown", "a")
			k.remove("unknown")
			for i, id := range []string{"a", "b", "c", "d"} {
				k.add("l", id, hour+time.Duration(i)*time.Minute)
				k.add("m", id, hour+time.Duration(i)*time.Minute)
			}
			k.remove("l", "b", "unknown", "d")
			k.lists("l", "a", "c")
			k.remove("l")
			k.lists("l", "a", "c")
			k.lists("m", "a", "b", "c", "d")
			k.remove("l", "a", "c")
			k.lists("l")
			k.add("l", "a", hour)
			k.lists("l", "a")
		},
	},
	rule{
		name:  "the index does not look at the records",
		quote: "An entry is a hint: the record decides.",
		check: func(k *check) {
			k.add("l", "never-created", hour)
			k.create("id", "x", hour)
			k.add("l", "id", 2*hour)
			k.must(k.Delete(context.Background(), "id", nil))
			k.lists("l", "never-created", "id")
			k.gone("never-created")
		},
	},
	rule{
		name:  "a label is any text",
		quote: "Index is an ability of a Store: to find the sessions that carry a label.",
		check: func(k *check) {
			labels := []string{"a", "A", "a ", "{a}", "a:b", "passport:1", `passport:"1"`, "é", "a\x00", "*", ""}
			for i, l := range labels {
				k.add(l, fmt.Sprint("id", i), hour)
			}
			for i, l := range labels {
				k.lists(l, fmt.Sprint("id", i))
			}
		},
	},
	rule{
		name:  "parallel adds are all kept",
		quote: "AddLabel notes that the session id carries label, until deadline at the latest.",
		check: func(k *check) {
			parallel(16, func(i int) { k.add("l", fmt.Sprint("id", i), hour) })
			if got := k.labelled("l"); len(got) != 16 {
				k.wrong("16 parallel adds: got %d ids, want 16", len(got))
			}
		},
	},
)
