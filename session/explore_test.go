package session_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/browser"
	"github.com/seed-6f34412b/passport/session"
)

// This file explores: it runs the real session layer of two or three requests, each
// in a process (a Manager) of its own, through every order of their store commands,
// with faults at every place, and checks a promise after each run.
//
// A run is a list of choices. The scheduler lets every process come to its next
// command, then chooses which command is executed next and what becomes of it.
// Backtracking over the choices visits all of them, up to a number of faults and of
// preemptions (switches away from a process that could go on).

// A fault is what can happen to a command besides being executed and answered.
type fault string

const (
	crash    fault = "crash"           // the process dies before the command
	noEffect fault = "not executed"    // and the process gets an error
	noReply  fault = "reply lost"      // executed; the process gets an error
	resent   fault = "resent"          // executed, reply lost, executed again and answered
	late     fault = "late"            // the process gets an error; executed at any later moment
	lateTwin fault = "resent and late" // a copy is executed and answered; the first at any later moment
)

var allFaults = []fault{crash, noEffect, noReply, resent, late, lateTwin}

// possible reports whether f can happen to c. A Create is never resent (S2).
func (f fault) possible(c call) bool {
	return c.Op != "Create" || f != resent && f != lateTwin
}

// process is one request, or several in a row, of one visitor.
type process struct {
	name   string
	run    *run
	b      *browser.Browser
	m      *session.Manager
	t      *testing.T
	result outcome
	held   []string // every cookie it ever had
}

// outcome is what a process was told last. The zero value is a crash.
type outcome struct {
	status int
	cookie string
	text   string
}

func (o outcome) ok() bool { return o.status == 200 }

// do makes one request and reports whether it was answered with success.
func (p *process) do(ops ...string) bool {
	p.result = outcome{}
	a := p.b.Get(path(ops...))
	p.result = outcome{a.StatusCode, p.b.Cookie(cookieName), a.Text}
	p.held = append(p.held, p.result.cookie)
	return p.result.ok()
}

// node reads the visitor's record, edits it as text and writes it back blindly, as a
// Node process does.
func (p *process) node(old, new string) {
	ctx := withProcess(p.t.Context(), p.name)
	data, err := p.run.st.Get(ctx, p.run.id)
	if err != nil {
		p.result = outcome{status: 404}
		return
	}
	edited := strings.Replace(string(data), old, new, 1)
	err = p.run.st.do(ctx, call{Op: "Set", ID: p.run.id}, func() error {
		p.run.st.records[p.run.id] = []byte(edited)
		return nil
	})
	if err == nil {
		p.result = outcome{status: 200}
	}
}

// scenario is what is explored.
type scenario struct {
	name        string
	before      []string // what the visitor did until then, one request each
	procs       map[string]func(*process)
	promise     func(r *run) string // "" when it holds
	faults      []fault
	budget      int // faults in one run
	preemptions int // 0 means no bound; -full lifts it
}

// full makes the exploration complete: it takes minutes.
var full = flag.Bool("full", false, "explore every scenario without a bound on preemptions")

// run is one execution of a scenario.
type run struct {
	t       *testing.T
	st      *scripted
	procs   map[string]*process
	choices []int // the prefix to follow, then what was chosen
	widths  []int // how many options there were
	trace   []string
	cookie  string // the visitor's cookie at the beginning
	id      string // and its id

	mu      sync.Mutex
	waiting []*command
	lates   []call
	budget  int
	last    string
	pre     int
	running int
}

// command is a store call that waits for its fate.
type command struct {
	proc string
	call call
	fate chan fault // "" means executed and answered
}

type procKey struct{}

// gateway is scripted.before: it asks the scheduler.
func (r *run) gateway(ctx context.Context, c call) fate {
	name, _ := ctx.Value(procKey{}).(string)
	if name == "" {
		return runs
	}
	w := &command{name, c, make(chan fault)}
	r.mu.Lock()
	r.waiting = append(r.waiting, w)
	r.mu.Unlock()
	switch <-w.fate {
	case crash:
		runtime.Goexit()
	case noEffect, late:
		return fails
	case noReply:
		return replyLost
	case resent:
		r.st.execute(c)
	}
	return runs
}

// option is one thing that can happen next.
type option struct {
	w    *command // nil for a late command
	f    fault
	late int // index in lates; -1 for the end
}

// choose returns the next option, by the prefix or the first.
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
			if f.possible(w.call) {
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
	k := len(r.widths)
	if k == len(r.choices) {
		r.choices = append(r.choices, 0)
	}
	r.widths = append(r.widths, len(options))
	o = options[r.choices[k]]
	return o, o.w != nil || o.late >= 0
}

// execute carries out the scenario once.
func (r *run) execute(sc *scenario) {
	r.st = newScripted()
	visitor := open(r.t, newManager(r.t, r.st, patient))
	for _, line := range sc.before {
		visitor.Get(path(strings.Split(line, "; ")...)).Want(r.t, 200, "")
	}
	r.cookie = visitor.Cookie(cookieName)
	if ids := r.st.ids(); len(ids) == 1 {
		r.id = ids[0]
	}
	r.st.before = r.gateway
	r.budget = sc.budget
	r.procs = map[string]*process{}
	var group sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(sc.procs)) {
		m := newManager(r.t, r.st, patient)
		p := &process{name: name, run: r, m: m, t: r.t}
		p.b = browser.New(r.t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			app(m).ServeHTTP(w, q.WithContext(context.WithValue(q.Context(), procKey{}, name)))
		}))
		if r.cookie != "" {
			p.b.SetCookie(cookieName, r.cookie)
		}
		r.procs[name] = p
		r.running++
		group.Go(func() {
			defer func() { r.mu.Lock(); r.running--; r.mu.Unlock() }()
			sc.procs[name](p)
		})
	}
	for {
		r.settle()
		o, ok := r.choose(sc)
		if !ok {
			break
		}
		r.happen(o)
	}
	group.Wait()
	r.st.before = nil
}

// settle waits until every process stands before its next command or has finished.
func (r *run) settle() {
	for {
		synctest.Wait()
		r.mu.Lock()
		idle := len(r.waiting) == 0 && r.running > 0
		r.mu.Unlock()
		if !idle {
			return
		}
		time.Sleep(maxPauseInTests) // somebody pauses before the next try
	}
}

const maxPauseInTests = 70 * time.Millisecond

func (r *run) happen(o option) {
	if o.w == nil {
		c := r.lates[o.late]
		r.lates = slices.Delete(slices.Clone(r.lates), o.late, o.late+1)
		r.trace = append(r.trace, "late "+r.show(c))
		r.st.execute(c)
		return
	}
	what := o.w.proc + " " + r.show(o.w.call)
	if o.f != "" {
		r.budget--
		what += ": " + string(o.f)
	}
	r.trace = append(r.trace, what)
	if o.w.proc != r.last && slices.ContainsFunc(r.waiting, func(w *command) bool { return w.proc == r.last }) {
		r.pre++
	}
	r.last = o.w.proc
	if o.f == late || o.f == lateTwin {
		r.lates = append(r.lates, o.w.call)
	}
	r.waiting = slices.DeleteFunc(r.waiting, func(w *command) bool { return w == o.w })
	o.w.fate <- o.f
}

func (r *run) show(c call) string {
	id := c.ID
	if id == r.id {
		id = "O"
	}
	return fmt.Sprintf("%s(%.6s)", c.Op, id)
}

// execute carries out c without asking anybody, as the server does when it arrives.
func (s *scripted) execute(c call) {
	quiet := &scripted{records: s.records, ttls: s.ttls, notes: s.notes, labels: s.labels}
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := context.Background()
	switch c.Op {
	case "Create":
		_ = quiet.Create(ctx, c.ID, c.New, time.Hour)
	case "Update":
		_ = quiet.Update(ctx, c.ID, c.Old, c.New, time.Hour)
	case "Delete":
		_ = quiet.Delete(ctx, c.ID, c.Old)
	case "End":
		_, _ = quiet.End(ctx, c.ID, c.Old, c.Next, time.Hour)
	case "AddLabel":
		_ = quiet.AddLabel(ctx, c.Next, c.ID, time.Time{})
	case "RemoveLabel":
		_ = quiet.RemoveLabel(ctx, c.Next, c.ID)
	}
}

// patient gives commits all the time they need.
func patient(c *session.Config) {
	c.StoreTimeout, c.IdleTimeout, c.AbsoluteTimeout, c.RefreshAfter = time.Minute, 30*24*time.Hour, 60*24*time.Hour, 10*24*time.Hour
}

// explore visits every run of sc and returns how many there were.
func explore(t *testing.T, sc *scenario) (visited int) {
	t.Helper()
	if raceDetector { // ten times slower, and there to find races between goroutines
		sc.budget, sc.preemptions = min(sc.budget, 1), 2
	}
	for choices := []int{}; ; visited++ {
		r := &run{choices: choices}
		failed := ""
		synctest.Test(t, func(t *testing.T) {
			r.t = t
			r.execute(sc)
			failed = sc.promise(r)
		})
		if failed != "" {
			t.Errorf("%s: %s\n  %s", sc.name, failed, strings.Join(r.trace, "\n  "))
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

// logged returns what a request with the given cookie sees of the log-in under key:
// the user, or "" when nobody is logged in.
func (r *run) logged(cookie, key string) string {
	if cookie == "" {
		return ""
	}
	b := open(r.t, newManager(r.t, r.st, patient))
	b.SetCookie(cookieName, cookie)
	a := b.Get(path("slot " + key))
	if a.StatusCode != 200 {
		return ""
	}
	_, rest, _ := strings.Cut(a.Text, `"`+key+`":{"user":`)
	user, _, _ := strings.Cut(rest, "}")
	return user
}

// sees returns the record that a request with the given cookie sees.
func (r *run) sees(cookie string) string {
	b := open(r.t, newManager(r.t, r.st, patient))
	b.SetCookie(cookieName, cookie)
	return b.Get(path()).Text
}

func withProcess(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, procKey{}, name)
}
