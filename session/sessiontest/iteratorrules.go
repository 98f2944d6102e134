package sessiontest

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

var iteratorRules = ability[session.Iterator](
	rule{
		name:  "a walk of an empty store yields nothing",
		quote: "Iterator is an ability of a Store: to walk all its records.",
		check: func(k *check) {
			for r, err := range k.iterator.All(context.Background()) {
				k.wrong("got record %q, error %v, want nothing", r.ID, err)
			}
		},
	},
	rule{
		name:  "a walk yields every record",
		quote: "All yields every record that lives through the whole walk at least once, in no order, with bounded memory.",
		check: func(k *check) {
			const n = 300
			for i := range n {
				k.create(fmt.Sprint("id", i), fmt.Sprint("record ", i), hour)
			}
			k.create("expired", "x", time.Second)
			k.create("ended", "x", hour)
			k.must(k.Delete(context.Background(), "ended", nil))
			if k.ender != nil {
				k.create("moved", "x", hour)
				k.ended("moved", nil, "next", hour)
			}
			if k.index != nil {
				k.add("label", "id1", hour)
			}
			k.advance(2 * time.Second)
			seen := map[string]string{}
			for r, err := range k.iterator.All(context.Background()) {
				if err != nil {
					k.wrong("got error %v, want none", err)
					return
				}
				seen[r.ID] = string(r.Data)
			}
			for i := range n {
				if id, want := fmt.Sprint("id", i), fmt.Sprint("record ", i); seen[id] != want {
					k.wrong("record of %q: got %q, want %q", id, seen[id], want)
				}
				delete(seen, fmt.Sprint("id", i))
			}
			for id := range seen {
				k.wrong("yielded %q, which is no live record", id)
			}
		},
	},
	rule{
		name:  "a walk can be left and begun again",
		quote: "All yields every record that lives through the whole walk at least once, in no order, with bounded memory.",
		check: func(k *check) {
			for i := range 20 {
				k.create(fmt.Sprint("id", i), "x", hour)
			}
			all := k.iterator.All(context.Background())
			for range 2 {
				n := 0
				for _, err := range all {
					if err != nil {
						k.Fatalf("All: %v", err)
					}
					if n++; n == 3 {
						break
					}
				}
				if n != 3 {
					k.wrong("left after %d records, want 3", n)
				}
			}
		},
	},
	rule{
		name:  "the store can be used during a walk",
		quote: "A Store is safe for concurrent use.",
		check: func(k *check) {
			for i := range 20 {
				k.create(fmt.Sprint("id", i), "x", hour)
			}
			for r, err := range k.iterator.All(context.Background()) {
				k.must(err)
				k.must(k.Delete(context.Background(), r.ID, nil))
			}
			for i := range 20 {
				k.gone(fmt.Sprint("id", i))
			}
		},
	},
)

var authoritativeRules = ability[session.PrimaryReader](
	rule{
		name:  "GetPrimary answers as Get does",
		quote: "GetPrimary is Get, read from the authority.",
		check: func(k *check) {
			ctx := context.Background()
			for id, data := range oddRecords {
				k.create(id, data, hour)
				if got, err := k.master.GetPrimary(ctx, id); err != nil || string(got) != data {
					k.wrong("GetPrimary(%q): got %q and error %v, want %q", id, got, err, data)
				}
			}
			for _, id := range append([]string{"unknown"}, oddIDs...) {
				_, err := k.master.GetPrimary(ctx, id)
				k.is(fmt.Sprintf("GetPrimary(%q)", id), err, session.ErrNotFound)
			}
		},
	},
	rule{
		name:  "GetPrimary sees every write at once",
		quote: "PrimaryReader is an ability of a Store whose Get may be stale: to read the authority itself, past any replica or cache.",
		check: func(k *check) {
			ctx := context.Background()
			k.create("id", "0", time.Minute)
			k.holds("id", "0") // fills a cache
			for i := range 20 {
				old, next := fmt.Sprint(i), fmt.Sprint(i+1)
				k.must(k.Update(ctx, "id", []byte(old), []byte(next), time.Minute))
				if got, err := k.master.GetPrimary(ctx, "id"); err != nil || string(got) != next {
					k.wrong("GetPrimary after Update: got %q and error %v, want %q", got, err, next)
				}
			}
			k.advance(2 * time.Minute)
			_, err := k.master.GetPrimary(ctx, "id")
			k.is("GetPrimary after the ttl", err, session.ErrNotFound)
			k.create("id", "x", hour)
			k.must(k.Delete(ctx, "id", nil))
			_, err = k.master.GetPrimary(ctx, "id")
			k.is("GetPrimary after Delete", err, session.ErrNotFound)
		},
	},
)
