package protocol

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/internal/rawjson"
	"github.com/seed-6f34412b/passport/internal/record"
)

// Watching is something that goes on for as long as a log-in does, such as a stream of events.
// A *look* at the store decides whether the log-in is over; a notice of the store, a change by this
// process, a deadline and the clock only say which sessions are to be looked at now. So a notice
// that is lost, late or comes twice ends nothing that should go on, and what it does not tell the
// clock finds. A look reads many records at once, follows a session that was renewed, and writes
// nothing; only where a stream counts as use of its session does the idle timeout begin anew (use.go).
// While the store cannot be asked, nothing ends.

// LogInWatcher is whoever has log-ins watched, a guard. It is compared, and safe for concurrent use.
type LogInWatcher interface {
	// Check returns the cause for which the log-in in slot is over, as far as its user tells,
	// nil while it is not. An error says that this is not known. It is asked at the clock's looks.
	Check(ctx context.Context, slot record.Slot) (cause, err error)
	// Same reports whether two ids, as JSON, are the same user's: an id may be written otherwise now.
	Same(a, b json.RawMessage) bool
	// Cause returns the error for one of the Over… texts.
	Cause(why string) error
}

// Why a log-in is over, as a look finds it.
const (
	OverLoggedOut = "logout"           // it was logged out
	OverRevoked   = "revoked"          // its session was found under a label and ended
	OverReplaced  = "replaced"         // another log-in took its place
	OverIdle      = "idle_timeout"     // the session was not used for too long
	OverAbsolute  = "absolute_timeout" // the log-in is as old as one may become
	OverGone      = "timeout_or_ended" // the store does not know the session any more, and nobody said why
)

// Notifier is session.Notifier: it tells what ends.
type Notifier interface {
	// As session.Notifier has it.
	Listen(ctx context.Context, tell func(notice string)) error
}

// ChangeNotifier is session.ChangeNotifier: it tells what changed.
type ChangeNotifier interface {
	Notifier
	// As session.ChangeNotifier has it.
	Notify(ctx context.Context, notice string) error
}

// watchers is all that is watched in this process.
type watchers struct {
	p *Protocol

	mu       sync.Mutex
	sessions map[handle]*watched
	streams  int
	began    uint64     // streams so far
	queue    []*watched // to be looked at now
	soon     dueQueue   // to be looked at before the clock's next look
	tick     time.Time  // of the clock's next look
	stop     context.CancelFunc
	wake     chan struct{} // something is in queue, or in front of soon
}

// watched is a session with streams.
type watched struct {
	id     string
	first  *stream
	idle   time.Time // when it ends unless it is used, as last read
	how    byte      // what a notice said, 0 for none
	queued bool
	waited bool      // for a notice that says how it ended, since a look found it gone
	due    time.Time // when it is in watchers.soon; zero when it is not
	went   *watched  // where it went on
}

// stream is one that ends with a log-in.
type stream struct {
	of          *watched // nil once it is over
	prev, next  *stream
	use         bool   // it counts as use of the session
	number      uint64 // a look that began before it says nothing of it
	by          LogInWatcher
	key         string
	user, stamp string // of the log-in; user is JSON
	deadline    int64  // of the log-in, in Unix milliseconds; 0 for none
	end         context.CancelCauseFunc
	stop        func() bool // keeps ctx from calling leave
}

// Watch returns a context of parent that ends when the log-in under key in the session id does:
// the one of slot, or of the same user after a renewal. The cause is then one of by's. With use the
// idle timeout begins anew for as long as the context goes on.
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
		return // leave may have been here before
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
	w.ask(of, 0) // it may have ended since the request read it
}

// note keeps what later looks compare.
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

// add puts s in front of those of of.
func (of *watched) add(s *stream) {
	s.of, s.prev, s.next = of, nil, of.first
	if of.first != nil {
		of.first.prev = s
	}
	of.first = s
}

// streams yields those of of. The one that is yielded may be removed. The caller holds mu.
func (of *watched) streams() iter.Seq[*stream] {
	return func(yield func(*stream) bool) {
		for s := of.first; s != nil; {
			following := s.next // s has none once it is removed
			if !yield(s) {
				return
			}
			s = following
		}
	}
}

// leave forgets s, if it is there.
func (w *watchers) leave(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(s)
}

// remove is leave for who holds mu. It reports whether s was there.
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

// ask has of looked at now. The caller holds mu. How it ended is kept until then: a record ends once.
func (w *watchers) ask(of *watched, how byte) {
	if of.how == 0 {
		of.how = how
	}
	if !of.queued {
		of.queued = true
		w.queue = append(w.queue, of)
	}
	w.waken()
}

// waken has lookAsAsked look what is to be done.
func (w *watchers) waken() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// askAll has every session looked at now.
func (w *watchers) askAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.sessions {
		w.ask(of, 0)
	}
}

// told takes a notice; an empty one says that some may have been lost.
func (w *watchers) told(text string) {
	if text == "" {
		w.askAll()
		return
	}
	how, h, ok := parseNotice(text)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if of := w.sessions[h]; of != nil {
		w.ask(of, how)
	}
}

// toldMany is told for the notices of an EndMany that returned successors. A session that had gone
// on before was not ended by it, and where it is may be excepted.
func (w *watchers) toldMany(ids, successors []string) {
	for i, id := range ids {
		if successors[i] != "" {
			w.told(notice(noticeMoved, id))
		} else {
			w.told(EndManyNotice(id))
		}
	}
}

// changed tells this process and the others that log-ins were taken out of id, whose record stays.
// The log-out is done: that they cannot be told now does not make it fail, the clock finds it.
func (p *Protocol) changed(ctx context.Context, id string) {
	text := notice(noticeChanged, id)
	if w := p.watchers.Load(); w != nil {
		w.told(text)
	}
	if n, ok := p.Store.(ChangeNotifier); ok {
		_ = n.Notify(ctx, text)
	}
}

// moved makes the streams of a session that went on those of its successor, which is to be
// looked at then. The caller holds mu.
func (w *watchers) moved(of *watched, next string) {
	if of.first == nil {
		return // they left meanwhile, and nobody would ever forget the successor
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
	w.ask(there, 0)
}

// dueQueue is a heap of sessions by the time at which they are to be looked at.
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

// later has of looked at at a time, unless the clock comes first, or a time before. The caller
// holds mu.
func (w *watchers) later(of *watched, at time.Time) {
	if at.After(time.Now()) && at.Before(w.tick) && (of.due.IsZero() || at.Before(of.due)) {
		of.due = at
		if len(w.soon) > 2*len(w.sessions)+64 { // most of it is of streams that left
			w.soon = slices.DeleteFunc(w.soon, func(d due) bool { return d.of.first == nil || !d.of.due.Equal(d.at) })
			heap.Init(&w.soon)
		}
		heap.Push(&w.soon, due{at, of})
		w.waken()
	}
}

// sooner takes the first out of soon. The caller holds mu.
func (w *watchers) sooner() *watched {
	d := heap.Pop(&w.soon).(due)
	if d.of.due.Equal(d.at) {
		d.of.due = time.Time{}
	}
	return d.of
}

// sameID reports whether two ids of users, as JSON, are written alike.
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
