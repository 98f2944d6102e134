package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/record"
)

const (
	lookAgainAfter = time.Second            // after an outage
	maxFailed      = 4                      // so many successors that cannot be read make a look an outage
	idleSlack      = 250 * time.Millisecond // a store removes a record shortly after the time in it
	noticeSlack    = 250 * time.Millisecond // a notice comes shortly after the end
)

// start starts the goroutines that look at sessions: four, however many streams there are. They end
// with the last stream. The caller holds mu.
func (w *watchers) start() {
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.tick, w.wake = stop, time.Now().Add(w.p.WatchInterval), make(chan struct{}, 1)
	users := make(chan byUser)
	go w.clock(ctx, users)
	go w.checkUsers(ctx, users)
	go w.lookAtQueued(ctx, w.wake)
	if n, ok := w.p.Store.(Notifier); ok {
		go w.listen(ctx, n)
	}
}

// listen receives the store's notices until ctx ends.
func (w *watchers) listen(ctx context.Context, n Notifier) {
	for {
		err := safely(func() error { return n.Listen(ctx, w.onNotice) })
		if ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
			return
		}
		w.p.Report(ctx, NotListening, "", err)
		if sleep(ctx, lookAgainAfter) != nil {
			return
		}
	}
}

// clock looks at all sessions, and sends their users to be checked, at every WatchInterval.
func (w *watchers) clock(ctx context.Context, users chan<- byUser) {
	for sleep(ctx, time.Until(w.nextTick())) == nil {
		w.mu.Lock()
		w.tick, w.soon = time.Now().Add(w.p.WatchInterval), nil
		for _, of := range w.sessions {
			of.due = time.Time{}
		}
		all := w.beginLook(slices.Collect(maps.Values(w.sessions)))
		w.mu.Unlock()
		found := &findings{users: byUser{}}
		_ = w.look(ctx, all, found) // after an outage the rest is queued again
		select {
		case users <- found.users:
		default: // the users of an earlier round are still being checked
		}
		w.restartIdle(ctx, found.used)
	}
}

// findings are what remains to be done after a look.
type findings struct {
	users byUser         // to be checked; nil except for the clock's looks
	used  []sessionInUse // whose idle timeout is to be restarted
}

// byUser are the sessions in which a look found log-ins.
type byUser map[logIn][]*watched

// add records that session of has the log-in l. Calls for the same session follow each other.
func (u byUser) add(l logIn, of *watched) {
	if list := u[l]; len(list) == 0 || list[len(list)-1] != of {
		u[l] = append(list, of)
	}
}

// checkUsers checks the users of each round, one after another, however long that takes. No other
// goroutine waits for the application's table of users.
func (w *watchers) checkUsers(ctx context.Context, rounds <-chan byUser) {
	for {
		select {
		case <-ctx.Done():
			return
		case users := <-rounds:
			for l, sessions := range users {
				if ctx.Err() != nil {
					return
				}
				if cause := w.check(ctx, l); cause != nil {
					w.endUser(sessions, l, cause)
				}
			}
		}
	}
}

// nextTick returns when the clock looks next.
func (w *watchers) nextTick() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tick
}

// lookAtQueued looks at the sessions that are queued, and at those that have reached a deadline.
func (w *watchers) lookAtQueued(ctx context.Context, wake <-chan struct{}) {
	for ctx.Err() == nil {
		w.mu.Lock()
		now, wait := time.Now(), w.p.WatchInterval
		list := w.queue
		w.queue = nil
		for len(w.soon) > 0 && wait > 0 {
			if d := w.soon[0]; d.at.After(now) {
				wait = min(wait, d.at.Sub(now))
				break
			}
			list = append(list, w.popSoon())
		}
		all := w.beginLook(list)
		w.mu.Unlock()
		if len(all) == 0 {
			waitForWork(ctx, wake, wait)
			continue
		}
		found := &findings{}
		err := w.look(ctx, all, found)
		w.restartIdle(ctx, found.used)
		if err != nil {
			_ = sleep(ctx, lookAgainAfter)
		}
	}
}

// waitForWork waits until something is queued, at most for d.
func waitForWork(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// lookedAt is a session that is being looked at.
type lookedAt struct {
	*watched
	how   byte   // how it ended, according to a notice
	began uint64 // the number of the newest stream when the look began; it says nothing about later ones
}

// streams yields the streams to which this look applies, see [watched.streams].
func (a lookedAt) streams() iter.Seq[*stream] {
	return func(yield func(*stream) bool) {
		for s := range a.watched.streams() {
			if s.number <= a.began && !yield(s) {
				return
			}
		}
	}
}

// beginLook returns the sessions of list that have streams, to be looked at now. The caller holds mu.
func (w *watchers) beginLook(list []*watched) []lookedAt {
	all := make([]lookedAt, 0, len(list))
	for _, of := range list {
		if of.first != nil {
			all = append(all, lookedAt{of, of.how, w.began})
		}
		of.how, of.queued = 0, false
	}
	return all
}

// requeue queues the sessions of list again, which could not be read because of an outage.
func (w *watchers) requeue(list []lookedAt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range list {
		if a.first != nil {
			w.enqueue(a.watched, a.how)
		}
	}
}

// look reads the sessions of all, ends the streams whose log-in is over, and records in left what is to be
// done for the others. An error is an outage.
func (w *watchers) look(ctx context.Context, all []lookedAt, left *findings) error {
	var failed []lookedAt // one that cannot be read must not delay the others
	var last error
	defer func() { w.requeue(failed) }()
	for at := 0; at < len(all); at += batchSize {
		batch := all[at:min(at+batchSize, len(all))]
		ids := make([]string, len(batch))
		for i, a := range batch {
			ids[i] = a.id
		}
		var recs []*record.Record
		err := w.callStore(ctx, func() (err error) { recs, err = w.p.lookMany(ctx, ids); return err })
		if err != nil {
			w.requeue(all[at:])
			return err
		}
		for i, a := range batch {
			if recs[i] != nil {
				w.compareRecord(a, recs[i], left)
			} else if err := w.followOrEnd(ctx, a); err != nil {
				last = err
				if failed = append(failed, a); len(failed) == maxFailed {
					w.requeue(all[at+i+1:])
					return err
				}
			}
		}
	}
	return last
}

// compareRecord compares the streams of a session with its record.
func (w *watchers) compareRecord(a lookedAt, rec *record.Record, left *findings) {
	var over []ending
	var others []renamed
	now, absolute, inUse := time.Now(), w.p.Terms.Absolute, false
	w.mu.Lock()
	a.waited = false
	next := time.Time{}
	if end, ok := w.p.idleEnd(rec); ok {
		a.idle, next = end, end.Add(idleSlack)
	}
	for s := range a.streams() {
		slot, ok := rec.Slot(s.key)
		switch {
		case !rec.Exists(): // the record is malformed
			over = w.end(over, s, OverGone)
		case !ok:
			over = w.end(over, s, OverLoggedOut)
		case !sameID(s.user, slot.User):
			others = append(others, renamed{s, s.user, slot})
		case slot.Over(absolute, now):
			over = w.end(over, s, OverAbsolute)
		default:
			s.note(slot, absolute)
			if s.deadline > 0 {
				if end := time.UnixMilli(s.deadline); next.IsZero() || end.Before(next) {
					next = end
				}
			}
			if left.users != nil {
				left.users.add(s.logIn(), a.watched)
			}
			inUse = inUse || s.use
		}
	}
	if inUse {
		next = w.planRestart(a.watched, rec, left, next)
	}
	if a.first != nil && !next.IsZero() {
		w.schedule(a.watched, next)
	}
	w.mu.Unlock()
	finish(over)
	for _, r := range others {
		w.compareUsers(r)
	}
}

// renamed is a stream whose log-in now has its user's id in another spelling, or another user.
type renamed struct {
	*stream
	was  string
	slot record.Slot
}

// compareUsers ends the stream unless the application says that both ids are the same user's. The caller
// must not hold mu.
func (w *watchers) compareUsers(r renamed) {
	var over []ending
	same := r.by.Same(json.RawMessage(r.was), r.slot.User)
	w.mu.Lock()
	switch {
	case r.of == nil || r.user != r.was: // the stream is over, or another look has changed it
	case same:
		r.note(r.slot, w.p.Terms.Absolute)
		w.enqueue(r.of, 0)
	default:
		over = w.end(over, r.stream, OverReplaced)
	}
	w.mu.Unlock()
	finish(over)
}

// followOrEnd follows a session whose record is gone to its successor, or ends its streams.
func (w *watchers) followOrEnd(ctx context.Context, a lookedAt) error {
	next := ""
	switch a.how {
	case noticeEnded, noticeRevoked, noticeReplaced: // the notice came with the end, which left no successor
	default:
		wait, cancel := context.WithTimeout(ctx, w.p.Timeout)
		defer cancel()
		err := w.callStore(wait, func() (err error) { next, err = w.p.successor(wait, a.id); return err })
		if err != nil {
			return err // also if somebody wrote the record back: the next look decides
		}
	}
	var over []ending
	w.mu.Lock()
	if next != "" {
		w.moveStreams(a.watched, next)
		w.mu.Unlock()
		return nil
	}
	if a.how == 0 {
		a.how = a.watched.how // the notice came during the look
	}
	now := time.Now()
	if w.awaitNotice(a, now) {
		w.mu.Unlock()
		return nil
	}
	for s := range a.streams() {
		over = w.end(over, s, s.whyGone(a, now))
	}
	w.mu.Unlock()
	for i, e := range over {
		if e.why == OverReplaced { // a log-in over it, or a guard because of its user
			over[i].cause = w.check(ctx, e.s.logIn())
		}
	}
	finish(over)
	return nil
}

// awaitNotice reports whether it is unknown why the record of a is gone but a notice may still say so: the
// look may have come between the end and its notice. It then schedules one more look at the session. The
// caller holds mu.
func (w *watchers) awaitNotice(a lookedAt, now time.Time) bool {
	if a.waited {
		return false
	}
	for s := range a.streams() {
		if s.whyGone(a, now) == OverGone {
			a.waited = true
			w.schedule(a.watched, now.Add(noticeSlack))
			return true
		}
	}
	return false
}

// whyGone returns why the record of a is gone.
func (s *stream) whyGone(a lookedAt, now time.Time) string {
	switch {
	case s.deadline > 0 && now.UnixMilli() >= s.deadline:
		return OverAbsolute
	case a.how == noticeEnded:
		return OverLoggedOut
	case a.how == noticeRevoked:
		return OverRevoked
	case a.how == noticeReplaced:
		return OverReplaced
	case !a.idle.IsZero() && !now.Before(a.idle):
		return OverIdle
	}
	return OverGone
}

// ending is a stream that is over.
type ending struct {
	s     *stream
	why   string
	cause error // in place of why
}

// end removes s and appends it to over. The caller holds mu, and calls finish after releasing it.
func (w *watchers) end(over []ending, s *stream, why string) []ending {
	if w.remove(s) {
		over = append(over, ending{s: s, why: why})
	}
	return over
}

// finish cancels the contexts of streams that are over.
func finish(over []ending) {
	for _, e := range over {
		if e.cause == nil {
			e.cause = e.s.by.Cause(e.why)
		}
		e.s.stop()
		e.s.end(e.cause)
	}
}

// logIn is the log-in of a user that is checked, once for all its streams.
type logIn struct {
	by               LogInWatcher
	key, user, stamp string
}

func (s *stream) logIn() logIn { return logIn{s.by, s.key, s.user, s.stamp} }

// check returns why the log-in is over according to its user, nil if it is not, or if that is
// unknown.
func (w *watchers) check(ctx context.Context, l logIn) error {
	ctx, cancel := context.WithTimeout(ctx, w.p.Timeout)
	defer cancel()
	slot := record.Slot{User: []byte(l.user), Key: l.key, ByGo: true}
	if l.stamp != "" {
		slot.Stamp = []byte(l.stamp)
	}
	cause, err := l.by.Check(ctx, slot)
	if err != nil {
		return nil
	}
	return cause
}

// endUser ends the streams of the log-in l in sessions and in their successors.
func (w *watchers) endUser(sessions []*watched, l logIn, cause error) {
	var over []ending
	w.mu.Lock()
	for _, of := range sessions {
		for ; of != nil; of = of.went {
			for s := range of.streams() {
				if s.logIn() == l && w.remove(s) {
					over = append(over, ending{s: s, cause: cause})
				}
			}
		}
	}
	w.mu.Unlock()
	finish(over)
}
