package sessiontest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const (
	quoteListen = "Listen calls tell with the notice of each record that Delete, End or EndMany removes, or a Combiner, by this store or another on the same records, as EndNotice and EndManyNotice have it."
	quoteStep   = "The notice is sent in the step that removes the record."
	quoteBack   = "Of one that somebody has written back beside a note that names a successor, the notice is EndNotice's with that as next: the session went on before, and did not end now."
	quoteFirst  = `It first calls tell with "", once it is sure to hear of what ends from then on, and again whenever it may have missed something.`
	quoteNotify = "Notify calls each tell of those who Listen, to this store or another on the same records, with notice."
	quoteReturn = "Listen returns when ctx ends, or when it cannot go on; it is called again then, but for an error that matches errors.ErrUnsupported: this store was not told to notify."
)

// notifierOf returns s as a Notifier, nil if it is none or is not configured to notify.
func notifierOf(s session.Store) session.Notifier {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n, ok := s.(session.Notifier)
	if !ok || errors.Is(n.Listen(ctx, func(string) {}), errors.ErrUnsupported) {
		return nil
	}
	return n
}

// heard is the notices that a listener got.
type heard struct {
	k       *check
	ids     []string // the ids of the records that it is about
	notices chan string
	stop    context.CancelFunc
	err     chan error
}

// patience is how long a notice may take; the rule fails if it does not come by then.
const patience = 10 * time.Second

// listen begins to listen, and returns when Listen confirms it. Notices about ids that are not in ids are
// ignored: on a cluster those of the previous rule may come late.
func (k *check) listen(ids ...string) *heard {
	k.Helper()
	ctx, stop := context.WithCancel(context.Background())
	h := &heard{k, ids, make(chan string, 1000), stop, make(chan error, 1)}
	go func() { h.err <- k.notifier.Listen(ctx, func(notice string) { h.notices <- notice }) }()
	if got := h.next(); got != "" {
		h.k.wrong("the first notice: got %q, want an empty one", got)
	}
	return h
}

// next returns the next notice.
func (h *heard) next() string {
	h.k.Helper()
	late := time.After(patience)
	for {
		select {
		case notice := <-h.notices:
			if h.about(notice) {
				return notice
			}
		case <-late:
			h.stop()
			h.k.Fatalf("no notice came\nthe contract says: %q", h.k.rule)
			return ""
		}
	}
}

// about reports whether a notice is empty or malformed, or is about one of h's records.
func (h *heard) about(notice string) bool {
	of := func(id string) string { return session.EndNotice(id, nil, "")[1:] }
	return len(notice) != len(of(""))+1 || slices.ContainsFunc(h.ids, func(id string) bool { return of(id) == notice[1:] })
}

// hears checks the next notice.
func (h *heard) hears(what, want string) {
	h.k.Helper()
	if got := h.next(); got != want {
		h.k.wrong("%s: got the notice %q, want %q", what, got, want)
	}
}

// ends stops listening.
func (h *heard) ends() {
	h.k.Helper()
	h.stop()
	select {
	case err := <-h.err:
		h.k.is("Listen", err, context.Canceled)
	case <-time.After(patience):
		h.k.wrong("Listen did not return when its context ended")
	}
}

var notifierRules = withNotifier(
	rule{
		name:  "who listens hears of each record that ends",
		quote: quoteListen,
		check: func(k *check) {
			ctx := context.Background()
			ids := []string{"heard-a", "heard-b", "heard-c", "heard-d", "heard-e", "heard-f", "heard-g", "heard-h"}
			h, also := k.listen(ids...), k.listen(ids...)
			defer also.ends()
			defer h.ends()
			hears := func(what, want string) {
				h.hears(what, want)
				also.hears(what, want)
			}
			for _, id := range ids {
				k.create(id, "x", hour)
			}
			k.must(k.Delete(ctx, "heard-a", nil))
			hears("Delete", session.EndNotice("heard-a", nil, ""))
			k.must(k.Delete(ctx, "heard-b", []byte("x")))
			hears("Delete with old", session.EndNotice("heard-b", []byte("x"), ""))
			if k.ender != nil {
				k.ended("heard-c", nil, "", hour)
				hears("End", session.EndNotice("heard-c", nil, ""))
				k.ended("heard-d", []byte("x"), "heard-next", hour)
				hears("End with next", session.EndNotice("heard-d", []byte("x"), "heard-next"))
			}
			if k.batch != nil {
				k.endsMany([]string{"heard-e"}, "")
				hears("EndMany", session.EndManyNotice("heard-e"))
			}
			if k.ending != nil {
				k.endsWith("heard-f", "", "label")
				hears("EndIndexed", session.EndNotice("heard-f", nil, ""))
				if _, err := k.ending.EndManyIndexed(ctx, []string{"heard-h"}, hour, [][]string{{"label"}}); !errors.Is(err, errors.ErrUnsupported) {
					k.must(err)
					hears("EndManyIndexed", session.EndManyNotice("heard-h"))
				}
			}
			if k.starting != nil {
				k.starts(session.NewRecord{ID: "heard-new", OldID: "heard-g", OldData: []byte("x")}, true, nil)
				hears("CreateIndexed", session.EndNotice("heard-g", []byte("x"), ""))
			}
		},
	},
	rule{
		name:  "what removes nothing is not told",
		quote: quoteListen,
		check: func(k *check) {
			ctx := context.Background()
			ids := []string{"quiet-id", "quiet-gone", "quiet-last"}
			for _, id := range ids {
				k.create(id, "x", hour)
			}
			h := k.listen(append(ids, "quiet-unknown")...)
			defer h.ends()
			k.must(k.Delete(ctx, "quiet-gone", nil))
			h.hears("Delete", session.EndNotice("quiet-gone", nil, "")) // otherwise its notice might come late
			k.must(k.Update(ctx, "quiet-id", []byte("x"), []byte("y"), hour))
			k.is("Delete", k.Delete(ctx, "quiet-id", []byte("x")), session.ErrConflict)
			k.must(k.Delete(ctx, "quiet-gone", nil))
			if k.ender != nil {
				_, err := k.ender.End(ctx, "quiet-id", []byte("x"), "next", hour)
				k.is("End", err, session.ErrConflict)
				_, err = k.ender.End(ctx, "quiet-gone", nil, "", 0)
				k.must(err)
			}
			if k.batch != nil {
				k.endsMany([]string{"quiet-gone", "quiet-unknown"}, "", "")
			}
			k.must(k.Delete(ctx, "quiet-last", nil))
			h.hears("after calls that removed nothing", session.EndNotice("quiet-last", nil, ""))
		},
	},
	rule{
		name:  "a record that was written back is told as gone on",
		quote: quoteBack,
		check: func(k *check) {
			if k.ender == nil {
				return
			}
			ctx := context.Background()
			h := k.listen("back")
			defer h.ends()
			moved := session.EndNotice("back", nil, "back-next")
			k.create("back", "x", hour)
			k.ended("back", []byte("x"), "back-next", hour)
			h.hears("End with next", moved)
			k.create("back", "x", hour)
			k.must(k.Delete(ctx, "back", nil))
			h.hears("Delete of what was written back", moved)
			k.create("back", "x", hour)
			_, err := k.ender.End(ctx, "back", nil, "", hour)
			k.must(err)
			h.hears("End of what was written back", moved)
			if k.batch != nil {
				k.create("back", "x", hour)
				k.endsMany([]string{"back"}, "back-next")
				h.hears("EndMany of what was written back", moved)
			}
			if k.ending != nil {
				k.create("back", "x", hour)
				k.endsWith("back", "back-next", "label")
				h.hears("EndIndexed of what was written back", moved)
			}
		},
	},
	rule{
		name:  "a record is gone when its notice comes",
		quote: quoteStep,
		check: func(k *check) {
			h := k.listen("step")
			defer h.ends()
			for range 20 {
				k.create("step", "x", hour)
				done := make(chan error, 1)
				go func() { done <- k.Delete(context.Background(), "step", nil) }()
				h.hears("Delete", session.EndNotice("step", nil, ""))
				k.gone("step")
				k.must(<-done)
			}
		},
	},
	rule{
		name:  "who listens again is told that something may have been missed",
		quote: quoteFirst,
		check: func(k *check) {
			for range 3 {
				k.listen().ends()
			}
		},
	},
	rule{
		name:  "who does not listen any more is told nothing",
		quote: quoteReturn,
		check: func(k *check) {
			h, stays := k.listen("stopped"), k.listen("stopped")
			defer stays.ends()
			h.ends()
			k.create("stopped", "x", hour)
			k.must(k.Delete(context.Background(), "stopped", nil))
			stays.hears("Delete", session.EndNotice("stopped", nil, ""))
			for len(h.notices) > 0 {
				if notice := <-h.notices; h.about(notice) {
					k.wrong("got the notice %q after Listen had returned", notice)
				}
			}
		},
	},
)

// withNotifier makes rules apply only to a store that sends notices.
func withNotifier(list ...rule) []rule {
	for i := range list {
		list[i].needs = func(s session.Store) bool { return notifierOf(s) != nil }
	}
	return list
}

var changeRules = withChangeNotifier(
	rule{
		name:  "who listens hears of a change that removed no record",
		quote: quoteNotify,
		check: func(k *check) {
			h, also := k.listen("changed"), k.listen("changed")
			defer also.ends()
			defer h.ends()
			notice := "u" + session.EndManyNotice("changed")[1:] // passed on unchanged
			k.must(k.notifier.(session.ChangeNotifier).Notify(context.Background(), notice))
			h.hears("Notify", notice)
			also.hears("Notify", notice)
		},
	},
)

// withChangeNotifier makes rules apply only to a store that also sends notices of changes.
func withChangeNotifier(list ...rule) []rule {
	for i := range list {
		list[i].needs = func(s session.Store) bool {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			n, ok := notifierOf(s).(session.ChangeNotifier)
			return ok && !errors.Is(n.Notify(ctx, ""), errors.ErrUnsupported)
		}
	}
	return list
}
