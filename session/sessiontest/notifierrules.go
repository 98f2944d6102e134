package sessiontest

import (
	"context"
	"errors"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

const (
	quoteListen = "Listen calls tell with the notice of each record that Delete, End or EndMany removes, by this store or another on the same records, as EndNotice and EndManyNotice have it."
	quoteStep   = "The notice is sent in the step that removes the record."
	quoteFirst  = `It first calls tell with "", once it is sure to hear of what ends from then on, and again whenever it may have missed something.`
	quoteReturn = "Listen returns when ctx ends, or when it cannot go on; it is called again then, but for an error that matches errors.ErrUnsupported: this store was not told to notify."
)

// tells reports whether n was told to notify.
func tells(n session.Notifier) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return !errors.Is(n.Listen(ctx, func(string) {}), errors.ErrUnsupported)
}

// heard is what a listener was told.
type heard struct {
	k       *check
	notices chan string
	stop    context.CancelFunc
	err     chan error
}

// patience is how long a notice may take that has to come; one that does not fails the rule.
const patience = 10 * time.Second

// listen begins to listen, and returns when Listen says that it hears.
func (k *check) listen() *heard {
	k.Helper()
	ctx, stop := context.WithCancel(context.Background())
	h := &heard{k, make(chan string, 1000), stop, make(chan error, 1)}
	go func() { h.err <- k.notifier.Listen(ctx, func(notice string) { h.notices <- notice }) }()
	if got := h.next(); got != "" {
		h.k.wrong("the first notice: got %q, want an empty one", got)
	}
	return h
}

// next returns the next notice.
func (h *heard) next() string {
	h.k.Helper()
	select {
	case notice := <-h.notices:
		return notice
	case <-time.After(patience):
		h.stop()
		h.k.Fatalf("no notice came\nthe contract says: %q", h.k.rule)
		return ""
	}
}

// hears checks what is heard next.
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
			h, also := k.listen(), k.listen()
			defer also.ends()
			defer h.ends()
			hears := func(what, want string) {
				h.hears(what, want)
				also.hears(what, want)
			}
			for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
				k.create(id, "x", hour)
			}
			k.must(k.Delete(ctx, "a", nil))
			hears("Delete", session.EndNotice("a", nil, ""))
			k.must(k.Delete(ctx, "b", []byte("x")))
			hears("Delete with old", session.EndNotice("b", []byte("x"), ""))
			if k.ender != nil {
				k.ended("c", nil, "", hour)
				hears("End", session.EndNotice("c", nil, ""))
				k.ended("d", []byte("x"), "d2", hour)
				hears("End with next", session.EndNotice("d", []byte("x"), "d2"))
			}
			if k.batch != nil {
				k.endsMany([]string{"e"}, "")
				hears("EndMany", session.EndManyNotice("e"))
			}
		},
	},
	rule{
		name:  "what removes nothing is not told",
		quote: quoteListen,
		check: func(k *check) {
			ctx := context.Background()
			for _, id := range []string{"id", "gone", "last"} {
				k.create(id, "x", hour)
			}
			k.must(k.Delete(ctx, "gone", nil))
			h := k.listen()
			defer h.ends()
			k.must(k.Update(ctx, "id", []byte("x"), []byte("y"), hour))
			k.is("Delete", k.Delete(ctx, "id", []byte("x")), session.ErrConflict)
			k.must(k.Delete(ctx, "gone", nil))
			if k.ender != nil {
				_, err := k.ender.End(ctx, "id", []byte("x"), "next", hour)
				k.is("End", err, session.ErrConflict)
				_, err = k.ender.End(ctx, "gone", nil, "", 0)
				k.must(err)
			}
			if k.batch != nil {
				k.endsMany([]string{"gone", "unknown"}, "", "")
			}
			k.must(k.Delete(ctx, "last", nil))
			h.hears("after calls that removed nothing", session.EndNotice("last", nil, ""))
		},
	},
	rule{
		name:  "a record is gone when its notice comes",
		quote: quoteStep,
		check: func(k *check) {
			h := k.listen()
			defer h.ends()
			for range 20 {
				k.create("id", "x", hour)
				done := make(chan error, 1)
				go func() { done <- k.Delete(context.Background(), "id", nil) }()
				h.hears("Delete", session.EndNotice("id", nil, ""))
				k.gone("id")
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
			h, stays := k.listen(), k.listen()
			defer stays.ends()
			h.ends()
			k.create("id", "x", hour)
			k.must(k.Delete(context.Background(), "id", nil))
			stays.hears("Delete", session.EndNotice("id", nil, ""))
			if len(h.notices) > 0 {
				k.wrong("got the notice %q after Listen had returned", <-h.notices)
			}
		},
	},
)

// withNotifier makes rules depend on a store that tells what ends.
func withNotifier(list ...rule) []rule {
	for i := range list {
		list[i].needs = func(s session.Store) bool {
			n, ok := s.(session.Notifier)
			return ok && tells(n)
		}
	}
	return list
}
