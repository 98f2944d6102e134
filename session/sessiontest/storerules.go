package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// oddRecords are contents that a store must treat like any other.
var oddRecords = map[string]string{
	"empty":     "",
	"nul":       "\x00",
	"binary":    "\xff\xfe\x00\r\n$-1\r\n*0\r\n",
	"dash":      "-",
	"zero":      "0",
	"json":      `{"cookie":{"originalMaxAge":null},"passport":{"user":1},"x":"\u2028 ` + "\u2028" + `"}`,
	"long":      strings.Repeat("0123456789abcdef", 4096),
	"odd.id-~!": "x",
}

// oddIDs are texts that are not ids.
var oddIDs = []string{"", "{", "a{b}c", "}", "a\nb", "a\x00b", "\x7f", "é", strings.Repeat("a", 513)}

var storeRules = []rule{
	{
		name:  "a record comes back as it was stored",
		quote: "A record may hold any bytes.",
		check: func(k *check) {
			for id, data := range oddRecords {
				k.create(id, data, hour)
			}
			for id, data := range oddRecords {
				got, err := k.Get(context.Background(), id) // never read before, so never stale
				if err != nil || string(got) != data {
					k.wrong("Get(%q): got %s and error %v, want %s", id, short(got), err, short(data))
				}
			}
			for id, data := range oddRecords {
				k.is("Update from "+id, k.Update(context.Background(), id, []byte(data), []byte(data+data), hour), nil)
				k.holds(id, data+data)
				k.is("Update back to "+id, k.Update(context.Background(), id, []byte(data+data), []byte(data), hour), nil)
				k.holds(id, data)
			}
		},
	},
	{
		name:  "an id may be any printable text of 512 bytes",
		quote: "An id is at most 512 bytes of printable ASCII without braces.",
		check: func(k *check) {
			for _, id := range []string{"a", "-", ".", "*", "a:b", "x:y", "[a-z]?", `back\slash`, `"quoted"`, strings.Repeat("z", 512)} {
				k.create(id, "record of "+id, hour)
				k.holds(id, "record of "+id)
			}
		},
	},
	{
		name:  "what is no id is unknown and cannot be created",
		quote: "An id is at most 512 bytes of printable ASCII without braces.",
		check: func(k *check) {
			for _, id := range oddIDs {
				k.gone(id)
				k.fails(fmt.Sprintf("Create(%q)", id), k.Create(context.Background(), id, []byte("x"), hour))
				k.is(fmt.Sprintf("Update(%q)", id), k.Update(context.Background(), id, []byte("x"), []byte("y"), hour), session.ErrNotFound)
				k.is(fmt.Sprintf("Delete(%q)", id), k.Delete(context.Background(), id, nil), nil)
				k.is(fmt.Sprintf("comparing Delete(%q)", id), k.Delete(context.Background(), id, []byte("x")), session.ErrNotFound)
				if k.ender != nil {
					_, err := k.ender.End(context.Background(), id, nil, "", hour)
					k.is(fmt.Sprintf("End(%q)", id), err, nil)
					_, err = k.ender.End(context.Background(), id, []byte("x"), "next", hour)
					k.is(fmt.Sprintf("comparing End(%q)", id), err, session.ErrNotFound)
				}
			}
		},
	},
	{
		name:  "slices given are copied and slices returned are the caller's",
		quote: "It must not keep or change the slices it is given, nor change those it returned.",
		check: func(k *check) {
			ctx := context.Background()
			given := []byte("one")
			k.must(k.Create(ctx, "id", given, hour))
			copy(given, "xxx")
			k.holds("id", "one")
			first, err := k.Get(ctx, "id")
			k.must(err)
			old, next := []byte("one"), []byte("two")
			k.must(k.Update(ctx, "id", old, next, hour))
			if string(old) != "one" || string(next) != "two" {
				k.wrong("Update changed its arguments to %q and %q", old, next)
			}
			copy(old, "xxx")
			copy(next, "xxx")
			k.holds("id", "two")
			if string(first) != "one" {
				k.wrong("what Get returned became %q after an Update, want %q", first, "one")
			}
			for range 2 {
				got, err := k.Get(ctx, "id")
				k.must(err)
				copy(got, "xxx")
			}
			k.holds("id", "two")
			var c *session.Conflict
			if err := k.Update(ctx, "id", []byte("stale"), []byte("y"), hour); errors.As(err, &c) {
				copy(c.Current, "xxx")
			}
			k.holds("id", "two")
		},
	},
	{
		name:  "a context that has ended is reported by every method",
		quote: honoursContext,
		check: checkEnded,
	},
	{
		name:  "a call whose context ends meanwhile returns its answer or the context's error",
		quote: honoursContext,
		check: checkEnding,
	},
	{
		name:  "Get of an unknown id is ErrNotFound",
		quote: "It returns ErrNotFound when there is none or its time has come; any other error is an outage.",
		check: func(k *check) {
			k.gone("unknown")
			k.create("known", "x", hour)
			k.gone("unknown")
			k.gone("know")
			k.gone("known ")
		},
	},
	{
		name:  "Get finds nothing from the end of the ttl on",
		quote: "It returns ErrNotFound when there is none or its time has come; any other error is an outage.",
		check: func(k *check) {
			end := k.punctual(time.Second)
			k.create("short", "s", time.Minute)
			k.create("long", "l", 2*time.Minute)
			k.advance(59 * time.Second)
			k.holds("short", "s")
			end()
			k.advance(2 * time.Second)
			k.gone("short")
			k.holds("long", "l")
			k.advance(time.Minute)
			k.gone("long")
		},
	},
	{
		name:  "Create of an id in use is ErrExists and changes nothing",
		quote: "It returns ErrExists, and changes nothing, when there is one.",
		check: func(k *check) {
			k.create("id", "first", time.Minute)
			k.is("second Create", k.Create(context.Background(), "id", []byte("second"), hour), session.ErrExists)
			k.holds("id", "first")
			k.advance(2 * time.Minute)
			k.gone("id") // the refused Create did not change the time to live
			k.is("Create after the first expired", k.Create(context.Background(), "id", []byte("third"), hour), nil)
			k.holds("id", "third")
		},
	},
	{
		name:  "of many Creates of one id exactly one succeeds",
		quote: "It returns ErrExists, and changes nothing, when there is one.",
		check: func(k *check) {
			var won atomic.Int64
			var winner atomic.Value
			parallel(16, func(i int) {
				data := fmt.Sprint("writer ", i)
				switch err := k.Create(context.Background(), "id", []byte(data), hour); {
				case err == nil:
					won.Add(1)
					winner.Store(data)
				case !errors.Is(err, session.ErrExists):
					k.wrong("parallel Create: got error %v, want nil or ErrExists", err)
				}
			})
			if won.Load() != 1 {
				k.wrong("%d of 16 parallel Creates succeeded, want 1", won.Load())
				return
			}
			k.holds("id", winner.Load().(string))
		},
	},
	{
		name:  "Create refuses a ttl under a millisecond",
		quote: "A ttl under one millisecond is an error.",
		check: func(k *check) {
			for _, ttl := range []time.Duration{0, -1, -hour, time.Millisecond - 1} {
				k.fails(fmt.Sprintf("Create with ttl %v", ttl), k.Create(context.Background(), "id", []byte("x"), ttl))
				k.gone("id")
			}
		},
	},
	{
		name:  "Update replaces the record and its ttl when the bytes are the same",
		quote: "Update replaces the record of id by new, with a new ttl, if its bytes are exactly old (compare-and-swap).",
		check: func(k *check) {
			k.create("id", "one", time.Minute)
			k.is("Update", k.Update(context.Background(), "id", []byte("one"), []byte("two"), 3*time.Minute), nil)
			k.holds("id", "two")
			k.advance(2 * time.Minute)
			k.holds("id", "two")
			k.is("Update to a shorter ttl", k.Update(context.Background(), "id", []byte("two"), []byte("two"), time.Second), nil)
			k.advance(2 * time.Second)
			k.gone("id")
		},
	},
	{
		name:  "Update answers a Conflict with the bytes that are there",
		quote: "Otherwise it changes nothing and returns a *Conflict with the bytes that are there, read in the same step from the authority, or ErrNotFound: it never creates.",
		check: func(k *check) {
			k.create("id", "now", time.Minute)
			for _, old := range []string{"then", "no", "now ", "NOW", ""} {
				k.conflict(fmt.Sprintf("Update from %q", old), k.Update(context.Background(), "id", []byte(old), []byte("x"), hour), "now")
				k.holds("id", "now")
			}
			k.conflict("Update from nil", k.Update(context.Background(), "id", nil, []byte("x"), hour), "now")
			k.advance(2 * time.Minute)
			k.gone("id") // a conflict does not change the time to live
			k.create("void", "", hour)
			k.conflict("Update of an empty record", k.Update(context.Background(), "void", []byte("x"), []byte("y"), hour), "")
		},
	},
	{
		name:  "Update never creates",
		quote: "Otherwise it changes nothing and returns a *Conflict with the bytes that are there, read in the same step from the authority, or ErrNotFound: it never creates.",
		check: func(k *check) {
			ctx := context.Background()
			for _, old := range [][]byte{nil, {}, []byte("x")} {
				k.is("Update of an unknown id", k.Update(ctx, "id", old, []byte("y"), hour), session.ErrNotFound)
				k.gone("id")
			}
			k.create("expired", "x", time.Second)
			k.advance(2 * time.Second)
			k.is("Update after the ttl", k.Update(ctx, "expired", []byte("x"), []byte("y"), hour), session.ErrNotFound)
			k.gone("expired")
			k.create("deleted", "x", hour)
			k.must(k.Delete(ctx, "deleted", nil))
			k.is("Update after Delete", k.Update(ctx, "deleted", []byte("x"), []byte("y"), hour), session.ErrNotFound)
			k.gone("deleted")
		},
	},
	{
		name:  "Update refuses a ttl under a millisecond",
		quote: "A ttl under one millisecond is an error.",
		check: func(k *check) {
			k.create("id", "x", hour)
			for _, ttl := range []time.Duration{0, -1, -hour, time.Millisecond - 1} {
				k.fails(fmt.Sprintf("Update with ttl %v", ttl), k.Update(context.Background(), "id", []byte("x"), []byte("y"), ttl))
				k.holds("id", "x")
			}
		},
	},
	{
		name:  "parallel Updates lose nothing",
		quote: "Update replaces the record of id by new, with a new ttl, if its bytes are exactly old (compare-and-swap).",
		check: func(k *check) {
			const writers, rounds = 8, 8
			record := []byte{}
			k.create("id", "", hour)
			for range rounds {
				parallel(writers, func(i int) {
					old := record // the same for all writers
					var c *session.Conflict
					for range writers { // each conflict means that another writer succeeded
						err := k.Update(context.Background(), "id", old, append(bytes.Clone(old), byte('a'+i)), hour)
						if !errors.As(err, &c) {
							k.is("parallel Update", err, nil)
							return
						}
						old = c.Current
					}
					k.wrong("a writer of %d met more conflicts than there were others", writers)
				})
				var c *session.Conflict
				if !errors.As(k.Update(context.Background(), "id", []byte("none"), nil, hour), &c) {
					k.wrong("Update from other bytes: got no Conflict")
					return
				}
				record = c.Current
			}
			for i := range writers {
				if n := bytes.Count(record, []byte{byte('a' + i)}); n != rounds {
					k.wrong("writer %d: %d of its %d updates are in the record", i, n, rounds)
				}
			}
		},
	},
	{
		name:  "Delete without old removes whatever is there",
		quote: "With old nil it does so unconditionally and an unknown id is not an error.",
		check: func(k *check) {
			ctx := context.Background()
			k.is("Delete of an unknown id", k.Delete(ctx, "id", nil), nil)
			k.create("id", "x", hour)
			k.create("other", "y", hour)
			k.is("Delete", k.Delete(ctx, "id", nil), nil)
			k.gone("id")
			k.is("Delete again", k.Delete(ctx, "id", nil), nil)
			k.holds("other", "y")
			k.is("Create after Delete", k.Create(ctx, "id", []byte("z"), hour), nil)
			k.holds("id", "z")
		},
	},
	{
		name:  "Delete with old removes only those bytes",
		quote: "Otherwise it removes the record only if its bytes are exactly old, and returns a *Conflict or ErrNotFound when they are not.",
		check: func(k *check) {
			ctx := context.Background()
			for id, data := range oddRecords {
				k.create(id, data, hour)
				k.conflict("comparing Delete of "+id, k.Delete(ctx, id, []byte(data+"!")), data)
				if data != "" {
					k.conflict("Delete of "+id+" compared to nothing", k.Delete(ctx, id, []byte{}), data)
				}
				k.holds(id, data)
				k.is("comparing Delete of "+id, k.Delete(ctx, id, []byte(data)), nil)
				k.gone(id)
				k.is("comparing Delete of "+id+" again", k.Delete(ctx, id, []byte(data)), session.ErrNotFound)
			}
			k.create("expired", "x", time.Second)
			k.advance(2 * time.Second)
			k.is("comparing Delete after the ttl", k.Delete(ctx, "expired", []byte("x")), session.ErrNotFound)
		},
	},
}

// parallel runs f n times concurrently and waits for all.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}
