package journey

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/guard"
	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// stream is something that lasts as long as a log-in, and outlives its request.
type stream struct {
	ctx     context.Context //nolint:containedctx // the tests check its cause
	end     context.CancelFunc
	process int
	logIn   *model.LogIn
	id      string    // of its session, as last seen
	ids     []string  // that the request which opened it presented
	moved   time.Time // when another Manager last moved that
	over    time.Time // when the log-in ended in the model; zero before that
	within  time.Duration
	reasons []string // the reasons that the end may have
	free    bool     // it may end, though the log-in goes on: an outage or a fail-over hit what moved it
}

// lookEvery is session.Config.WatchInterval, plus the time of a check. A limit is checked within
// afterLimit.
const lookEvery, afterLimit = 31 * time.Second, time.Second

// afterTrouble is how long a look may take longer after an outage: one that hangs has to end before.
const afterTrouble = 10 * time.Second

// live is a handler that opens a stream.
func (p *process) live(auth *guard.Guard[*user], who http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, end := context.WithCancel(context.WithoutCancel(r.Context()))
		watched, err := auth.Watch(ctx)
		if err != nil {
			end()
			auth.Error(w, r, err)
			return
		}
		p.shared.opened = &stream{ctx: watched, end: end, process: p.number}
		who.ServeHTTP(w, r)
	})
}

// streams are the steps with streams.
var streams = []action{
	{"open a stream", 8, func(w *world, ctx context.Context, s Step) *request { return w.send(ctx, s, "live") },
		func(w *world, _ Step, r *request) { w.watch(w.model.Page(&r.Visit, model.Me)) }},
	{"close a stream", 1, func(w *world, _ context.Context, s Step) *request {
		if n := len(w.streams); n > 0 {
			i := s.N % n
			w.streams[i].end()
			w.streams = slices.Delete(w.streams, i, i+1)
		}
		return nil
	}, nil},
}

// watch keeps the stream that the request has opened, if it has and l is a log-in.
func (w *world) watch(l *model.LogIn) {
	opened := w.shared.opened
	w.shared.opened = nil
	switch {
	case opened == nil:
	case l == nil:
		opened.end()
	default:
		opened.logIn, opened.ids = l, w.presented
		w.streams = append(w.streams, opened)
	}
}

// goes returns the session in which the log-in of a stream goes on, or nil.
func (w *world) goes(st *stream) *model.Session {
	if s := w.model.Live[st.id]; w.model.GoesOn(st.logIn, s) {
		return s
	}
	for _, s := range w.model.Live {
		if w.model.GoesOn(st.logIn, s) {
			return s
		}
	}
	return nil
}

// replaced reports whether Express has ended the stream's log-in, or restored one that had ended, which Go sees at
// its next look, and the user is logged in before: under the same id, or under the one where that session went on.
func (w *world) replaced(st *stream) bool {
	if w.shared.Node == 0 {
		return false
	}
	theirs := func(l *model.LogIn) bool { return l.Account == st.logIn.Account }
	for _, id := range append([]string{st.id}, st.ids...) {
		for hops := 0; id != "" && hops <= len(w.model.Ended); hops++ {
			if w.model.Live[id].Has(theirs) {
				return true
			}
			id = w.model.Ended[id].To
		}
	}
	return false
}

// compareStreams requires that exactly those streams have ended whose log-in has ended.
func (w *world) compareStreams(s Step) {
	troubled := w.condition.hit() || w.storeIsDown() || strings.HasPrefix(s.Do, "the store") || strings.HasPrefix(s.Do, "the replica") || strings.HasPrefix(s.Do, "the old primary")
	if troubled {
		w.trouble = time.Now()
	}
	if len(w.streams) == 0 {
		return
	}
	synctest.Wait() // for the watchers
	w.streams = slices.DeleteFunc(w.streams, func(st *stream) bool {
		lives := w.goes(st)
		if troubled {
			st.free = st.free || lives != nil && st.id != "" && lives.ID != st.id
			if !st.over.IsZero() {
				st.over, st.within = time.Now(), lookEvery+afterTrouble
			}
		}
		st.free = st.free || lives != nil && w.model.Orphan(lives.ID)
		if st.over.IsZero() && lives == nil {
			st.over = time.Now()
			st.within = w.noticed(s, st)
		}
		if !st.over.IsZero() {
			st.reasons = append(st.reasons, w.reasons(s, st)...)
		} else {
			if w.elsewhere(s, st) && st.id != "" && st.id != lives.ID {
				st.moved = time.Now()
			}
			st.id = lives.ID
		}
		cause := context.Cause(st.ctx)
		ended, _ := errors.AsType[*guard.LogInEnded](cause)
		switch {
		case cause != nil && ended == nil:
			w.broken("stream: it ends otherwise", "%v", cause)
		case cause != nil && w.deaf && s.Do == "clock":
			w.broken("stream: one ends while the store is down", "of user %d at guard %d in %s: %s", st.logIn.User, st.logIn.Guard, short(st.id), ended.Reason)
		case cause != nil && st.over.IsZero() && st.free:
		case cause != nil && st.over.IsZero():
			w.broken("stream: one whose log-in goes on has ended", "of user %d at guard %d in %s: %s", st.logIn.User, st.logIn.Guard, short(st.id), ended.Reason)
		case cause != nil:
			w.model.Want(slices.Contains(st.reasons, ended.Reason), "stream: it ends for another reason", "got %s, want one of %q", ended.Reason, st.reasons)
		case !st.over.IsZero() && (lives != nil || w.replaced(st)): // Express restored it before the next check
		case !st.over.IsZero() && time.Since(st.over) >= st.within:
			w.broken("stream: one whose log-in has ended goes on", "of user %d at guard %d in %s", st.logIn.User, st.logIn.Guard, short(st.id))
		default:
			return false
		}
		st.end()
		return true
	})
}

// passes reports whether time passes in the step: a registration ends no log-in but by that.
func (s Step) passes() bool { return s.Do == "clock" || s.Do == "bind the session" }

// noticed returns how soon the end of a log-in must end the stream.
func (w *world) noticed(s Step, st *stream) time.Duration {
	knows := st.moved.IsZero() || time.Since(st.moved) >= lookEvery // whether the watcher knows the current id
	switch {
	case !w.trouble.IsZero() && time.Since(w.trouble) < lookEvery+afterTrouble:
		return lookEvery + afterTrouble
	case s.passes() && w.shared.Node == 0, s.Do == "open a stream": // one that a stale record has opened
		return afterLimit
	case s.passes(), strings.HasSuffix(s.Do, "at Express"), s.Do == "change the password" && w.shared.Stamp == 1:
		return lookEvery
	case w.shared.Store == 0, knows && !w.elsewhere(s, st):
		return 0
	}
	return lookEvery
}

// elsewhere reports whether a step uses another Manager than the one that watches the stream.
func (w *world) elsewhere(s Step, st *stream) bool {
	_, g := w.at(s)
	return s.P%2 != st.process || w.shared.Guards == 2 && g != st.logIn.Guard
}

// reasons returns the reasons for which a stream may end, after a step that ended its log-in.
func (w *world) reasons(s Step, st *stream) (list []string) {
	if st.within > 0 {
		list = append(list, guard.ReasonGone)
	}
	if st.within > lookEvery || s.Do == "open a stream" {
		return []string{guard.ReasonGone, guard.ReasonLogOut, guard.ReasonRevoked, guard.ReasonReplaced, guard.ReasonIdle, guard.ReasonAbsolute, guard.ReasonStamp}
	}
	if st.within == lookEvery && w.shared.Stamp == 1 {
		list = append(list, guard.ReasonStamp)
	}
	followed := slices.ContainsFunc(w.presented, func(id string) bool {
		for range len(w.model.Ended) {
			if id = w.model.Ended[id].To; id == st.id {
				return true
			}
		}
		return false
	})
	own := slices.Contains(w.presented, st.id)
	// Another session may be in use, or Express has ended this log-in before; and its series ends too.
	if own && (len(w.presented) > 1 || len(st.reasons) > 0) {
		list = append(list, guard.ReasonRevoked, guard.ReasonLogOut)
	}
	switch {
	case s.passes():
		return append(list, guard.ReasonIdle, guard.ReasonAbsolute)
	case followed: // from an older cookie
		return append(list, guard.ReasonLogOut, guard.ReasonReplaced, guard.ReasonRevoked)
	case !own, s.Do == "end a device of one's own":
		return append(list, guard.ReasonRevoked)
	case s.Do == "log out", s.Do == "destroy", s.Do == "regenerate":
		return append(list, guard.ReasonLogOut)
	case w.shared.Node > 0:
		return append(list, guard.ReasonLogOut, guard.ReasonReplaced)
	}
	return append(list, guard.ReasonReplaced)
}

// waitForStreams waits until the streams that are about to end have ended.
func (w *world) waitForStreams() {
	if slices.ContainsFunc(w.streams, func(st *stream) bool { return !st.over.IsZero() }) {
		w.presented, w.deaf = nil, false
		w.back()
		w.condition.begin()
		time.Sleep(lookEvery + afterTrouble)
		w.ask()
		w.compareStreams(Step{Do: "clock"})
	}
}

// closeStreams closes all streams, and waits for the watchers.
func (w *world) closeStreams() {
	for _, st := range w.streams {
		st.end()
	}
	if len(w.streams) > 0 {
		synctest.Wait()
	}
}
