package live

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/session"
)

// Place is where Node and Go keep the sessions that they share. Its methods fail the test if the place does
// not answer.
type Place interface {
	// Sessions returns a store for Go.
	Sessions(t *testing.T, o GoStore) Sessions

	// Elsewhere returns the options of Node's store that correspond to [GoStore].Elsewhere.
	Elsewhere() map[string]any

	// Lists returns the methods of Node's store that work on all sessions: some of ids, length, all, clear
	// and prune, or none.
	Lists() []string

	// TouchesAll reports whether Node's touch prolongs sessions without a maxAge.
	TouchesAll() bool

	// IDs lists the stored sessions, including expired ones.
	IDs(t *testing.T) []string

	// Record returns what is stored under an id, and whether there is anything.
	Record(t *testing.T, id string) (data string, found bool)

	// Put replaces a record without changing its time to live.
	Put(t *testing.T, id, data string)

	// Left returns how much longer a session lives.
	Left(t *testing.T, id string) time.Duration

	// Shorten makes a session expire after d.
	Shorten(t *testing.T, id string, d time.Duration)

	// Advance makes everything expire d earlier: the clock of a server cannot be moved.
	Advance(t *testing.T, d time.Duration)

	// Empty removes everything.
	Empty(t *testing.T)
}

// GoStore describes the store that [Place.Sessions] makes: with Tombstones; Elsewhere in the place, that
// is, under another prefix or in another table.
type GoStore struct{ Tombstones, Elsewhere bool }

// Sessions is a store for Go. It may also have the methods IDs, Count and Clear of store.RedisStore, and
// Sweep of sqlstore.Stores.
type Sessions interface {
	session.Store
	session.Iterator
}

// sweeper removes expired sessions.
type sweeper interface {
	Sweep(ctx context.Context) (removed int64, err error)
}

// World is a place, one stack of Node, and the applications that a scenario starts.
type World struct {
	*testing.T
	*node
	place Place
}

// NewWorld starts a stack of Node with a place. dir is the folder of this package's Node programs. address
// is the place's address in the form that the stack's packages need.
func NewWorld(t *testing.T, dir, stack, address string, p Place) *World {
	t.Helper()
	return &World{t, startNode(t, dir, stack, address), p}
}

// Fresh returns the same world for another test, with an empty place.
func (w *World) Fresh(t *testing.T) *World {
	t.Helper()
	w.place.Empty(t)
	return &World{t, w.node, w.place}
}

// express starts an application of Node.
func (w *World) express(o options) peer { w.Helper(); return w.app(w.T, o) }

// goApp starts an application of Go.
func (w *World) goApp(o goOptions) *goApp {
	w.Helper()
	return startGo(w.T, w.place.Sessions(w.T, GoStore{o.tombstones, o.elsewhere}), o)
}

// pair starts one of each, with default options.
func (w *World) pair() (peer, *goApp) {
	w.Helper()
	return w.express(options{}), w.goApp(goOptions{})
}

// ids lists the sessions, sorted.
func (w *World) ids() []string {
	w.Helper()
	ids := w.place.IDs(w.T)
	slices.Sort(ids)
	return ids
}

// record returns the only session.
func (w *World) record() (id, data string) {
	w.Helper()
	ids := w.ids()
	if len(ids) != 1 {
		w.Fatalf("%d sessions, want 1: %q", len(ids), ids)
	}
	data, found := w.place.Record(w.T, ids[0])
	if !found {
		w.Fatal("the session is gone")
	}
	return ids[0], data
}

// found reports whether there is a session.
func (w *World) found(id string) bool {
	w.Helper()
	_, found := w.place.Record(w.T, id)
	return found
}

// left returns how much longer a session lives.
func (w *World) left(id string) time.Duration { w.Helper(); return w.place.Left(w.T, id) }

// shorten makes a session expire after d.
func (w *World) shorten(id string, d time.Duration) { w.Helper(); w.place.Shorten(w.T, id, d) }

// patience is how long a scenario waits for something that Node does after its answer.
const patience = time.Minute

// eventually waits for something that Node does after its answer.
func (w *World) eventually(what string, f func() bool) {
	w.Helper()
	over := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-over:
			w.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

// idOf returns the id of the visitor's session.
func (w *World) idOf(v *visitor) string {
	w.Helper()
	raw, err := url.PathUnescape(v.cookie("connect.sid"))
	if err != nil {
		w.Fatal(err)
	}
	id, _, ok := strings.Cut(strings.TrimPrefix(raw, "s:"), ".")
	if !ok {
		w.Fatalf("the cookie %q has no signature", raw)
	}
	return id
}

// onNest reports whether the application is Nest's, which keeps users as numbers.
func (w *World) onNest() bool { return strings.HasPrefix(w.stack, "Nest") }

// oldPassport reports whether Node's log-in and log-out keep the session's id.
func (w *World) oldPassport() bool { return OldPassport(w.stack) }

// OldPassport reports whether a stack's log-in and log-out keep the session's id, as passport did before 0.6.
func OldPassport(stack string) bool { return strings.HasSuffix(stack, "passport 0.4") }

type scenario struct {
	name string
	run  func(*World)
}

func scenarios() []scenario {
	return slices.Concat(logInScenarios, valueScenarios, cookieScenarios, lifeScenarios, storeScenarios)
}

// Scenarios runs every scenario as a subtest, and returns how many there are and how many passed.
func Scenarios(w *World) (passed, all int) {
	list := scenarios()
	for _, s := range list {
		if w.Run(s.name, func(t *testing.T) { s.run(w.Fresh(t)) }) {
			passed++
		}
	}
	return passed, len(list)
}

// Names returns the names of all scenarios.
func Names() (names []string) {
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}
