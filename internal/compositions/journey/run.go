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
	pause    = 7 * time.Millisecond // between steps, so that one session is the oldest
	patience = 30 * time.Second     // for an answer: more than session.Config.StoreTimeout for a few commands
)

// Failure is a journey that broke a promise.
type Failure struct {
	Journey Journey
	Step    int // the index of the step after which it showed
	Broken  []outside.Broken
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

// Try runs j, and fails the test if a promise is broken.
func Try(t *testing.T, j Journey) {
	t.Helper()
	if f := Run(t, j); f != nil {
		t.Error(f)
	}
}

// Run runs j in its own synctest bubble. It returns nil if every promise held.
func Run(t *testing.T, j Journey) (failure *Failure) { return j.run(t, inMemory) }

// RunOn is Run with the Redis at address; each server of the journey is one database of it. The Redis has
// real time, so steps in which time passes are left out.
func RunOn(t *testing.T, j Journey, address string) *Failure {
	databases := 0
	j.Steps = withoutClock(j.Steps)
	return j.run(t, servers{redis: func() *server {
		databases++
		return serverAt(address, databases)
	}})
}

// RunCached is RunOn with one server, whose records are read through a client-side cache. After each step,
// the cache must soon show what the Redis has.
func RunCached(t *testing.T, j Journey, address string) *Failure {
	j.Switches.Store, j.Switches.Lag, j.Switches.Outage = 1, 0, j.Switches.Outage%2
	j.Steps = withoutClock(j.Steps)
	return j.run(t, servers{redis: func() *server { return cachedAt(address) }, cached: true})
}

// withoutClock returns the steps in which no time passes.
func withoutClock(steps []Step) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Do == "clock" })
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

// world is the program, its visitors, and the model.
type world struct {
	shared    *shared
	stores    *cluster
	raw       session.Store // not through the gate: what Express uses
	gate      *sessiontest.Gate
	condition *condition
	processes []*process
	probe     *process // reads the store without the gate, to compare it with the model
	browsers  []*browser
	model     *outside.Model
	ids       []string // all that were ever issued
	issued    map[string]bool
	slow      *slow
	streams   []*stream
	trouble   time.Time         // the last outage or fail-over
	deaf      bool              // no command was executed since the last step
	presented []string          // the ids that the current step presented
	token     string            // a device-bound token of the current step
	signed    map[string]int    // the process that signed each remember-me token
	refs      map[string]string // id by Session.Ref
	eventsMu  sync.Mutex
	events    []guard.Event // since the last comparison
}

func (w *world) close() {
	w.closeStreams()
	if w.shared.Outage > 0 {
		w.back()
		time.Sleep(time.Minute) // for background work that waits for the store
	}
	w.stores.all(func(n *node) { n.close() })
}

func newWorld(s Switches, on servers) (*world, error) {
	w := &world{
		model: outside.New(s.config()), condition: &condition{}, stores: &cluster{cached: on.cached}, issued: map[string]bool{}, signed: map[string]int{}, refs: map[string]string{},
	}
	w.shared = &shared{Switches: s, events: w.hear, timeout: on.timeout}
	w.stores.wrote = w.condition.ended
	if err := s.fill(w.stores, on); err != nil {
		return w, err
	}
	w.shared.cells, w.shared.counter = cells{clusterCells{w.stores}, w.condition}, counter{clusterCounter{w.stores}, w.condition}
	w.raw = clusterSessions{w.stores, false, false}
	w.gate = sessiontest.NewGate(clusterSessions{w.stores, true, true})
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
	w.shared.timeout = 0 // the probe waits even if the machine is busy
	if w.probe, err = w.shared.newProcess(1, w.raw); err != nil {
		return w, err
	}
	for range browsers {
		w.browsers = append(w.browsers, newBrowser())
	}
	return w, nil
}

// issue records an id that was issued.
func (w *world) issue(id string) {
	if !w.issued[id] {
		w.issued[id] = true
		w.ids = append(w.ids, id)
	}
}

// arrive stores the answer's cookies in the browser, unless the answer is lost. A server error without an
// outage is a failure: it may be a deadlock, because in synthetic time whoever waits for a lock waits until
// the timeout.
func (w *world) arrive(s Step, r *request) {
	if r == nil {
		return
	}
	if r.Status >= http.StatusInternalServerError && (r.Status != http.StatusServiceUnavailable || !w.condition.hit()) {
		w.broken(fmt.Sprintf("answer: %s is %d without an outage", s.Do, r.Status), "%s", r.text)
	}
	if !s.Lost {
		w.browser(s).arrive(r.cookies, s.Late, s.N%2 == 0)
	}
}

func (w *world) broken(kind, text string, args ...any) {
	w.model.Want(false, kind, text, args...)
}

// lengths are the steps of the clock: just below and just above the limits, and others.
var lengths = []time.Duration{
	time.Second, grace - 2*time.Second, grace + 2*time.Second, refresh + 10*time.Second, 9 * time.Minute, 11 * time.Minute,
	idle - refresh - 10*time.Second, idle - 10*time.Second, idle + 10*time.Second, absolute - idle, absolute - time.Minute, absolute + time.Minute, remFor - time.Hour, remFor + time.Hour,
}

func (s Step) who() int { return max(s.U, 1) }

func key(s Step) string { return values[s.N%len(values)] }

// at returns the process that gets the request of a step, and the number of the guard there.
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

// walk runs a step, and compares the program with the model.
func (w *world) walk(s Step) {
	time.Sleep(time.Until(time.Now().Truncate(time.Millisecond).Add(pause))) // records store times in milliseconds
	s = w.asSent(s)
	w.step(s)
	if w.stores.cached {
		w.model.Want(w.stores.hears(w.ids), "cache: it does not hear of a change", "%s", s.Do)
	}
	w.ask() // first: it maps the Refs in events to ids
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
	w.deaf = w.condition.deaf()
	began, content := time.Now(), w.model.Content()
	r := a.do(w, context.Background(), s)
	w.model.Want(s.Do == "clock" || time.Since(began) < patience, "outage: a request waits for the store without a limit", "%s: %v", s.Do, time.Since(began))
	if w.presented = nil; r != nil {
		w.presented = slices.Concat(r.IDs, r.onTheWay)
		w.model.Begins(&r.Visit)
	}
	refused := w.met(s, r) || w.lagged(s, r) || r != nil && r.Status == http.StatusConflict && w.model.Beside(&r.Visit, s.Do)
	w.arrive(s, r)
	if a.tell != nil && !refused {
		a.tell(w, s, r)
	}
	if r != nil {
		w.compareAnswer(r)
	}
	w.watch(nil) // one that a refused request has opened
	if w.shared.Outage == 3 && r != nil && r.Status < http.StatusInternalServerError && !strings.HasSuffix(s.Do, "at Express") && w.stores.cutOff() {
		w.model.Want(w.model.Content() == content, "failover: an answered change is not confirmed", "%s: before:\n%s\nafter:\n%s", s.Do, content, w.model.Content())
	}
}

// hear stores an event.
func (w *world) hear(e guard.Event) {
	w.eventsMu.Lock()
	defer w.eventsMu.Unlock()
	w.events = append(w.events, e)
}

// heard returns the events since its last call. A session whose id is unknown is named by its Ref.
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
