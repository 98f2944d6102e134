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

// A scenario whose store is watched has one process more, V: it reads the session as a request does, and then
// has the log-in under passport watched. Its looks are commands as all others are. What the store tells is a
// message, which comes at any time after the step that sent it, in any order, twice, or not before the
// clock's look, which is as if it were lost; such messages come after that look.
//
// In every run two promises hold: the stream does not end while its log-in lives, and it goes on no longer
// than until the clock's look when it does not. Where every message came and no look failed, it has ended
// without the clock.

// stream is what the watching process has.
type stream struct {
	ctx       context.Context
	stop      context.CancelFunc
	tell      func(string) // of Listen; nil before
	messages  []string     // sent, and still on their way
	seen      int          // how many of them did not come before a command that they need not come after
	disturbed bool         // a look failed, so the clock may have to find the end
	free      bool         // commands are not held any more
	broken    string       // the promise that did not hold
}

// looks is the name under which the scheduler knows the watching process once its request is done.
const looks = "V looks"

// telling is a scripted store that tells what ends.
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
		s.run.stream.messages = append(s.run.stream.messages, "") // it hears from now on, and is told so by a message
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

// sent takes what the server tells from when somebody listens.
func (r *run) sent(notice string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream.messages = append(r.stream.messages, notice)
}

// mayArrive reports whether the message i may come now. A message makes a look, whose command is held, and
// nothing else: so whether it comes before or after another process's command is the same. It comes at once,
// or after a look or another message, or in the end.
func (r *run) mayArrive(i int) bool { return i >= r.stream.seen || len(r.waiting) == 0 }

// theUser has its log-in watched.
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
		return // the log-in was over before anything began
	}
	r.mu.Lock()
	defer r.mu.Unlock() // the first look comes to its command after that, and has the name
	r.stream.begin(p.Watch(ctx, r.id, "passport", slot, theUser{}, false), stop)
}

func (s *stream) begin(ctx context.Context, stop context.CancelFunc) { s.ctx, s.stop = ctx, stop }

// watching returns the context of the stream, nil while there is none.
func (r *run) watching() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream.ctx
}

// lives reports whether the log-in that is watched does: in the session, or where it went on.
func (r *run) lives() bool {
	for id := r.id; id != ""; id = r.st.note(id) {
		if r.logged(id, "passport") == "1" {
			return true
		}
	}
	return false
}

// note returns where the session of id went on.
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

// arrive has a message come.
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

// endWatch checks the other promise when everything else is done, and ends the stream.
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
	time.Sleep(time.Second) // a look that found no record may wait for the notice
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

// watchScenarios are those of streams.
func watchScenarios() []scenario {
	byOldID := func(p *process) { // of a log-out whose visitor never got the renewal's answer
		before := p.cookie
		if p.do(renew) {
			p.cookie = before
			p.then(logOut("passport"))
		}
	}
	nothing := func(*run) string { return "" } // but what every run promises
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
