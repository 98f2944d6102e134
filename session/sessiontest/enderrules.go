package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

var enderRules = ability[session.Ender](
	rule{
		name:  "End removes the record",
		quote: "End removes the record of id, like Delete, and leaves a note for life",
		check: func(k *check) {
			for id, data := range oddRecords {
				k.create(id, data, hour)
				k.create(id+"2", data, hour)
				k.ended(id, nil, "", 0)
				k.gone(id)
				k.ended(id+"2", []byte(data), "", 0)
				k.gone(id + "2")
			}
		},
	},
	rule{
		name:  "End of an unknown id succeeds without old and is ErrNotFound with it",
		quote: "old nil ends it unconditionally; an unknown id is not an error.",
		check: func(k *check) {
			if next := k.ended("unknown", nil, "", 0); next != "" {
				k.wrong("End of an unknown id: got successor %q, want none", next)
			}
			next, err := k.ender.End(context.Background(), "unknown", []byte("x"), "next", hour)
			k.is("comparing End of an unknown id", err, session.ErrNotFound)
			if next != "" {
				k.wrong("comparing End of an unknown id: got successor %q, want none", next)
			}
			k.create("expired", "x", time.Second)
			k.advance(2 * time.Second)
			_, err = k.ender.End(context.Background(), "expired", []byte("x"), "next", hour)
			k.is("comparing End after the ttl", err, session.ErrNotFound)
			if next := k.ended("expired", nil, "", 0); next != "" {
				k.wrong("an End that ended nothing left the note %q", next)
			}
		},
	},
	rule{
		name:  "End with other bytes is a Conflict and ends nothing",
		quote: "Otherwise a *Conflict or ErrNotFound says that nothing was ended.",
		check: func(k *check) {
			for id, data := range oddRecords {
				k.create(id, data, hour)
				_, err := k.ender.End(context.Background(), id, []byte(data+"!"), "next", hour)
				k.conflict("End of "+id, err, data)
				if data != "" {
					_, err = k.ender.End(context.Background(), id, []byte{}, "next", hour)
					k.conflict("End of "+id+" compared to nothing", err, data)
				}
				k.holds(id, data)
				if next := k.ended(id, nil, "", 0); next != "" {
					k.wrong("an End that met a conflict left the note %q", next)
				}
			}
		},
	},
	rule{
		name:  "the successor is told to the next End, and only there",
		quote: "The note is read by End only",
		check: func(k *check) {
			k.create("old", "x", hour)
			if next := k.ended("old", []byte("x"), "new", time.Minute); next != "" {
				k.wrong("first End: got successor %q, want none", next)
			}
			k.gone("old")
			for range 2 {
				if next := k.ended("old", nil, "", 0); next != "new" {
					k.wrong("End of a session that moved: got successor %q, want %q", next, "new")
				}
			}
			next, err := k.ender.End(context.Background(), "old", []byte("x"), "newer", hour)
			k.is("comparing End of a session that moved", err, session.ErrNotFound)
			if next != "new" {
				k.wrong("successor beside ErrNotFound: got %q, want %q", next, "new")
			}
		},
	},
	rule{
		name:  "a note does not touch the other methods unless it is a tombstone",
		quote: "Get, Create and Update of the id behave as if it were not there, except that a store that keeps tombstones treats the id as unknown for as long as the note lives.",
		check: func(k *check) {
			tombstones := k.tombstones()
			for _, next := range []string{"next", ""} {
				id := "ended-" + next
				k.create(id, "x", hour)
				k.ended(id, nil, next, 5*time.Minute)
				k.is("Create after End", k.Create(context.Background(), id, []byte("again"), hour), nil)
				err := k.Update(context.Background(), id, []byte("again"), []byte("more"), hour)
				if tombstones {
					k.is("Update of an id with a tombstone", err, session.ErrNotFound)
					k.gone(id)
					continue
				}
				k.is("Update of an id that was created anew", err, nil)
				k.holds(id, "more")
			}
		},
	},
	rule{
		name:  "a note lives as long as it was told to",
		quote: "End removes the record of id, like Delete, and leaves a note for life",
		check: func(k *check) {
			end := k.punctual(2 * time.Second)
			k.create("old", "x", hour)
			k.ended("old", nil, "new", time.Minute)
			k.advance(58 * time.Second)
			if next := k.ended("old", nil, "", 0); next != "new" {
				k.wrong("after 58 s of a minute: got successor %q, want %q", next, "new")
			}
			end()
			k.advance(3 * time.Second)
			if next := k.ended("old", nil, "", 0); next != "" {
				k.wrong("after 61 s of a minute: got successor %q, want none", next)
			}
			k.is("Create after the note", k.Create(context.Background(), "old", []byte("y"), hour), nil)
			k.holds("old", "y")
		},
	},
	rule{
		name:  "a successor is kept for ten minutes at most, a tombstone for its life",
		quote: "A store that keeps no tombstones keeps next for at most ten minutes.",
		check: func(k *check) {
			tombstones := k.tombstones()
			k.create("old", "x", hour)
			k.ended("old", nil, "new", 20*time.Minute)
			k.advance(9 * time.Minute)
			if next := k.ended("old", nil, "", 0); next != "new" {
				k.wrong("after 9 minutes: got successor %q, want %q", next, "new")
			}
			k.advance(2 * time.Minute)
			want := ""
			if tombstones {
				want = "new"
			}
			if next := k.ended("old", nil, "", 0); next != want {
				k.wrong("after 11 minutes: got successor %q, want %q", next, want)
			}
		},
	},
	rule{
		name:  "a life of zero leaves no note",
		quote: "A life of zero leaves no note.",
		check: func(k *check) {
			k.create("old", "x", hour)
			k.ended("old", []byte("x"), "new", 0)
			if next := k.ended("old", nil, "", 0); next != "" {
				k.wrong("End after an End with life 0: got successor %q, want none", next)
			}
			k.create("old", "y", hour)
			k.holds("old", "y")
		},
	},
	rule{
		name:  "an end without a successor tells none",
		quote: "next, the id that continues the session, or, if next is empty and the store keeps tombstones, a mark that the id has ended.",
		check: func(k *check) {
			k.create("old", "x", hour)
			k.ended("old", nil, "", hour)
			for _, life := range []time.Duration{hour, 0} {
				if next := k.ended("old", nil, "", life); next != "" {
					k.wrong("End after an end without a successor: got successor %q, want none", next)
				}
			}
		},
	},
	rule{
		name:  "a note that is there stays",
		quote: "A note that is there already stays.",
		check: func(k *check) {
			k.create("old", "x", hour)
			k.ended("old", nil, "first", 5*time.Minute)
			k.advance(4 * time.Minute)
			if next := k.ended("old", nil, "second", 5*time.Minute); next != "first" {
				k.wrong("second End: got successor %q, want %q", next, "first")
			}
			if next := k.ended("old", nil, "", 5*time.Minute); next != "first" {
				k.wrong("third End: got successor %q, want %q", next, "first")
			}
			k.advance(2 * time.Minute)
			if next := k.ended("old", nil, "", 0); next != "" {
				k.wrong("End after the first note's life: got successor %q, want none: a later End moved it", next)
			}
		},
	},
	rule{
		name:  "an End can be sent again",
		quote: "Repeating a call that succeeded with the same next succeeds.",
		check: func(k *check) {
			k.create("old", "x", hour)
			for range 3 {
				k.ended("old", []byte("x"), "new", 5*time.Minute)
				k.gone("old")
			}
			k.create("old2", "x", hour)
			for range 3 {
				k.ended("old2", nil, "", 0)
				k.gone("old2")
			}
		},
	},
	rule{
		name:  "of many Ends with different successors one wins and the others learn of it",
		quote: "successor is the id in the note that was there before, also beside ErrNotFound; empty when there is none.",
		check: func(k *check) {
			k.create("old", "x", hour)
			var winners atomic.Int64
			var winner atomic.Value
			told := make([]string, 16)
			parallel(len(told), func(i int) {
				mine := fmt.Sprint("new", i)
				next, err := k.ender.End(context.Background(), "old", []byte("x"), mine, hour)
				switch {
				case err == nil:
					winners.Add(1)
					winner.Store(mine)
				case !errors.Is(err, session.ErrNotFound):
					k.wrong("parallel End: got error %v, want nil or ErrNotFound", err)
				default:
					told[i] = next
				}
			})
			if winners.Load() != 1 {
				k.wrong("%d of %d parallel Ends succeeded, want 1", winners.Load(), len(told))
				return
			}
			for i, next := range told {
				if next != "" && next != winner.Load() || next == "" && winner.Load() != fmt.Sprint("new", i) {
					k.wrong("End %d was told the successor %q, want %q", i, next, winner.Load())
				}
			}
		},
	},
	rule{
		name:  "an End beside an Update is a Conflict or comes first",
		quote: "End removes the record of id, like Delete, and leaves a note for life",
		check: func(k *check) {
			for i := range 8 {
				id := fmt.Sprint("id", i)
				k.create(id, "a", hour)
				var end, update error
				parallel(2, func(i int) {
					if i == 0 {
						_, end = k.ender.End(context.Background(), id, []byte("a"), "new", hour)
					} else {
						update = k.Update(context.Background(), id, []byte("a"), []byte("b"), hour)
					}
				})
				if update == nil {
					k.conflict("End after an Update", end, "b")
					k.holds(id, "b")
				} else {
					k.is("End before an Update", end, nil)
					k.is("Update after an End", update, session.ErrNotFound)
					k.gone(id)
				}
			}
		},
	},
)
