package sessiontest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

func TestAGateKeepsTheContract(t *testing.T) {
	sessiontest.RunInBubble(t, func(*testing.T) session.Store { return sessiontest.NewGate(newMemory(false)).Store() })
}

// TestAGateThatHoldsACallLetsItsCallerGo when its context ends.
func TestAGateThatHoldsACallLetsItsCallerGo(t *testing.T) {
	sessiontest.RunSilent(t, func(*testing.T) (session.Store, func() func()) {
		g := sessiontest.NewGate(newMemory(false))
		return g.Store(), func() func() {
			var holds []*sessiontest.Hold
			for range 20 {
				holds = append(holds, g.Hold(func(sessiontest.Call) bool { return true }))
			}
			return func() {
				for _, h := range holds {
					h.Release(sessiontest.Fail)
				}
			}
		}
	})
}

func TestAStoreOfEverySetOfAbilities(t *testing.T) {
	for set := range sessiontest.Sets {
		inner := sessiontest.Only(newMemory(false), set)
		if got := sessiontest.AbilitiesOf(inner); got != set {
			t.Errorf("a store with the abilities %05b has %05b", set, got)
		}
		if got := sessiontest.AbilitiesOf(sessiontest.NewGate(inner).Store()); got != set {
			t.Errorf("a gate in front of a store with the abilities %05b has %05b", set, got)
		}
	}
}

// full is a store with all abilities.
type full interface {
	session.Store
	session.Ender
	session.Index
	session.Iterator
	session.PrimaryReader
	session.Batch
}

// step is one call of a store's method, with one user's data.
type step struct {
	op  string
	run func(ctx context.Context, s full, user string) error
}

// steps call every method once, in an order in which each can succeed.
var steps = []step{
	{"Get", func(ctx context.Context, s full, u string) error { _, err := s.Get(ctx, u+"id"); return err }},
	{"GetPrimary", func(ctx context.Context, s full, u string) error { _, err := s.GetPrimary(ctx, u+"id"); return err }},
	{"Update", func(ctx context.Context, s full, u string) error {
		return s.Update(ctx, u+"id", []byte("x"), []byte("y"), time.Hour)
	}},
	{"End", func(ctx context.Context, s full, u string) error {
		_, err := s.End(ctx, u+"id", nil, u+"next", time.Minute)
		return err
	}},
	{"GetMany", func(ctx context.Context, s full, u string) error {
		_, err := s.GetMany(ctx, []string{u + "id", u + "next"})
		return err
	}},
	{"EndMany", func(ctx context.Context, s full, u string) error {
		_, err := s.EndMany(ctx, []string{u + "other", u + "next"}, time.Minute)
		return err
	}},
	{"AddLabel", func(ctx context.Context, s full, u string) error {
		return s.AddLabel(ctx, u+"l", u+"id", time.Now().Add(time.Hour))
	}},
	{"Labelled", func(ctx context.Context, s full, u string) error { _, err := s.Labelled(ctx, u+"l"); return err }},
	{"RemoveLabel", func(ctx context.Context, s full, u string) error {
		return s.RemoveLabel(ctx, u+"l", u+"id", u+"other")
	}},
	{"All", func(ctx context.Context, s full, _ string) (err error) {
		for _, e := range s.All(ctx) {
			err = errors.Join(err, e)
		}
		return err
	}},
	{"Create", func(ctx context.Context, s full, u string) error {
		return s.Create(ctx, u+"new", []byte("n"), time.Hour)
	}},
	{"Delete", func(ctx context.Context, s full, u string) error { return s.Delete(ctx, u+"new", nil) }},
}

// fates says for each how many times a call is executed at once and later, and the answer.
var fates = map[sessiontest.Fate]struct {
	times, later int
	fails, dies  bool
}{
	sessiontest.Pass:      {1, 0, false, false},
	sessiontest.Fail:      {0, 0, true, false},
	sessiontest.LoseReply: {1, 0, true, false},
	sessiontest.Resend:    {2, 0, false, false},
	sessiontest.Late:      {0, 1, true, false},
	sessiontest.LateTwin:  {1, 1, false, false},
	sessiontest.Crash:     {0, 0, false, true},
}

type userKey struct{}

// TestACallMeetsItsFate: for every method, every fate and each of three users with concurrent calls, only
// that user's call has the fate.
func TestACallMeetsItsFate(t *testing.T) {
	users := []string{"joe-", "jen-", "jim-"}
	for _, fate := range sessiontest.Fates() {
		want, ok := fates[fate]
		if !ok {
			t.Fatalf("the test does not know the fate %v", fate)
		}
		for _, victim := range users {
			for _, hit := range steps {
				name := fmt.Sprintf("%s of %s: %v", hit.op, victim, fate)
				g := sessiontest.NewGate(newMemory(false))
				s := g.Store().(full)
				for _, u := range users {
					if err := s.Create(t.Context(), u+"id", []byte("x"), time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				g.Reset()
				g.Before = func(ctx context.Context, c sessiontest.Call) sessiontest.Fate {
					if c.Op == hit.op && ctx.Value(userKey{}) == victim {
						return fate
					}
					return sessiontest.Pass
				}
				var all sync.WaitGroup
				for _, u := range users {
					all.Go(func() {
						ctx := context.WithValue(t.Context(), userKey{}, u)
						for _, st := range steps {
							died := true
							var err error
							done := make(chan struct{})
							go func() {
								defer close(done)
								err = st.run(ctx, s, u)
								died = false
							}()
							<-done
							met := st.op == hit.op && u == victim
							if died != (met && want.dies) {
								t.Errorf("%s: %s of %s: the caller died: %t", name, st.op, u, died)
							}
							if failed := errors.Is(err, sessiontest.ErrFault); failed != (met && want.fails) {
								t.Errorf("%s: %s of %s: got error %v, want ErrFault: %t", name, st.op, u, err, met && want.fails)
							}
						}
					})
				}
				all.Wait()
				if n := g.Deliver(); n != want.later {
					t.Errorf("%s: Deliver executed %d calls, want %d", name, n, want.later)
				}
				executed := map[string]int{}
				for _, c := range g.Calls() {
					executed[c.Op]++
				}
				for _, st := range steps {
					n := len(users)
					if st.op == hit.op {
						n += want.times + want.later - 1
					}
					if executed[st.op] != n {
						t.Errorf("%s: %s was executed %d times, want %d", name, st.op, executed[st.op], n)
					}
				}
				if g.Deliver() != 0 {
					t.Errorf("%s: a call was delivered twice", name)
				}
			}
		}
	}
}

func TestAFateHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range sessiontest.Fates() {
		seen[f.String()] = true
	}
	if len(seen) != len(fates) || seen[sessiontest.Fate(99).String()] || sessiontest.Fate(-1).String() != "unknown fate" {
		t.Errorf("the names are %v, want one for each of %d", seen, len(fates))
	}
}

func TestAGateShowsWhatIsCalledWithWhat(t *testing.T) {
	g := sessiontest.NewGate(newMemory(false))
	s := g.Store().(full)
	var after []string
	g.After = func(c sessiontest.Call, err error) { after = append(after, fmt.Sprint(c.Op, " ", err)) }
	data := []byte("x")
	if err := s.Create(t.Context(), "id", data, time.Hour); err != nil {
		t.Fatal(err)
	}
	data[0] = 'z'
	for _, st := range steps {
		_ = st.run(t.Context(), s, "")
	}
	var got []string
	for _, c := range g.Calls() {
		got = append(got, fmt.Sprintf("%s %s %s %q %q %s %v", c.Op, c.ID, c.Label, c.Old, c.New, c.Next, c.TTL))
	}
	want := []string{
		`Create id  "" "x"  1h0m0s`,
		`Get id  "" ""  0s`,
		`GetPrimary id  "" ""  0s`,
		`Update id  "x" "y"  1h0m0s`,
		`End id  "" "" next 1m0s`,
		`GetMany id  "" ""  0s`,
		`EndMany other  "" ""  1m0s`,
		`AddLabel id l "" ""  0s`,
		`Labelled  l "" ""  0s`,
		`RemoveLabel id l "" ""  0s`,
		`All   "" ""  0s`,
		`Create new  "" "n"  1h0m0s`,
		`Delete new  "" ""  0s`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("calls:\ngot  %q\nwant %q", got, want)
	}
	if len(after) != len(want) || after[1] != "Get <nil>" {
		t.Errorf("After was told %q, want one line for each call", after)
	}
}

func TestAHeldCallLetsOthersPass(t *testing.T) {
	g := sessiontest.NewGate(newMemory(false))
	s := g.Store()
	h := g.Hold(func(c sessiontest.Call) bool { return c.Op == "Create" && c.ID == "held" })
	var order []string
	h.During(func() {
		if err := s.Create(t.Context(), "held", []byte("x"), time.Hour); err != nil {
			t.Error(err)
		}
	}, func() {
		if err := s.Create(t.Context(), "other", []byte("x"), time.Hour); err != nil {
			t.Error(err)
		}
		if _, err := s.Get(t.Context(), "held"); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Get while the Create is held: got error %v, want ErrNotFound", err)
		}
	})
	for _, c := range g.Calls() {
		order = append(order, c.Op+" "+c.ID)
	}
	if want := []string{"Create other", "Get held", "Create held"}; !slices.Equal(order, want) {
		t.Errorf("order: got %q, want %q", order, want)
	}
	if err := s.Create(t.Context(), "held", nil, time.Hour); !errors.Is(err, session.ErrExists) {
		t.Errorf("a hold takes one call: got error %v, want ErrExists", err)
	}
}

func TestHoldsTakeOneCallEachInOrder(t *testing.T) {
	g := sessiontest.NewGate(newMemory(false))
	s := g.Store()
	one, two := g.Hold(sessiontest.On("Get")), g.Hold(sessiontest.On("Get"))
	one.Release(sessiontest.Fail)
	two.Release(sessiontest.Pass)
	for i, want := range []error{sessiontest.ErrFault, session.ErrNotFound, session.ErrNotFound} {
		if _, err := s.Get(t.Context(), "id"); !errors.Is(err, want) {
			t.Errorf("Get %d: got error %v, want %v", i, err, want)
		}
	}
	if c := <-one.Reached; c.Op != "Get" || c.ID != "id" {
		t.Errorf("the first hold reached %v, want the Get", c)
	}
}

// TestAHeldCallWhoseCallerGaveUpIsExecutedLate, like a command that is delayed in the network.
func TestAHeldCallWhoseCallerGaveUpIsExecutedLate(t *testing.T) {
	for _, row := range []struct {
		fate sessiontest.Fate
		want error
	}{{sessiontest.Pass, nil}, {sessiontest.Fail, session.ErrNotFound}} {
		synctest.Test(t, func(t *testing.T) {
			g := sessiontest.NewGate(newMemory(false))
			s := g.Store()
			h := g.Hold(sessiontest.On("Create"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := s.Create(ctx, "id", []byte("x"), time.Hour); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Create: got error %v, want that of the deadline", err)
			}
			if _, err := s.Get(t.Context(), "id"); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Get before the Create is executed: got error %v, want ErrNotFound", err)
			}
			h.Release(row.fate)
			synctest.Wait()
			if _, err := s.Get(t.Context(), "id"); !errors.Is(err, row.want) {
				t.Errorf("Get after the release: got error %v, want %v", err, row.want)
			}
		})
	}
}

func TestDuringPanicsWhenNothingIsHeld(t *testing.T) {
	g := sessiontest.NewGate(newMemory(false))
	defer func() {
		if recover() == nil {
			t.Error("During returned although the request made no such call")
		}
	}()
	g.Hold(sessiontest.On("Create")).During(func() {}, func() {})
}
