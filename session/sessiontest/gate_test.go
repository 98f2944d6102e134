package sessiontest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

func TestAGateKeepsTheContract(t *testing.T) {
	sessiontest.RunInBubble(t, func(*testing.T) session.Store { return sessiontest.NewGate(newMemory(false)).Store() })
}

// TestAGateThatHoldsACallLetsItsCallerGo when the context ends.
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
	session.Authoritative
	session.Batch
}

// each calls every method of s once.
func each(ctx context.Context, s full) map[string]error {
	errs := map[string]error{}
	_, errs["Get"] = s.Get(ctx, "id")
	_, errs["GetMaster"] = s.GetMaster(ctx, "id")
	errs["Update"] = s.Update(ctx, "id", []byte("x"), []byte("y"), time.Hour)
	_, errs["End"] = s.End(ctx, "id", []byte("y"), "next", time.Minute)
	_, errs["GetMany"] = s.GetMany(ctx, []string{"id", "next"})
	_, errs["EndMany"] = s.EndMany(ctx, []string{"other", "next"}, time.Minute)
	errs["AddLabel"] = s.AddLabel(ctx, "l", "id", time.Now().Add(time.Hour))
	_, errs["Labelled"] = s.Labelled(ctx, "l")
	errs["RemoveLabel"] = s.RemoveLabel(ctx, "l", "id", "other")
	errs["All"] = nil
	for _, err := range s.All(ctx) {
		errs["All"] = err
	}
	errs["Create"] = s.Create(ctx, "new", []byte("n"), time.Hour)
	errs["Delete"] = s.Delete(ctx, "new", []byte("n"))
	return errs
}

// TestACallMeetsItsFate: how often each method is executed, and what it answers.
func TestACallMeetsItsFate(t *testing.T) {
	for _, row := range []struct {
		name   string
		fate   sessiontest.Fate
		times  int
		later  int
		failed bool
	}{
		{"Pass", sessiontest.Pass, 1, 0, false},
		{"Fail", sessiontest.Fail, 0, 0, true},
		{"LoseReply", sessiontest.LoseReply, 1, 0, true},
		{"Resend", sessiontest.Resend, 2, 0, false},
		{"Late", sessiontest.Late, 0, 1, true},
	} {
		g := sessiontest.NewGate(newMemory(false))
		s := g.Store().(full)
		if err := s.Create(t.Context(), "id", []byte("x"), time.Hour); err != nil {
			t.Fatal(err)
		}
		g.Reset()
		g.Before = func(context.Context, sessiontest.Call) sessiontest.Fate { return row.fate }
		errs := each(t.Context(), s)
		executed := map[string]int{}
		for _, c := range g.Calls() {
			executed[c.Op]++
		}
		if n, want := g.Deliver(), len(errs)*row.later; n != want {
			t.Errorf("%s: Deliver executed %d calls, want %d", row.name, n, want)
		}
		for op, err := range errs {
			if executed[op] != row.times {
				t.Errorf("%s: %s was executed %d times, want %d", row.name, op, executed[op], row.times)
			}
			if errors.Is(err, sessiontest.ErrFault) != row.failed {
				t.Errorf("%s: %s: got error %v, want ErrFault: %t", row.name, op, err, row.failed)
			}
		}
		if n, want := len(g.Calls()), len(errs)*(row.times+row.later); n != want {
			t.Errorf("%s: %d calls were executed in the end, want %d", row.name, n, want)
		}
		if g.Deliver() != 0 {
			t.Errorf("%s: a call was delivered twice", row.name)
		}
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
	_ = each(t.Context(), s)
	var got []string
	for _, c := range g.Calls() {
		got = append(got, fmt.Sprintf("%s %s %s %q %q %s %v", c.Op, c.ID, c.Label, c.Old, c.New, c.Next, c.TTL))
	}
	want := []string{
		`Create id  "" "x"  1h0m0s`,
		`Get id  "" ""  0s`,
		`GetMaster id  "" ""  0s`,
		`Update id  "x" "y"  1h0m0s`,
		`End id  "y" "" next 1m0s`,
		`GetMany id  "" ""  0s`,
		`EndMany other  "" ""  1m0s`,
		`AddLabel id l "" ""  0s`,
		`Labelled  l "" ""  0s`,
		`RemoveLabel id l "" ""  0s`,
		`All   "" ""  0s`,
		`Create new  "" "n"  1h0m0s`,
		`Delete new  "n" ""  0s`,
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

// TestAHeldCallWhoseCallerGaveUpIsExecutedLate: a command stuck in the network.
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
			t.Error("During returned though the request made no such call")
		}
	}()
	g.Hold(sessiontest.On("Create")).During(func() {}, func() {})
}
