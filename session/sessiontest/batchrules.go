package sessiontest

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-6f34412b/passport/session"
)

const (
	quoteGetMany = "GetMany returns the records of ids, in the same order, nil where there is none."
	quoteEndMany = "EndMany removes the records of ids as End does without old and next, or as Delete does if the store is no Ender; unknown ids are not an error."
	quoteMoved   = "successors are End's, in the order of ids, empty where there is none."
	quotePrimary = "Both methods ask the authority, never a replica or a cache."
	quoteRepeat  = "After an error each of them may have ended or not; the call can be repeated."
)

// many calls GetMany and checks the records; "-" stands for no record.
func (k *check) many(ids []string, want ...string) {
	k.Helper()
	records, err := k.batch.GetMany(context.Background(), ids)
	if err != nil || len(records) != len(want) {
		k.wrong("GetMany(%q): got %d records and error %v, want %d", short(fmt.Sprint(ids)), len(records), err, len(want))
		return
	}
	for i, data := range records {
		got := string(data)
		if data == nil {
			got = "-"
		}
		if got != want[i] {
			k.wrong("GetMany: record %d, of %q: got %s, want %s", i, short(ids[i]), short(got), short(want[i]))
		}
	}
}

// endsMany calls EndMany and checks the successors.
func (k *check) endsMany(ids []string, want ...string) {
	k.Helper()
	successors, err := k.batch.EndMany(context.Background(), ids, hour)
	if err != nil || !slices.Equal(successors, want) {
		k.wrong("EndMany(%q): got %s and error %v, want %s", short(fmt.Sprint(ids)), short(fmt.Sprint(successors)), err, short(fmt.Sprint(want)))
	}
}

var batchRules = ability[session.Batch](
	rule{
		name:  "many records come in the order of their ids",
		quote: quoteGetMany,
		check: func(k *check) {
			k.many(nil)
			k.many([]string{"unknown"}, "-")
			k.create("a", "record of a", hour)
			k.create("b", "", hour)
			k.create("c", "\x00\xff", hour)
			k.create("gone", "x", hour)
			k.must(k.Delete(context.Background(), "gone", nil))
			k.many([]string{"c", "unknown", "a", "gone", "b", "a"}, "\x00\xff", "-", "record of a", "-", "", "record of a")
			k.many(append(slices.Clone(oddIDs), "a"), append(slices.Repeat([]string{"-"}, len(oddIDs)), "record of a")...)
			var ids, want []string
			for i := range 300 {
				ids, want = append(ids, fmt.Sprint("id", i)), append(want, fmt.Sprint("record ", i))
				k.create(ids[i], want[i], hour)
			}
			k.many(ids, want...)
		},
	},
	rule{
		name:  "many records are those of now",
		quote: quotePrimary,
		check: func(k *check) {
			k.create("id", "one", hour)
			_, err := k.Get(context.Background(), "id") // fills a cache
			k.must(err)
			k.must(k.Update(context.Background(), "id", []byte("one"), []byte("two"), hour))
			k.many([]string{"id"}, "two")
			k.endsMany([]string{"id"}, "")
			k.many([]string{"id"}, "-")
		},
	},
	rule{
		name:  "many records end",
		quote: quoteEndMany,
		check: func(k *check) {
			k.endsMany(nil)
			k.create("a", "x", hour)
			k.create("b", "", hour)
			k.create("stays", "x", hour)
			k.endsMany(append(slices.Clone(oddIDs), "b", "unknown", "a", "b"), make([]string, len(oddIDs)+4)...)
			k.gone("a")
			k.gone("b")
			k.holds("stays", "x")
			var ids []string
			for i := range 300 {
				ids = append(ids, fmt.Sprint("id", i))
				k.create(ids[i], "x", hour)
			}
			k.endsMany(ids, make([]string, len(ids))...)
			for _, id := range ids {
				k.gone(id)
			}
		},
	},
	rule{
		name:  "the end of many tells where each of them went on",
		quote: quoteMoved,
		check: func(k *check) {
			if k.ender == nil {
				return
			}
			for _, id := range []string{"a", "b", "c"} {
				k.create(id, "x", hour)
			}
			k.ended("a", []byte("x"), "from-a", hour)
			k.ended("c", []byte("x"), "from-c", hour)
			k.endsMany([]string{"c", "b", "a", "unknown"}, "from-c", "", "from-a", "")
		},
	},
	rule{
		name:  "the end of many can be repeated",
		quote: quoteRepeat,
		check: func(k *check) {
			k.create("a", "x", hour)
			k.create("b", "x", hour)
			want := []string{"", ""}
			if k.ender != nil {
				k.ended("a", []byte("x"), "next", hour)
				want[0] = "next"
			}
			k.endsMany([]string{"a", "b"}, want...)
			k.endsMany([]string{"a", "b"}, want...)
			k.gone("b")
		},
	},
)
