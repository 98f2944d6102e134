package journey

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/internal/compositions/outside"
)

// Race is a run in which one request is held before one of its commands to a store while others are
// answered. Afterwards it checks identities only: nothing may be left of a log-in that an answered request
// ended.
type Race struct {
	Switches Switches
	Before   []Step // one after the other, compared with the model
	Held     Step   // sent to the first process
	At       int    // the command before which it is held, from 1
	Others   []Step // sent to the second process while it is held
}

// String returns r as a Go test that can be pasted.
func (r Race) String() string {
	list := func(steps []Step) string {
		var texts []string
		for _, s := range steps {
			texts = append(texts, "{"+fields(s)+"}")
		}
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("func TestPasted(t *testing.T) {\n\tjourney.TryRace(t, journey.Race{\n\t\tSwitches: journey.Switches{%s},\n\t\tBefore:   []journey.Step{%s},\n\t\tHeld:     journey.Step{%s},\n\t\tAt:       %d,\n\t\tOthers:   []journey.Step{%s},\n\t})\n}\n",
		fields(r.Switches), list(r.Before), fields(r.Held), r.At, list(r.Others))
}

// TryRace runs r, and fails the test if a promise is broken.
func TryRace(t *testing.T, r Race) {
	t.Helper()
	if broken, _ := RunRace(t, r); len(broken) > 0 {
		t.Errorf("%v\n%v", broken, r)
	}
}

// hold stops a request before one of its commands.
type hold struct {
	mu               sync.Mutex
	at, seen         int
	reached, release chan struct{}
}

type holdKey struct{}

// pass is called before each command to a store, with the request's context.
func pass(ctx context.Context) {
	h, ok := ctx.Value(holdKey{}).(*hold)
	if !ok {
		return
	}
	h.mu.Lock()
	h.seen++
	here := h.seen == h.at
	h.mu.Unlock()
	if here {
		close(h.reached)
		<-h.release
	}
}

// RunRace runs r. reached is false if the held request has fewer commands.
func RunRace(t *testing.T, r Race) (broken []outside.Broken, reached bool) {
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, 1)
		w, err := newWorld(r.Switches, inMemory)
		defer w.close()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Before {
			w.walk(s)
		}
		if broken = w.model.Broken; len(broken) == 0 { // otherwise the failure is not one of the race
			time.Sleep(pause)
			broken, reached = w.race(r)
		}
	})
	return broken, reached
}

// race holds the request, runs the others, and checks what is left.
func (w *world) race(r Race) (broken []outside.Broken, reached bool) {
	h := &hold{at: r.At, reached: make(chan struct{}), release: make(chan struct{})}
	ctx := context.WithValue(context.Background(), holdKey{}, h)
	var ended []entry
	var answered []Step
	take := func(s Step, ends []entry, r *request) {
		if w.answered(s, r) {
			ended, answered = append(ended, ends...), append(answered, s)
		}
	}
	ends, done := w.endedBy(r.Held), make(chan *request, 1)
	go func() { done <- actionOf(r.Held.Do).do(w, ctx, r.Held) }()
	synctest.Wait()
	select {
	case <-h.reached:
		reached = true
	default:
	}
	for _, s := range r.Others {
		s.P = 1
		others := w.endedBy(s)
		time.Sleep(pause)
		take(s, others, actionOf(s.Do).do(w, context.Background(), s))
		synctest.Wait()
	}
	close(h.release)
	take(r.Held, ends, <-done)
	synctest.Wait() // for what continues in the background after the request
	all := append(slices.Clone(r.Others), r.Held)
	w.left(ended, all)
	for _, s := range answered {
		w.forgotten(s, all)
	}
	return w.model.Broken, reached
}

// answered stores the answer's cookies in the browser, and reports whether the request succeeded.
func (w *world) answered(s Step, r *request) bool {
	w.arrive(s, r)
	return r != nil && r.Status == http.StatusOK && (s.Do != "end a device" || r.text == "found" && w.model.Live[r.ID] != nil) // not a session that a held log-in stored
}

// entry is a log-in as a list shows it.
type entry struct {
	guard, user int
	at          int64 // milliseconds; 0 for one by a remembered browser
}

func entryOf(l *model.LogIn) entry {
	e := entry{guard: l.Guard, user: l.User}
	if !l.At.IsZero() {
		e.at = l.At.UnixMilli()
	}
	return e
}

// endedBy returns the log-ins that a successful answer to s ends.
func (w *world) endedBy(s Step) (list []entry) {
	p, g := w.at(s)
	jar := w.browser(s).cookies(s.Old)
	var presented []string
	for _, name := range p.names[g] {
		presented = append(presented, idIn(jar[name].value))
	}
	for id, session := range w.model.Live {
		for _, l := range session.LogIns {
			ends := false
			switch s.Do {
			case "log out":
				ends = l.Guard == g && slices.Contains(presented, id)
			case "destroy": // it forgets no browser
				ends = slices.Contains(presented, id) && w.shared.Remember == 0
			case "log out everywhere":
				ends = l.Guard == g && l.User == s.who()
			case "end a device": // in races the user has only one
				ends = l.Guard == g && l.User == s.who()
			case "log-out by the provider":
				ends = l.Guard == g && slices.Contains(l.Labels, s.label())
			}
			if ends {
				list = append(list, entryOf(l))
			}
		}
	}
	return list
}

// left reports ended log-ins that the lists still show. Only credentials make another log-in of the same
// user.
func (w *world) left(ended []entry, steps []Step) {
	for g, auth := range w.probe.guards {
		for id := range w.shared.tables[g].rows {
			proved := credentials(g, id, steps)
			list, err := auth.Sessions(context.Background(), w.shared.tables[g].row(id))
			if err != nil {
				w.broken("answer: Sessions fails", "%v", err)
			}
			for _, d := range list {
				e := entry{guard: g, user: id}
				if !d.LoggedIn.IsZero() {
					e.at = d.LoggedIn.UnixMilli()
				}
				i := slices.IndexFunc(ended, func(o entry) bool { return o.guard == g && o.user == id && (!proved || o.at == e.at) })
				if i >= 0 {
					w.broken("race: a log-in that an answered request ended lives", "guard %d, user %d, logged in at %d, under %s", g, id, e.at, d.Ref)
				}
			}
		}
	}
}

func credentials(g, user int, steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool {
		return strings.HasPrefix(s.Do, "log in") && s.G == g && s.who() == user
	})
}

// forgotten checks that after an answered log-out of its user the browser is not let in again.
func (w *world) forgotten(s Step, steps []Step) {
	switch s.Do {
	case "log out", "log out everywhere", "log-out by the provider", "end a device":
	default:
		return
	}
	g, _ := w.guard(s)
	for _, o := range steps {
		if strings.HasPrefix(o.Do, "log in") && o.G == s.G {
			return
		}
	}
	time.Sleep(pause)
	if r := w.send(context.Background(), Step{B: s.B, G: g}, "me"); r.Status == http.StatusOK && (s.Do == "log out" || r.user() == s.who()) {
		w.broken("race: a browser whose user was logged out is let in", "guard %d, user %s", g, r.text)
	}
}

// Races runs every request of a list, held before each of its commands, while each other request or pair of
// renewals is answered. It returns one failure for each kind, held request and other requests. If full is
// true there are more switches. Only every n-th race is run, where n is every. If kind is not "", it ends
// at the first failure of that kind, and ignores others.
func Races(t *testing.T, full bool, every int, kind string) (runs int, failures []string) {
	renewals := [][]Step{{{Do: "renew"}, {Do: "renew"}}, {{Do: "renew"}, {Do: "step up", U: 1}}, {{Do: "change the password"}, {Do: "renew"}}}
	requests := []Step{
		{Do: "log out"}, {Do: "log out", G: 1}, {Do: "destroy"}, {Do: "log out everywhere", U: 1}, {Do: "end a device", U: 1}, {Do: "log-out by the provider"},
		{Do: "renew"}, {Do: "step up", U: 1}, {Do: "change the password"}, {Do: "change the password", N: 1}, {Do: "set", U: 1}, {Do: "page"}, {Do: "page", G: 1},
		{Do: "log in", U: 1}, {Do: "log in", U: 2}, {Do: "log in", G: 1, U: 1},
	}
	logIn := Step{Do: "log in by provider", U: 1, Remember: true}
	second := Step{Do: "log in", G: 1, U: 2, Remember: true}
	begin := map[string][]Step{"one": {logIn}, "two": {logIn, second}, "back": {logIn, {Do: "reopen"}}, "moved": {logIn, {Do: "renew"}}}
	seen, number := map[string]bool{}, 0
	for _, c := range []struct {
		s      Switches
		begins string
		full   bool
	}{
		{Switches{}, "one", false},
		{Switches{Guards: 1}, "two", false},
		{Switches{Remember: 1}, "one", false},
		{Switches{Remember: 1}, "back", false},
		{Switches{Notes: 1}, "moved", true},
		{Switches{Guards: 1, Remember: 1}, "two", true},
		{Switches{Guards: 1, Remember: 1}, "back", true},
		{Switches{Guards: 1, Notes: 1, Stamp: 1}, "two", true},
		{Switches{Max: 1}, "one", true},
		{Switches{Max: 1, Refuse: 1, Remember: 1}, "one", true},
		{Switches{Deploy: 1, Remember: 1}, "one", true},
	} {
		if c.full && !full {
			continue
		}
		for r := range racesOf(c.s, begin[c.begins], requests, renewals) {
			if number++; number%every != 0 {
				continue
			}
			n, broken := everyHold(t, r)
			runs += n
			if len(broken) == 0 || kind != "" && broken[0].Kind != kind {
				continue
			}
			if form := fmt.Sprint(r.Held.Do, r.Others, broken[0].Kind); !seen[form] {
				seen[form] = true
				failures = append(failures, fmt.Sprintf("%v\n%v", broken, r))
			}
			if kind != "" {
				return runs, failures
			}
		}
	}
	return runs, failures
}

// racesOf yields each request, to be held, with each other request and each of the pairs.
func racesOf(s Switches, before, requests []Step, pairs [][]Step) iter.Seq[*Race] {
	others := slices.Clone(pairs)
	for _, o := range requests {
		others = append(others, []Step{o})
	}
	return func(yield func(*Race) bool) {
		for _, held := range requests {
			for _, o := range others {
				if s.Guards == 0 && (held.G > 0 || o[0].G > 0) {
					continue
				}
				if !yield(&Race{Switches: s, Before: before, Held: held, Others: o}) {
					return
				}
			}
		}
	}
}

// everyHold runs r with the request held before each of its commands in turn, until a promise is broken.
func everyHold(t *testing.T, r *Race) (runs int, broken []outside.Broken) {
	for reached := true; reached && len(broken) == 0; runs++ {
		r.At++
		broken, reached = RunRace(t, *r)
	}
	return runs, broken
}
