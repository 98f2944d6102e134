package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
	"github.com/seed-6f34412b/passport/internal/compositions/outside"
	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

const (
	browsers = 3
	pause    = 7 * time.Millisecond // between steps: "the oldest" must not be a matter of chance
	patience = 30 * time.Second     // of a visitor: more than session.Config.StoreTimeout, of a few commands
)

// Failure is a journey that broke a promise.
type Failure struct {
	Journey Journey
	Step    int // after which it showed
	Broken  []model.Broken
}

// Kind is the same for all journeys that break a promise in the same way.
func (f *Failure) Kind() string { return f.Broken[0].Kind }

// Error implements error.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "after step %d:", f.Step)
	for _, p := range f.Broken {
		fmt.Fprintf(&b, "\n\t%s: %s", p.Kind, p.Text)
	}
	return b.String() + "\n" + f.Journey.String()
}

// Try runs j, and fails the test where a promise does not hold.
func Try(t *testing.T, j Journey) {
	t.Helper()
	if f := Run(t, j); f != nil {
		t.Error(f)
	}
}

// Run runs j in a bubble of its own. It returns nil if every promise held.
func Run(t *testing.T, j Journey) (failure *Failure) { return j.run(t, inMemory) }

// RunOn is Run on the Redis at address, of which each server of the journey is a database. There time is
// real but for what waits: without the steps in which time passes.
func RunOn(t *testing.T, j Journey, address string) *Failure {
	databases := 0
	j.Steps = slices.DeleteFunc(slices.Clone(j.Steps), func(s Step) bool { return s.Do == "clock" })
	return j.run(t, servers{redis: func() *server {
		databases++
		return serverAt(address, databases)
	}})
}

// RunCached is RunOn with one server, whose records are read from a client-side cache. After each step that has to
// have heard what the step changed: then it shows what the Redis has.
func RunCached(t *testing.T, j Journey, address string) *Failure {
	j.Switches.Store, j.Switches.Lag, j.Switches.Outage = 1, 0, j.Switches.Outage%2
	j.Steps = slices.DeleteFunc(slices.Clone(j.Steps), func(s Step) bool { return s.Do == "clock" })
	return j.run(t, servers{redis: func() *server { return cachedAt(address) }, cached: true})
}

func (j Journey) run(t *testing.T, on servers) (failure *Failure) {
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, j.Seed)
		w, err := newWorld(j.Switches, on)
		defer w.close()
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range j.Steps {
			if w.walk(s); i == len(j.Steps)-1 {
				w.waitForStreams()
			}
			if len(w.model.Broken) > 0 {
				failure = &Failure{j, i, w.model.Broken}
				return
			}
		}
	})
	return failure
}

// world is the program, its visitors, and what must be true of them.
type world struct {
	shared    *shared
	stores    *cluster
	raw       session.Store // past the gate: as Express sees it
	gate      *sessiontest.Gate
	condition *condition
	processes []*process
	probe     *process // asks the store past the gate
	browsers  []*browser
	model     *outside.Model
	ids       []string // every one that was ever issued
	issued    map[string]bool
	slow      *slow
	streams   []*stream
	presented []string          // by the present step
	token     string            // of a device, in the present step
	signed    map[string]int    // by which process a browser's token was signed
	refs      map[string]string // of the ids, while they lived
	eventsMu  sync.Mutex
	events    []guard.Event // since the model was told of them
}

func (w *world) close() {
	w.closeStreams()
	if w.shared.Outage > 0 {
		w.back()
		time.Sleep(time.Minute) // for what waits for the store behind a request's back
	}
	w.stores.all(func(n *node) { n.close() })
}

func newWorld(s Switches, on servers) (*world, error) {
	w := &world{
		model: outside.New(s.config()), condition: &condition{}, stores: &cluster{cached: on.cached}, issued: map[string]bool{}, signed: map[string]int{}, refs: map[string]string{},
	}
	w.shared = &shared{Switches: s, events: w.hear}
	w.stores.wrote = w.condition.ended
	if err := s.fill(w.stores, on); err != nil {
		return w, err
	}
	w.shared.cells, w.shared.counter = cells{clusterCells{w.stores}, w.condition}, counter{clusterCounter{w.stores}, w.condition}
	w.raw = clusterSessions{w.stores, false}
	w.gate = sessiontest.NewGate(clusterSessions{w.stores, true})
	w.gate.Before = func(ctx context.Context, _ sessiontest.Call) sessiontest.Fate {
		pass(ctx)
		return w.condition.fate(ctx)
	}
	w.gate.After = func(c sessiontest.Call, err error) {
		w.condition.executed(c, err)
		if c.Op == "Create" && err == nil {
			w.issue(c.ID)
		}
	}
	for range w.shared.guardCount() {
		w.shared.tables = append(w.shared.tables, newTable())
	}
	for number := range 2 {
		p, err := w.shared.newProcess(number, w.gate.Store())
		if err != nil {
			return w, err
		}
		p.handler = p.routes()
		w.processes = append(w.processes, p)
	}
	var err error
	if w.probe, err = w.shared.newProcess(1, w.raw); err != nil {
		return w, err
	}
	for range browsers {
		w.browsers = append(w.browsers, newBrowser())
	}
	return w, nil
}

// issue notes an id.
func (w *world) issue(id string) {
	if !w.issued[id] {
		w.issued[id] = true
		w.ids = append(w.ids, id)
	}
}

// arrive has the browser keep the answer's cookies, unless the answer is lost. An outage is
// a failure: in synthetic time whoever waits for a lock waits until the limit.
func (w *world) arrive(s Step, r *request) {
	if r == nil {
		return
	}
	if r.Status >= http.StatusInternalServerError && (r.Status != http.StatusServiceUnavailable || !w.condition.met) {
		w.broken(fmt.Sprintf("answer: %s is %d without an outage", s.Do, r.Status), "%s", r.text)
	}
	if !s.Lost {
		w.browser(s).arrive(r.cookies, s.Late, s.N%2 == 0)
	}
}

func (w *world) broken(kind, text string, args ...any) {
	w.model.Broken = append(w.model.Broken, model.Broken{Kind: kind, Text: fmt.Sprintf(text, args...)})
}

// lengths are how long the clock goes on: just under and just over the limits, and others.
var lengths = []time.Duration{
	time.Second, grace - 2*time.Second, grace + 2*time.Second, refresh + 10*time.Second, 9 * time.Minute, 11 * time.Minute,
	idle - refresh - 10*time.Second, idle - 10*time.Second, idle + 10*time.Second, absolute - idle, absolute - time.Minute, absolute + time.Minute, remFor - time.Hour, remFor + time.Hour,
}

func (s Step) who() int { return max(s.U, 1) }

func key(s Step) string { return values[s.N%len(values)] }

// at returns the process that gets the request of a step, and the number of its guard there.
func (w *world) at(s Step) (p *process, g int) {
	p = w.processes[s.P%2]
	return p, s.G % len(p.guards)
}

func (w *world) guard(s Step) (int, *guard.Guard[*user]) {
	p, g := w.at(s)
	return g, p.guards[g]
}

func (w *world) remembers(s Step) bool {
	p, g := w.at(s)
	return s.Remember && p.memory[g] != nil && p.offers()
}

func (w *world) browser(s Step) *browser { return w.browsers[s.B%browsers] }

func (w *world) table(s Step) *table { return w.shared.tables[s.G%len(w.shared.tables)] }

// walk takes a step and asks what is true then.
func (w *world) walk(s Step) {
	time.Sleep(time.Until(time.Now().Truncate(time.Millisecond).Add(pause))) // records know no less than a millisecond
	s = w.asSent(s)
	w.step(s)
	if w.stores.cached {
		w.model.Want(w.stores.hears(w.ids), "cache: it does not hear of a change", "%s", s.Do)
	}
	w.ask() // finds the sessions that events name
	w.compareEvents(w.heard())
	w.compareStreams(s)
}

func (w *world) step(s Step) {
	a := actionOf(s.Do)
	if a == nil {
		w.broken("journey: no such step", "%q", s.Do)
		return
	}
	if !w.shared.happens(s.Do) {
		return
	}
	w.condition.begin()
	began := time.Now()
	r := a.do(w, context.Background(), s)
	w.model.Want(s.Do == "clock" || time.Since(began) < patience, "outage: a request waits for the store without a limit", "%s: %v", s.Do, time.Since(began))
	if w.presented = nil; r != nil {
		w.presented = slices.Concat(r.IDs, r.onTheWay)
	}
	refused := w.met(s, r) || w.lagged(s, r) || r != nil && r.Status == http.StatusConflict && w.model.Beside(&r.Visit, s.Do)
	w.arrive(s, r)
	if a.tell != nil && !refused {
		a.tell(w, s, r)
	}
	if r != nil && !refused {
		w.model.Answered(&r.Visit)
	}
}

// hear keeps an event, as the model knows it.
func (w *world) hear(e guard.Event) {
	w.eventsMu.Lock()
	defer w.eventsMu.Unlock()
	w.events = append(w.events, e)
}

// heard returns the events since it was asked last. A session that no question has found goes by its Ref.
func (w *world) heard() (list []model.Event) {
	w.eventsMu.Lock()
	defer w.eventsMu.Unlock()
	for _, e := range w.events {
		m := model.Event{
			Guard: slices.Index(guardKeys, e.Guard), Name: string(e.Name), Reason: e.Reason, Outcome: string(e.Outcome),
			Strategy: plainName(e.Strategy), User: userIn(e.User), Session: e.Session, Count: e.Count, Account: e.Account,
		}
		if id := w.refs[e.Session]; id != "" {
			m.Session = id
		}
		list = append(list, m)
	}
	w.events = nil
	return list
}

// userIn returns the number in a user's id.
func userIn(id []byte) (n int) {
	var o objectID
	if json.Unmarshal(id, &n) != nil && json.Unmarshal(id, &o) == nil {
		n = o.ID
	}
	return n
}
