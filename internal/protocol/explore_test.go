package protocol_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// The exploration runs the real protocol code of two or three requests, each in a process of its own,
// through every order of their store commands, with faults at every place, and checks a promise after each
// run.
//
// A run is a list of choices. The scheduler waits until every process is at its next command or in a pause
// before a retry, then chooses which command is executed next and what happens to it. Backtracking over the
// choices visits all of them, up to a number of faults and of preemptions (switches away from a process
// that could continue).

// What can happen to a command besides being executed and answered.
var (
	allFaults = []sessiontest.Fate{sessiontest.Crash, sessiontest.Fail, sessiontest.LoseReply, sessiontest.Resend, sessiontest.Late, sessiontest.LateTwin, cutFirst, cutLast}
	staleOnly = []sessiontest.Fate{stale}
)

// possible reports whether f can happen to c. A Create is never resent (S2).
func possible(f sessiontest.Fate, c call) bool {
	switch f {
	case broken:
		return false
	case stale:
		return c.Op == "Get"
	case cutFirst:
		return c.Op == "CreateIndexed" || c.Op == "EndIndexed"
	case cutLast:
		return c.Op == "CreateIndexed"
	}
	return c.Op != "Create" && c.Op != "CreateIndexed" || f != sessiontest.Resend && f != sessiontest.LateTwin
}

// process is one request, or several in a row, of one visitor.
type process struct {
	client

	name   string
	run    *run
	ctx    context.Context
	result int      // status of the last answer; 0 after a crash
	held   []string // every cookie that it has had
}

// ok reports whether the process was answered with success.
func (p *process) ok() bool { return p.result == 200 }

// do makes one request and reports whether the answer was a success.
func (p *process) do(ops ...op) bool {
	p.result = 0
	p.result = p.client.do(p.ctx, ops...)
	p.held = append(p.held, p.cookie)
	return p.ok()
}

// then makes more requests if the last one succeeded. Otherwise the process counts as crashed.
func (p *process) then(ops ...op) bool {
	if !p.ok() {
		p.result = 0
		return false
	}
	return p.do(ops...)
}

// node reads the visitor's record, edits it as text and writes it back without a comparison, as a Node
// process does.
func (p *process) node(old, new string) {
	st := p.run.connect(p.name)
	data, err := st.Get(p.ctx, p.run.id)
	if err != nil {
		p.result = 404
		return
	}
	edited := strings.Replace(string(data), old, new, 1)
	err = st.do(p.ctx, call{Op: "Set", ID: p.run.id}, func() error {
		st.records[p.run.id] = []byte(edited)
		return nil
	})
	if err == nil {
		p.result = 200
	}
}

// scenario is one case to explore.
type scenario struct {
	name        string
	before      [][]op // what the visitor did before, one list per request
	procs       map[string]func(*process)
	promise     func(r *run) string // returns "" if it holds
	faults      []sessiontest.Fate
	budget      int // the largest number of faults in a run
	preemptions int // the largest number of them in a run; 0 means no limit, as does -full
	store       storeKind
}

// storeKind says what the store of a scenario can do.
type storeKind int

const (
	withNotes        storeKind = iota
	byReplica                  // reads may be answered by a replica
	withoutNotes               // it does not implement Ender
	withGrace                  // it leaves notes, and the id from before a registration finds the session
	inBatches                  // it reads and ends many records in one call
	watched                    // it sends notices, and one more process has a stream
	watchedMeanwhile           // watched, and the stream begins at any time
	jointly                    // it combines the commands of a log-in or log-out into one call
	watchedJointly             // jointly and watched
)

var (
	// full makes the exploration complete; it then takes minutes.
	full = flag.Bool("full", false, "explore every scenario without a bound on preemptions")

	// deep is what .ci/run adds. Without it a run has one fault and one preemption at most, which is enough for
	// the race detector, and for a machine where only Go is found.
	deep = flag.Bool("deep", false, "explore with two faults and two preemptions where a scenario allows them")
)

// run is one execution of a scenario.
type run struct {
	t       *testing.T
	st      *server
	procs   map[string]*process
	choices []int // the prefix to follow, then the choices that were made
	widths  []int // the number of options at each choice
	trace   []string
	start   *server // the store after what the visitor did before
	id      string  // the visitor's session at the beginning, which is its cookie

	mu      sync.Mutex
	waiting []*command
	lates   []call
	budget  int
	last    string
	pre     int
	running int
	stream  stream // only if the store is watched
}

// command is a store call that waits for the scheduler's decision.
type command struct {
	proc string
	call call
	fate chan sessiontest.Fate
}

// connect returns a connection for the named process. Its calls wait for the scheduler.
func (r *run) connect(name string) *scripted {
	return &scripted{server: r.st, before: func(c call) sessiontest.Fate { return r.gateway(name, c) }}
}

func (r *run) gateway(name string, c call) sessiontest.Fate {
	w := &command{name, c, make(chan sessiontest.Fate)}
	r.mu.Lock()
	if r.stream.free {
		r.mu.Unlock()
		return sessiontest.Pass
	}
	r.waiting = append(r.waiting, w)
	r.mu.Unlock()
	switch f := <-w.fate; f {
	case sessiontest.Crash:
		runtime.Goexit()
	case sessiontest.Fail, sessiontest.Late:
		return sessiontest.Fail
	case sessiontest.LoseReply, stale, cutFirst, cutLast:
		return f
	case sessiontest.Resend:
		r.st.arrives(c)
	}
	return sessiontest.Pass
}

// arrives executes c without an answer.
func (s *server) arrives(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.execute(c)
}

// option is one thing that can happen next.
type option struct {
	w    *command // nil for a late command or a message
	f    sessiontest.Fate
	late int // index in lates; -1 for the end
	told int // 1 + an index in the stream's messages; negative if it comes twice
	pipe *breakage
}

// choose returns the next option, the one in the prefix or else the first.
func (r *run) choose(sc *scenario) (o option, ok bool) {
	slices.SortStableFunc(r.waiting, func(a, b *command) int {
		return cmp.Or(strings.Compare(a.proc, b.proc), strings.Compare(a.call.Op, b.call.Op))
	})
	var options []option
	continues := slices.ContainsFunc(r.waiting, func(w *command) bool { return w.proc == r.last })
	bound := sc.preemptions > 0 && r.pre >= sc.preemptions && continues && !*full
	for _, w := range r.waiting {
		if bound && w.proc != r.last {
			continue
		}
		options = append(options, option{w: w})
		if r.budget == 0 {
			continue
		}
		for _, f := range sc.faults {
			if possible(f, w.call) && (w.proc != looks || f == sessiontest.Fail) {
				options = append(options, option{w: w, f: f})
			}
		}
	}
	if len(r.waiting) == 0 {
		options = append(options, option{late: -1})
	}
	for i := range r.lates {
		options = append(options, option{late: i})
	}
	for i := range r.stream.messages {
		if !r.mayArrive(i) {
			continue
		}
		options = append(options, option{told: i + 1})
		if r.budget > 0 {
			options = append(options, option{told: -i - 1})
		}
	}
	if r.budget > 0 && slices.Contains(sc.faults, broken) {
		for _, b := range r.breakages() {
			options = append(options, option{pipe: b})
		}
	}
	k := len(r.widths)
	if k == len(r.choices) {
		r.choices = append(r.choices, 0)
	}
	r.widths = append(r.widths, len(options))
	o = options[r.choices[k]]
	return o, o.w != nil || o.pipe != nil || o.late >= 0
}

// execute runs the scenario once.
func (r *run) execute(sc *scenario) {
	r.st, r.budget = r.start.copy(), sc.budget
	r.procs = map[string]*process{}
	var group sync.WaitGroup
	switch sc.store {
	case watched, watchedJointly:
		r.stream.free = true
		r.watch()
		synctest.Wait()
		r.stream.free = false
	case watchedMeanwhile:
		r.running++
		group.Go(func() {
			defer func() { r.mu.Lock(); r.running--; r.mu.Unlock() }()
			r.watch()
		})
	}
	for _, name := range slices.Sorted(maps.Keys(sc.procs)) {
		var st protocol.Store = r.connect(name)
		switch sc.store {
		case byReplica:
			st = replicated{r.connect(name)}
		case withoutNotes:
			c := r.connect(name)
			st = noteless{c, c}
		case inBatches:
			st = batched{r.connect(name)}
		case watched, watchedMeanwhile:
			st = telling{r.connect(name), r}
		case watchedJointly:
			st = tellingJointly{telling{r.connect(name), r}}
		case jointly:
			st = joint{r.connect(name)}
		}
		grace := func(s *protocol.Settings) {
			if sc.store == withGrace {
				s.Grace = time.Minute
			}
		}
		p := &process{client: client{p: newProtocol(st, grace), cookie: r.id}, name: name, run: r, ctx: r.t.Context()}
		r.procs[name] = p
		r.running++
		group.Go(func() {
			defer func() { r.mu.Lock(); r.running--; r.mu.Unlock() }()
			sc.procs[name](p)
		})
	}
	for {
		r.settle()
		r.noFalseEnd("after a step")
		o, ok := r.choose(sc)
		if !ok {
			break
		}
		r.happen(o)
	}
	group.Wait()
	r.endWatch()
}

// settle waits until every process is at its next command or has finished.
func (r *run) settle() {
	for {
		synctest.Wait()
		r.mu.Lock()
		held := 0
		for _, w := range r.waiting {
			if w.proc != looks {
				held++
			}
		}
		paused := held < r.running
		r.mu.Unlock()
		if !paused {
			return
		}
		time.Sleep(maxPauseInTests) // a process pauses before its next try
	}
}

const maxPauseInTests = 70 * time.Millisecond

func (r *run) happen(o option) {
	if o.pipe != nil {
		r.breaks(o.pipe)
		return
	}
	if o.told != 0 {
		r.arrive(max(o.told, -o.told)-1, o.told < 0)
		return
	}
	if o.w == nil {
		c := r.lates[o.late]
		r.lates = slices.Delete(slices.Clone(r.lates), o.late, o.late+1)
		r.trace = append(r.trace, "late "+r.show(c))
		r.stream.seen = len(r.stream.messages)
		r.st.arrives(c)
		return
	}
	what := o.w.proc + " " + r.show(o.w.call)
	if o.f != sessiontest.Pass {
		r.budget--
		what += ": " + o.f.String()
	}
	r.trace = append(r.trace, what)
	if o.w.proc != r.last && slices.ContainsFunc(r.waiting, func(w *command) bool { return w.proc == r.last }) {
		r.pre++
	}
	r.last = o.w.proc
	r.stream.disturbed = r.stream.disturbed || o.w.proc == looks && o.f != sessiontest.Pass
	if o.f == sessiontest.Late || o.f == sessiontest.LateTwin {
		r.lates = append(r.lates, o.w.call)
	}
	r.waiting = slices.DeleteFunc(r.waiting, func(w *command) bool { return w == o.w })
	r.stream.seen = len(r.stream.messages)
	if o.w.proc == looks {
		r.stream.seen = 0
	}
	o.w.fate <- o.f
}

func (r *run) show(c call) string {
	id := c.ID
	if id == r.id {
		id = "O"
	}
	return fmt.Sprintf("%s(%.6s)", c.Op, id)
}

// begin makes the requests that the visitor of sc made before. Every run starts with the same time, so that
// its records have the same age.
func (sc *scenario) begin(t *testing.T) (start *server, id string) {
	synctest.Test(t, func(t *testing.T) {
		start = newServer()
		visitor := client{p: newProtocol(&scripted{server: start})}
		for _, ops := range sc.before {
			visitor.want(t, 200, ops...)
		}
		start.replica = start.records
		id = visitor.cookie
	})
	return start, id
}

// explore visits every run of sc and returns how many there were.
func explore(t *testing.T, sc scenario) (visited int) {
	t.Helper()
	if !*deep && !*full {
		sc.budget, sc.preemptions = min(sc.budget, 1), 1
	}
	start, id := sc.begin(t)
	for choices := []int{}; ; visited++ {
		r := &run{choices: choices, start: start, id: id}
		failed := ""
		synctest.Test(t, func(t *testing.T) {
			r.t = t
			r.execute(&sc)
			failed = cmp.Or(r.stream.broken, sc.promise(r))
		})
		if failed != "" {
			t.Errorf("%s\n  %s", failed, strings.Join(r.trace, "\n  "))
			return visited
		}
		k := len(r.widths) - 1
		for k >= 0 && r.choices[k]+1 >= r.widths[k] {
			k--
		}
		if k < 0 {
			return visited + 1
		}
		choices = slices.Clone(r.choices[:k+1])
		choices[k]++
	}
}

// logged returns the user whom a request with the given cookie finds under key, or "" if nobody is logged
// in.
func (r *run) logged(cookie, key string) string {
	var rec record.Record
	if cookie == "" || rec.Parse(cookie, []byte(r.st.record(cookie))) != nil {
		return ""
	}
	if slot, ok := rec.Slot(key); ok && !slot.Over(patient.Terms.Absolute, time.Now()) {
		return string(slot.User)
	}
	return ""
}
