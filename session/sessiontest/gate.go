package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// Call is one call of a store's method, as a [Gate] sees it.
type Call struct {
	Op    string        // the method's name: Get, GetPrimary, GetMany, Create, Update, Delete, End, EndMany, AddLabel, RemoveLabel, Labelled, All
	ID    string        // empty for Labelled and All; the first one for GetMany, EndMany and RemoveLabel
	Label string        // of the index methods
	Old   []byte        // of Update, Delete and End
	New   []byte        // of Create and Update
	Next  string        // of End
	TTL   time.Duration // of Create and Update; the life of End's and EndMany's notes
}

// Fate is what becomes of a call. The tests of the save protocol, of the stores and of the
// network between them use these words and no others.
type Fate int

// The fates of a command on its way to a database.
const (
	Pass      Fate = iota // executed and answered
	Fail                  // not executed: ErrFault
	LoseReply             // executed, but the answer is ErrFault
	Resend                // executed, the reply lost, executed again; the second answer is given
	Late                  // ErrFault now; executed when the test calls Deliver
	LateTwin              // executed and answered; a first copy is executed again when the test calls Deliver
	Crash                 // not executed: the caller's goroutine ends, as a process that dies
)

// Fates are all of them.
func Fates() []Fate { return []Fate{Pass, Fail, LoseReply, Resend, Late, LateTwin, Crash} }

// String returns the fate in words.
func (f Fate) String() string {
	words := []string{"executed", "not executed", "reply lost", "resent", "late", "resent and late", "crash"}
	if f < 0 || int(f) >= len(words) {
		return "unknown fate"
	}
	return words[f]
}

// ErrFault is the error of a call whose [Fate] was not to be answered.
var ErrFault = errors.New("sessiontest: made-up fault")

// Gate is a store that shows every call to the test before it is executed. The test
// can hold a call there, let others pass it, and choose its [Fate]: that forces any
// order of two requests' commands, and any fault, without a clock.
//
// The zero Gate is not usable: see [NewGate]. A Gate is safe for concurrent use.
type Gate struct {
	// Before is asked for the fate of every call, on the goroutine that makes it, and
	// may block: until it returns, the call is not executed. nil means Pass. It is set
	// before the store is used.
	Before func(ctx context.Context, c Call) Fate
	// After is told of every execution with its result, before the caller gets it.
	// nil is fine. It is set before the store is used.
	After func(c Call, err error)

	inner session.Store

	mu    sync.Mutex
	holds []*Hold
	calls []Call
	late  []func()
}

// NewGate returns a Gate in front of inner.
func NewGate(inner session.Store) *Gate { return &Gate{inner: inner} }

// Calls returns the calls executed so far, in the order of their answers.
func (g *Gate) Calls() []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// Reset forgets the calls executed so far.
func (g *Gate) Reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// Deliver executes the calls that are late, in the order in which they were made, and
// returns how many there were.
func (g *Gate) Deliver() int {
	g.mu.Lock()
	late := g.late
	g.late = nil
	g.mu.Unlock()
	for _, run := range late {
		run()
	}
	return len(late)
}

// On matches calls of one method.
func On(op string) func(Call) bool { return func(c Call) bool { return c.Op == op } }

// Hold is one call that is held before its execution. See [Gate.Hold].
type Hold struct {
	// Reached gets the call when it is held. It has room for it: nobody has to listen.
	Reached <-chan Call

	match   func(Call) bool
	reached chan Call
	fate    chan Fate
}

// Hold holds the first call from now on that match accepts, until [Hold.Release]. A
// call whose context ends while it is held returns the context's error; released
// later, it is executed all the same: a command stuck in the network.
// Several holds take one call each, in the order in which they were made. Before is
// not asked about a held call.
func (g *Gate) Hold(match func(Call) bool) *Hold {
	h := &Hold{match: match, reached: make(chan Call, 1), fate: make(chan Fate, 1)}
	h.Reached = h.reached
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds = append(g.holds, h)
	return h
}

// Release gives the held call, or the one that will come, its fate. It is called once.
func (h *Hold) Release(f Fate) { h.fate <- f }

// During runs request in the background until it is held, then other, then lets the
// request go on, and returns when it is done. It panics if the request ends unheld.
func (h *Hold) During(request, other func()) {
	done := make(chan struct{})
	go func() { defer close(done); request() }()
	select {
	case <-h.Reached:
	case <-done:
		panic("sessiontest: the request ended without the call that was to be held")
	}
	other()
	h.Release(Pass)
	<-done
}

// take returns the hold for c, if there is one, and removes it.
func (g *Gate) take(c Call) *Hold {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, h := range g.holds {
		if h.match(c) {
			g.holds = slices.Delete(g.holds, i, i+1)
			return h
		}
	}
	return nil
}

// pass applies the fate of the call c. run executes it.
func pass[T any](ctx context.Context, g *Gate, c Call, run func(context.Context) (T, error)) (T, error) {
	var none T
	c.Old, c.New = bytes.Clone(c.Old), bytes.Clone(c.New)
	execute := func(ctx context.Context) (T, error) {
		v, err := run(ctx)
		g.mu.Lock()
		g.calls = append(g.calls, c)
		g.mu.Unlock()
		if g.After != nil {
			g.After(c, err)
		}
		return v, err
	}
	fate := Pass
	if h := g.take(c); h != nil {
		h.reached <- c
		select {
		case fate = <-h.fate:
		case <-ctx.Done():
			go func() { // the caller gave up, but the command is still on its way
				if f := <-h.fate; f != Fail && f != Crash {
					_, _ = execute(context.WithoutCancel(ctx))
				}
			}()
			return none, ctx.Err()
		}
	} else if g.Before != nil {
		fate = g.Before(ctx, c)
	}
	switch fate {
	case Fail:
		return none, ErrFault
	case LoseReply:
		_, _ = execute(ctx)
		return none, ErrFault
	case Resend:
		_, _ = execute(ctx)
	case Late, LateTwin:
		g.mu.Lock()
		g.late = append(g.late, func() { _, _ = execute(context.WithoutCancel(ctx)) })
		g.mu.Unlock()
		if fate == Late {
			return none, ErrFault
		}
	case Crash:
		runtime.Goexit()
	case Pass:
	}
	return execute(ctx)
}

// passErr is pass for a call without a result.
func passErr(ctx context.Context, g *Gate, c Call, run func(context.Context) error) error {
	_, err := pass(ctx, g, c, func(ctx context.Context) (struct{}, error) { return struct{}{}, run(ctx) })
	return err
}

// Store returns the store to give to the code under test. It has exactly the
// abilities of the store behind the gate, but that it is no [session.Combiner]: a test wants to hold each
// step.
func (g *Gate) Store() session.Store { return only(gated{g}, abilitiesOf(g.inner)) }

// gated has every ability; Store returns it with those of the inner store. It copies its arguments, because
// a call may be executed after its caller has continued.
type gated struct{ g *Gate }

func (s gated) Get(ctx context.Context, id string) ([]byte, error) {
	return pass(ctx, s.g, Call{Op: "Get", ID: id}, func(ctx context.Context) ([]byte, error) {
		return s.g.inner.Get(ctx, id)
	})
}

func (s gated) GetPrimary(ctx context.Context, id string) ([]byte, error) {
	return pass(ctx, s.g, Call{Op: "GetPrimary", ID: id}, func(ctx context.Context) ([]byte, error) {
		return s.g.inner.(session.PrimaryReader).GetPrimary(ctx, id)
	})
}

func (s gated) Create(ctx context.Context, id string, data []byte, ttl time.Duration) error {
	data = bytes.Clone(data)
	return passErr(ctx, s.g, Call{Op: "Create", ID: id, New: data, TTL: ttl}, func(ctx context.Context) error {
		return s.g.inner.Create(ctx, id, data, ttl)
	})
}

func (s gated) Update(ctx context.Context, id string, old, new []byte, ttl time.Duration) error {
	old, new = bytes.Clone(old), bytes.Clone(new)
	return passErr(ctx, s.g, Call{Op: "Update", ID: id, Old: old, New: new, TTL: ttl}, func(ctx context.Context) error {
		return s.g.inner.Update(ctx, id, old, new, ttl)
	})
}

func (s gated) Delete(ctx context.Context, id string, old []byte) error {
	old = bytes.Clone(old)
	return passErr(ctx, s.g, Call{Op: "Delete", ID: id, Old: old}, func(ctx context.Context) error {
		return s.g.inner.Delete(ctx, id, old)
	})
}

func (s gated) End(ctx context.Context, id string, old []byte, next string, life time.Duration) (string, error) {
	old = bytes.Clone(old)
	return pass(ctx, s.g, Call{Op: "End", ID: id, Old: old, Next: next, TTL: life}, func(ctx context.Context) (string, error) {
		return s.g.inner.(session.Ender).End(ctx, id, old, next, life)
	})
}

func (s gated) GetMany(ctx context.Context, ids []string) ([][]byte, error) {
	ids = slices.Clone(ids)
	return pass(ctx, s.g, Call{Op: "GetMany", ID: firstOf(ids)}, func(ctx context.Context) ([][]byte, error) {
		return s.g.inner.(session.Batch).GetMany(ctx, ids)
	})
}

func (s gated) EndMany(ctx context.Context, ids []string, life time.Duration) ([]string, error) {
	ids = slices.Clone(ids)
	return pass(ctx, s.g, Call{Op: "EndMany", ID: firstOf(ids), TTL: life}, func(ctx context.Context) ([]string, error) {
		return s.g.inner.(session.Batch).EndMany(ctx, ids, life)
	})
}

func firstOf(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

func (s gated) AddLabel(ctx context.Context, label, id string, deadline time.Time) error {
	return passErr(ctx, s.g, Call{Op: "AddLabel", ID: id, Label: label}, func(ctx context.Context) error {
		return s.g.inner.(session.Index).AddLabel(ctx, label, id, deadline)
	})
}

func (s gated) RemoveLabel(ctx context.Context, label string, ids ...string) error {
	ids = slices.Clone(ids)
	return passErr(ctx, s.g, Call{Op: "RemoveLabel", Label: label, ID: firstOf(ids)}, func(ctx context.Context) error {
		return s.g.inner.(session.Index).RemoveLabel(ctx, label, ids...)
	})
}

func (s gated) Labelled(ctx context.Context, label string) ([]string, error) {
	return pass(ctx, s.g, Call{Op: "Labelled", Label: label}, func(ctx context.Context) ([]string, error) {
		return s.g.inner.(session.Index).Labelled(ctx, label)
	})
}

// Listen is not a call: notices are not held. If the inner store is no [session.Notifier], it returns that
// it is not supported.
func (s gated) Listen(ctx context.Context, tell func(string)) error {
	if n, ok := s.g.inner.(session.Notifier); ok {
		return n.Listen(ctx, tell)
	}
	return fmt.Errorf("sessiontest: listen: %w", errors.ErrUnsupported)
}

// Notify is not a call. If the inner store is no [session.ChangeNotifier], it returns that it is not
// supported.
func (s gated) Notify(ctx context.Context, notice string) error {
	if n, ok := s.g.inner.(session.ChangeNotifier); ok {
		return n.Notify(ctx, notice)
	}
	return fmt.Errorf("sessiontest: notify: %w", errors.ErrUnsupported)
}

// All is a call at the beginning of the walk. A walk that is late yields nothing.
func (s gated) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		all, err := pass(ctx, s.g, Call{Op: "All"}, func(ctx context.Context) (iter.Seq2[session.Record, error], error) {
			return s.g.inner.(session.Iterator).All(ctx), nil
		})
		if err != nil {
			yield(session.Record{}, err)
			return
		}
		all(yield)
	}
}
