package protocol

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// A stream is anything that lasts as long as a log-in, such as a stream of events; a watched session is one
// with streams. A *look* reads the store and decides whether a log-in is over. Notices of the store,
// changes by this process, deadlines and the clock only decide which sessions are looked at now. So a lost,
// late or duplicate notice ends nothing too early, and what no notice says, the clock finds. A look reads
// many records at once, follows a renewed session, and writes nothing, except that it restarts the idle
// timeout of a session that a stream keeps in use (use.go). During an outage of the store nothing ends.

// LogInWatcher is a guard that watches log-ins. It must be comparable and safe for concurrent use.
type LogInWatcher interface {
	// Check returns the reason why the log-in in slot is over according to its user, nil if it is
	// not. An error means that this is unknown. It is called after the clock's looks.
	Check(ctx context.Context, slot record.Slot) (cause, err error)
	// Same reports whether two ids, as JSON, belong to the same user: the spelling of an id may change.
	Same(a, b json.RawMessage) bool
	// Cause returns the error for one of the Over… texts.
	Cause(why string) error
}

// Why a log-in is over, as a look finds.
const (
	OverLoggedOut = "logout"           // it was logged out
	OverRevoked   = "revoked"          // its session was found under a label and ended
	OverReplaced  = "replaced"         // another log-in took its place
	OverIdle      = "idle_timeout"     // the session was not used for too long
	OverAbsolute  = "absolute_timeout" // the log-in has reached its absolute timeout
	OverGone      = "timeout_or_ended" // the store no longer has the session, and no notice said why
)

// Notifier is session.Notifier: it sends notices of ended records.
type Notifier interface {
	// See session.Notifier.
	Listen(ctx context.Context, tell func(notice string)) error
}

// ChangeNotifier is session.ChangeNotifier: it also sends notices of changes.
type ChangeNotifier interface {
	Notifier
	// See session.ChangeNotifier.
	Notify(ctx context.Context, notice string) error
}

// watchers are all watched sessions of this process.
type watchers struct {
	p *Protocol

	mu       sync.Mutex
	sessions map[handle]*watched
	streams  int
	began    uint64     // how many streams have begun so far
	queue    []*watched // to be looked at now
	soon     dueQueue   // to be looked at before the clock's next look
	tick     time.Time  // of the clock's next look
	stop     context.CancelFunc
	wake     chan struct{} // has an element if queue or the front of soon has changed
}

// watched is a session with streams.
type watched struct {
	id     string
	first  *stream
	idle   time.Time // when its idle timeout is over, as last read
	how    byte      // how it ended, according to a notice; 0 without one
	queued bool
	waited bool      // a look found it gone, and one more look is planned in case a notice says why
	due    time.Time // its time in watchers.soon; zero if it is not there
	went   *watched  // its successor
}

// stream lasts as long as a log-in.
type stream struct {
	of          *watched // nil once it is over
	prev, next  *stream
	use         bool   // keeps the session in use
	number      uint64 // a look that began before it says nothing about it
	by          LogInWatcher
	key         string
	user, stamp string // of the log-in; user is JSON
	deadline    int64  // of the log-in, in Unix milliseconds; 0 for none
	end         context.CancelCauseFunc
	stop        func() bool // keeps ctx from calling leave
}

// Watch returns a context derived from parent that ends with the log-in under key in the session id:
// the log-in of slot, or one of the same user after a renewal. The cause is then one of by's. If
// use is true, the idle timeout is restarted for as long as the context lasts.
func (p *Protocol) Watch(parent context.Context, id, key string, slot record.Slot, by LogInWatcher, use bool) context.Context {
	ctx, end := context.WithCancelCause(parent)
	p.WatchUntil(ctx, end, id, key, slot, by, use)
	return ctx
}

// WatchUntil is Watch for a context that the caller has made, whose cancel function is end.
func (p *Protocol) WatchUntil(ctx context.Context, end context.CancelCauseFunc, id, key string, slot record.Slot, by LogInWatcher, use bool) {
	w := p.watchers.Load()
	if w == nil {
		w = &watchers{p: p, sessions: map[handle]*watched{}}
		if !p.watchers.CompareAndSwap(nil, w) {
			w = p.watchers.Load()
		}
	}
	s := &stream{by: by, key: key, end: end, use: use}
	s.note(slot, p.Terms.Absolute)
	s.stop = context.AfterFunc(ctx, func() { w.leave(s) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return // leave may have been called already
	}
	h := handleOf(id)
	of := w.sessions[h]
	if of == nil {
		of = &watched{id: id}
		w.sessions[h] = of
	}
	of.add(s)
	w.streams++
	w.began++
	s.number = w.began
	if w.stop == nil {
		w.start()
	}
	w.enqueue(of, 0) // it may have ended since the request read it
}

// note keeps what later looks compare with.
func (s *stream) note(slot record.Slot, absolute time.Duration) {
	if s.user != string(slot.User) {
		s.user = string(slot.User)
	}
	if s.stamp != string(slot.Stamp) {
		s.stamp = string(slot.Stamp)
	}
	s.deadline = 0
	if end := slot.Deadline(absolute); !end.IsZero() {
		s.deadline = end.UnixMilli()
	}
}

// add puts s in front of the streams of of.
func (of *watched) add(s *stream) {
	s.of, s.prev, s.next = of, nil, of.first
	if of.first != nil {
		of.first.prev = s
	}
	of.first = s
}

// streams yields the streams of of. The yielded one may be removed. The caller holds mu.
func (of *watched) streams() iter.Seq[*stream] {
	return func(yield func(*stream) bool) {
		for s := of.first; s != nil; {
			following := s.next // s.next is nil once s is removed
			if !yield(s) {
				return
			}
			s = following
		}
	}
}

// leave removes s, if it is still there.
func (w *watchers) leave(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(s)
}

// remove is leave for a caller that holds mu. It reports whether s was there.
func (w *watchers) remove(s *stream) bool {
	of := s.of
	if of == nil {
		return false
	}
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		of.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.of, s.prev, s.next = nil, nil, nil
	if w.streams--; w.streams == 0 {
		w.stop()
		w.stop, w.queue, w.soon = nil, nil, nil
	}
	if of.first == nil {
		if h := handleOf(of.id); w.sessions[h] == of {
			delete(w.sessions, h)
		}
	}
	return true
}

// enqueue queues of to be looked at now. The caller holds mu. The first how is kept: a record ends once.
func (w *watchers) enqueue(of *watched, how byte) {
	if of.how == 0 {
		of.how = how
	}
	if !of.queued {
		of.queued = true
		w.queue = append(w.queue, of)
	}
	w.wakeUp()
}

// wakeUp wakes lookAtQueued.
func (w *watchers) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// enqueueAll queues every session.
func (w *watchers) enqueueAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.sessions {
		w.enqueue(of, 0)
	}
}

// onNotice handles a notice; an empty one says that some may have been lost.
func (w *watchers) onNotice(text string) {
	if text == "" {
		w.enqueueAll()
		return
	}
	how, h, ok := parseNotice(text)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if of := w.sessions[h]; of != nil {
		w.enqueue(of, how)
	}
}

// onEndMany handles the notices of an EndMany that returned successors. A session with a
// successor had moved before and was not ended by it, and its successor may be excepted.
func (w *watchers) onEndMany(ids, successors []string) {
	for i, id := range ids {
		if successors[i] != "" {
			w.onNotice(notice(noticeMoved, id))
		} else {
			w.onNotice(EndManyNotice(id))
		}
	}
}

// changed tells this process and the others that log-ins were removed from id, or may have been if an
// answer was lost. The record stays. A notice that cannot be sent is no error: the clock finds the change.
func (p *Protocol) changed(ctx context.Context, id string) {
	text := notice(noticeChanged, id)
	if w := p.watchers.Load(); w != nil {
		w.onNotice(text)
	}
	if n, ok := p.Store.(ChangeNotifier); ok {
		p.tryTwice(ctx, func(ctx context.Context) error {
			if err := n.Notify(ctx, text); !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			return nil // the store was not told to notify
		}, func(error) {})
	}
}

// moveStreams moves the streams of a session to its successor, which is queued then. The caller holds mu.
func (w *watchers) moveStreams(of *watched, next string) {
	if of.first == nil {
		return // all streams left meanwhile: the successor would never be removed
	}
	if h := handleOf(of.id); w.sessions[h] == of {
		delete(w.sessions, h)
	}
	h := handleOf(next)
	there := w.sessions[h]
	if there == nil {
		there = &watched{id: next}
		w.sessions[h] = there
	}
	of.went = there
	for s := of.first; s != nil; s = of.first {
		of.first = s.next
		there.add(s)
	}
	w.enqueue(there, 0)
}

// dueQueue is a heap of sessions, ordered by the time at which they are to be looked at.
type dueQueue []due

type due struct {
	at time.Time
	of *watched
}

func (q *dueQueue) Len() int           { return len(*q) }
func (q *dueQueue) Less(i, j int) bool { return (*q)[i].at.Before((*q)[j].at) }
func (q *dueQueue) Swap(i, j int)      { (*q)[i], (*q)[j] = (*q)[j], (*q)[i] }

// Push implements [heap.Interface].
func (q *dueQueue) Push(d any) { *q = append(*q, d.(due)) }

// Pop implements [heap.Interface].
func (q *dueQueue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = due{}
	*q = (*q)[:len(*q)-1]
	return last
}

// schedule plans a look at of for the time at, unless the clock or an earlier plan comes first. The
// caller holds mu.
func (w *watchers) schedule(of *watched, at time.Time) {
	if at.After(time.Now()) && at.Before(w.tick) && (of.due.IsZero() || at.Before(of.due)) {
		of.due = at
		if len(w.soon) > 2*len(w.sessions)+64 { // most of it belongs to streams that left
			w.soon = slices.DeleteFunc(w.soon, func(d due) bool { return d.of.first == nil || !d.of.due.Equal(d.at) })
			heap.Init(&w.soon)
		}
		heap.Push(&w.soon, due{at, of})
		w.wakeUp()
	}
}

// popSoon removes the first element of soon. The caller holds mu.
func (w *watchers) popSoon() *watched {
	d := heap.Pop(&w.soon).(due)
	if d.of.due.Equal(d.at) {
		d.of.due = time.Time{}
	}
	return d.of
}

// sameID reports whether two ids of users, as JSON, are spelt alike.
func sameID(a string, b []byte) bool {
	if a == string(b) {
		return true
	}
	x, err := rawjson.Canonical([]byte(a))
	if err != nil {
		return false
	}
	y, err := rawjson.Canonical(slices.Clone(b))
	return err == nil && bytes.Equal(x, y)
}
