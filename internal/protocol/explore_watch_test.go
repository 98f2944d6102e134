package protocol_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// A scenario whose store is watched has one more process, V. It reads the session as a request does, and
// then watches the log-in under passport. Its looks send commands like all others. A notice of the store is
// a message. It comes at any time after the step that sent it, in any order, once or twice, or after the
// clock's look, which is the same as a lost message.
//
// Two promises hold in every run: the stream does not end while its log-in lives, and once it does not, the
// stream ends at the clock's next look at the latest. If every message came and no look failed, it has
// ended before that look.

// stream is the state of the watching process.
type stream struct {
	ctx       context.Context
	stop      context.CancelFunc
	tell      func(string) // Listen's argument; nil before Listen
	messages  []string     // sent and not yet delivered
	seen      int          // the first of them that may still come first; see mayArrive
	disturbed bool         // a look failed, so the clock may have to find the end
	free      bool         // commands no longer wait for the scheduler
	broken    string       // how a promise was broken
}

// looks is the scheduler's name for the watching process after its request is done.
const looks = "V looks"

// telling is a scripted store that sends notices.
type telling struct {
	*scripted
	run *run
}

var _ protocol.ChangeNotifier = telling{}

func (s telling) Listen(ctx context.Context, tell func(string)) error {
	s.run.mu.Lock()
	s.run.stream.tell = tell
	s.run.st.tell = s.run.sent
	free := s.run.stream.free
	if !free {
		s.run.stream.messages = append(s.run.stream.messages, "") // an empty notice says that listening has begun
	}
	s.run.mu.Unlock()
	if free {
		tell("")
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s telling) Notify(ctx context.Context, notice string) error {
	c := call{Op: "Notify", Next: notice}
	return s.do(ctx, c, func() error { return s.execute(c) })
}

// sent queues a notice of the server if somebody listens.
func (r *run) sent(notice string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream.messages = append(r.stream.messages, notice)
}

// mayArrive reports whether message i may come now. A message only causes a look, whose command waits for
// the scheduler. So it makes no difference whether it comes before or after another process's command. It
// comes at once, after a look or another message, or at the end.
func (r *run) mayArrive(i int) bool { return i >= r.stream.seen || len(r.waiting) == 0 }

// theUser is the LogInWatcher of the watched log-in.
type theUser struct{}

var errOver = errors.New("over")

func (theUser) Check(context.Context, record.Slot) (cause, err error) { return nil, nil }
func (theUser) Same(a, b json.RawMessage) bool                        { return bytes.Equal(a, b) }
func (theUser) Cause(why string) error                                { return fmt.Errorf("%w: %s", errOver, why) }

// watch is the process V.
func (r *run) watch() {
	st := telling{r.connect(""), r}
	st.before = func(c call) sessiontest.Fate {
		name := "V"
		if r.watching() != nil {
			name = looks
		}
		return r.gateway(name, c)
	}
	p := newProtocol(st)
	ctx, stop := context.WithCancel(r.t.Context())
	data, err := st.Get(ctx, r.id)
	var rec record.Record
	if err == nil {
		err = rec.Parse(r.id, data)
	}
	slot, ok := rec.Slot("passport")
	if err != nil || !ok {
		stop()
		return // the log-in was over before the stream began
	}
	r.mu.Lock()
	defer r.mu.Unlock() // the first look waits for the lock, so its command has the name looks
	r.stream.begin(p.Watch(ctx, r.id, "passport", slot, theUser{}, false), stop)
}

func (s *stream) begin(ctx context.Context, stop context.CancelFunc) { s.ctx, s.stop = ctx, stop }

// watching returns the context of the stream, nil if there is none.
func (r *run) watching() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream.ctx
}

// lives reports whether the watched log-in is in the session or in a successor.
func (r *run) lives() bool {
	for id := r.id; id != ""; id = r.st.note(id) {
		if r.logged(id, "passport") == "1" {
			return true
		}
	}
	return false
}

// note returns the successor in the note on id.
func (s *server) note(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notes[id]
}

// noFalseEnd checks the first promise, after each step.
func (r *run) noFalseEnd(when string) {
	if ctx := r.watching(); ctx != nil && ctx.Err() != nil && r.stream.broken == "" && r.lives() {
		r.stream.broken = fmt.Sprintf("%s the stream ended while its log-in lives: %v", when, context.Cause(ctx))
	}
}

// arrive delivers a message.
func (r *run) arrive(i int, twice bool) {
	text := r.stream.messages[i]
	what := fmt.Sprintf("a message comes: %.1q", text)
	if twice {
		what += ", and will once more"
		r.budget--
	} else {
		r.stream.messages = slices.Delete(slices.Clone(r.stream.messages), i, i+1)
	}
	r.trace = append(r.trace, what)
	r.stream.seen = 0
	r.stream.tell(text)
}

// endWatch checks the second promise when everything else is done, and ends the stream.
func (r *run) endWatch() {
	ctx := r.watching()
	if ctx == nil {
		return
	}
	defer synctest.Wait()
	defer r.stream.stop()
	goesOn := func(when string) {
		if r.stream.broken == "" && ctx.Err() == nil && !r.lives() {
			r.stream.broken = when + " the stream goes on, and its log-in has ended"
		}
	}
	r.mu.Lock()
	r.stream.free = true
	r.mu.Unlock()
	time.Sleep(time.Second) // a look that found no record may wait for a notice
	synctest.Wait()
	if !r.stream.disturbed && len(r.stream.messages) == 0 {
		goesOn("when all messages have come")
	}
	time.Sleep(patient.WatchInterval + 2*time.Second)
	synctest.Wait()
	goesOn("after the clock's look")
	r.noFalseEnd("at the clock's look")
	for len(r.stream.messages) > 0 {
		r.arrive(0, false)
	}
	synctest.Wait()
	r.noFalseEnd("after late messages")
}

// watchScenarios are the scenarios with streams.
func watchScenarios() []scenario {
	byOldID := func(p *process) { // a log-out by a visitor who did not get the renewal's answer
		before := p.cookie
		if p.do(renew) {
			p.cookie = before
			p.then(logOut("passport"))
		}
	}
	nothing := func(*run) string { return "" } // only the promises of every run
	faults := []sessiontest.Fate{sessiontest.Fail, sessiontest.LoseReply, sessiontest.Late}
	return []scenario{
		{"9a a stream that begins during a log-out", in, procs{"L": out}, nothing, nil, 1, 2, watchedMeanwhile},
		{"9b a stream, a log-out", in, procs{"L": out}, nothing, faults, 2, 2, watched},
		{"9c a stream, a renewal of a renewal", in, procs{"G": steps(renew, renew)}, nothing, nil, 1, 1, watched},
		{"9c a stream, a renewal, a fault", in, procs{"G": step(renew)}, nothing, faults, 1, 2, watched},
		{"9d a stream, a log-out, a renewal", in, procs{"L": out, "G": step(renew)}, nothing, nil, 1, 1, watched},
		{"9e a stream, another user's log-in", in, procs{"G": step(logIn("2", "passport"))}, nothing, faults, 1, 2, watched},
		{"9f a stream, the session's user logged in again by the application", in, procs{"G": step(again("1", "passport"))}, nothing, faults, 1, 2, watched},
		{"9g a stream, another guard's log-out", inTwice, procs{"Q": outAdmin}, nothing, faults, 1, 2, watched},
		{"9h a stream, the log-outs of two guards at once", inTwice, procs{"P": out, "Q": outAdmin}, nothing, nil, 0, 1, watched},
		{"9i a stream, the log-out of one guard by the id before a renewal", inTwice, procs{"L": byOldID}, nothing, nil, 1, 2, watched},
		{"9j a stream, destroy by label, a renewal", in, procs{"D": endLabelled, "G": step(renew)}, nothing, nil, 1, 1, watched},
	}
}
