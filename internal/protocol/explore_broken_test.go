package protocol_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// A store may send the commands of several requests together, in one pipeline. What happens to a pipeline
// happens to all of them at once: none is executed, or those before some place are, in one order or the
// other, and nobody gets an answer; or all arrive late, after their callers have been told of a failure.

// broken is not the fate of a command: it says that a scenario's pipelines may break.
const broken sessiontest.Fate = -4

// breakage is how a pipeline breaks.
type breakage struct {
	cmds     []*command // in the order of the pipeline
	executed int        // how many are executed before it breaks
	late     bool       // the others arrive later
}

// breakages returns the ways in which a pipeline of all commands that wait can break.
func (r *run) breakages() (list []*breakage) {
	cmds := slices.DeleteFunc(slices.Clone(r.waiting), func(w *command) bool { return w.proc == looks })
	if len(cmds) < 2 {
		return nil
	}
	reversed := slices.Clone(cmds)
	slices.Reverse(reversed)
	list = append(list, &breakage{cmds: cmds}, &breakage{cmds: cmds, late: true})
	for n := 1; n <= len(cmds); n++ {
		list = append(list, &breakage{cmds: cmds, executed: n}, &breakage{cmds: reversed, executed: n})
	}
	return list
}

// breaks makes a pipeline break.
func (r *run) breaks(b *breakage) {
	r.budget--
	r.mu.Lock()
	r.waiting = slices.DeleteFunc(r.waiting, func(w *command) bool { return slices.Contains(b.cmds, w) })
	r.mu.Unlock()
	what := "a pipeline breaks:"
	for i, w := range b.cmds {
		fate := sessiontest.Fail
		switch {
		case i < b.executed:
			fate = sessiontest.LoseReply
		case b.late:
			fate = sessiontest.Late
			r.lates = append(r.lates, w.call)
		}
		what += " " + w.proc + " " + r.show(w.call) + " " + fate.String()
		w.fate <- fate
		synctest.Wait() // it is executed before the next one
	}
	r.trace = append(r.trace, what)
	r.last = b.cmds[len(b.cmds)-1].proc
}

func TestExploreBrokenPipelines(t *testing.T) {
	t.Parallel()
	var total atomic.Int64
	t.Cleanup(func() { t.Logf("%d runs in all", total.Load()) })
	for _, sc := range slices.Concat(scenarios(), boundScenarios(), jointScenarios()) {
		if sc.budget == 0 || len(sc.procs) < 2 || strings.HasPrefix(sc.name, "9") {
			continue // its promise is for a store without faults; or there is one command at a time; or a stream
		}
		if !*deep && !*full && !strings.Contains("1a 1b 1c 1i 2a 2b 2c 2d 3a 3e 4c 6a 6b", sc.name[:2]) {
			continue // the others take most of the time
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			sc.faults, sc.budget, sc.preemptions = []sessiontest.Fate{broken}, 1, 1 // also with -deep: that takes minutes
			n := explore(t, sc)
			total.Add(int64(n))
			t.Logf("%d runs", n)
		})
	}
}
