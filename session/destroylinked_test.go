package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-6f34412b/passport/session"
	"github.com/seed-6f34412b/passport/session/sessiontest"
	"github.com/seed-6f34412b/passport/store"
)

// batching returns a gate in front of a store that reads and ends many records at once, and a manager on
// it.
func batching(t *testing.T) (*sessiontest.Gate, *session.Manager) {
	t.Helper()
	m, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	g := sessiontest.NewGate(m.Sessions)
	return g, newManager(t, g.Store())
}

// TestS10_DestroyingManyAgainstARenewal: whichever comes first, no session survives.
func TestS10_DestroyingManyAgainstARenewal(t *testing.T) {
	for _, at := range []string{"Create", "AddLabel", "End"} {
		t.Run("the renewal waits at "+at, func(t *testing.T) {
			g, m := batching(t)
			b, other := open(t, m), open(t, m)
			b.Get(path("login 1")).Want(t, 200, "")
			other.Get(path("login 1")).Want(t, 200, "")
			g.Hold(sessiontest.On(at)).During(
				func() { b.Get(path("renew")) },
				func() {
					if _, err := m.DestroyLinked(t.Context(), "passport:1"); err != nil {
						t.Error(err)
					}
				})
			b.Get(path("slot")).Want(t, 503, "nobody")
			other.Get(path("slot")).Want(t, 503, "nobody")
		})
	}
	for _, at := range []string{"Labelled", "GetMany", "EndMany", "RemoveLabel"} {
		t.Run("the end of all waits at "+at, func(t *testing.T) {
			g, m := batching(t)
			b := open(t, m)
			b.Get(path("login 1")).Want(t, 200, "")
			g.Hold(sessiontest.On(at)).During(
				func() {
					if _, err := m.DestroyLinked(t.Context(), "passport:1"); err != nil {
						t.Error(err)
					}
				},
				func() { b.Get(path("renew")); b.Get(path("renew")) })
			b.Get(path("slot")).Want(t, 503, "nobody")
		})
	}
}

func TestS10_AFailureOfManyIsAnError(t *testing.T) {
	for _, op := range []string{"Labelled", "GetMany", "EndMany", "RemoveLabel"} {
		g, m := batching(t)
		open(t, m).Get(path("login 1")).Want(t, 200, "")
		g.Before = func(_ context.Context, c sessiontest.Call) sessiontest.Fate {
			if c.Op == op {
				return sessiontest.Fail
			}
			return sessiontest.Pass
		}
		if n, err := m.DestroyLinked(t.Context(), "passport:1"); !errors.Is(err, sessiontest.ErrFault) {
			t.Errorf("%s fails: DestroyLinked() = %d, %v, want the fault", op, n, err)
		}
	}
}

// TestAStoreThatReadsManyWronglyIsAnOutage: its records could be those of other sessions.
func TestAStoreThatReadsManyWronglyIsAnOutage(t *testing.T) {
	inner, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, forgetful{inner.Sessions})
	open(t, m).Get(path("login 1")).Want(t, 200, "")
	for _, err := range m.Linked(t.Context(), "passport:1") {
		if err == nil {
			t.Error("Linked: got a session, want an outage")
		}
	}
	if _, err := m.DestroyLinked(t.Context(), "passport:1"); err == nil {
		t.Error("DestroyLinked: got no error, want an outage")
	}
}

// forgetful is a store whose GetMany returns no records.
type forgetful struct{ *store.MemoryStore }

func (forgetful) GetMany(context.Context, []string) ([][]byte, error) { return nil, nil }

// TestDestroyRefsEndsThoseAndNoOther, with a store that can end many at once and with one that cannot.
func TestDestroyRefsEndsThoseAndNoOther(t *testing.T) {
	inner, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for name, st := range map[string]session.Store{
		"many at once": inner.Sessions,
		"one by one": struct {
			session.Store
			session.Index
		}{inner.Sessions, inner.Sessions},
	} {
		m := newManager(t, st)
		label := "passport:" + fmt.Sprint(len(name))
		for range 5 {
			open(t, m).Get(path("login "+fmt.Sprint(len(name)))).Want(t, 200, "")
		}
		var refs []string
		for _, info := range linked(t, m, label) {
			refs = append(refs, info.Ref)
		}
		ended, err := m.DestroyRefs(t.Context(), label, refs[1], refs[3], "unknown")
		slices.Sort(ended)
		if want := slices.Sorted(slices.Values([]string{refs[1], refs[3]})); !slices.Equal(ended, want) || err != nil {
			t.Errorf("%s: DestroyRefs ended %q with error %v, want %q", name, ended, err, want)
		}
		var left []string
		for _, info := range linked(t, m, label) {
			left = append(left, info.Ref)
		}
		if want := []string{refs[0], refs[2], refs[4]}; !slices.Equal(left, want) {
			t.Errorf("%s: %q are left, want %q", name, left, want)
		}
		if ended, err := m.DestroyRefs(t.Context(), "nobody", refs...); len(ended) != 0 || err != nil {
			t.Errorf("%s: DestroyRefs under another label ended %q with error %v, want none", name, ended, err)
		}
	}
}

// TestDestroyLinkedFuncEndsWhatItAccepts, and takes entries of sessions that are gone out of the index.
func TestDestroyLinkedFuncEndsWhatItAccepts(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	shared, err := store.Redis(client, store.RedisConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := store.Memory(store.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	inner := memory.Sessions
	for name, st := range map[string]interface {
		session.Store
		session.Index
	}{
		"in one step": shared.Sessions, "many at once": inner,
		"one by one": struct {
			session.Store
			session.Index
		}{inner, inner},
	} {
		m := newManager(t, st)
		user := fmt.Sprint(len(name))
		label := "passport:" + user
		for range 5 {
			open(t, m).Get(path("login "+user)).Want(t, 200, "")
		}
		if err := st.AddLabel(t.Context(), label, "gone", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		var refs []string
		for id := range slices.Values(listed(t, st, label)) {
			if id != "gone" {
				s, err := m.Open(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				refs = append(refs, s.Ref())
			}
		}
		var asked []string
		n, err := m.DestroyLinkedFunc(t.Context(), label, func(i session.Info) bool {
			asked = append(asked, i.Ref)
			return i.Ref != refs[1]
		}, refs[3], refs[4])
		if n != 2 || err != nil || !slices.Equal(asked, refs[:3]) {
			t.Errorf("%s: got %d and error %v, asked for %q, want 2 and %q", name, n, err, asked, refs[:3])
		}
		if got := len(listed(t, st, label)); got != 3 {
			t.Errorf("%s: the index has %d entries, want 3", name, got)
		}
		var left []string
		for _, info := range linked(t, m, label) {
			left = append(left, info.Ref)
		}
		if want := []string{refs[1], refs[3], refs[4]}; !slices.Equal(left, want) {
			t.Errorf("%s: %q are left, want %q", name, left, want)
		}
	}
}

func listed(t *testing.T, st session.Index, label string) []string {
	t.Helper()
	ids, err := st.Labelled(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestS10_AnExceptedSessionLivesAlsoAsASuccessor: the index may still have the entry of its previous id.
func TestS10_AnExceptedSessionLivesAlsoAsASuccessor(t *testing.T) {
	g, m := batching(t)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	before := g.Calls()[slices.IndexFunc(g.Calls(), sessiontest.On("Create"))].ID
	b.Get(path("renew")).Want(t, 200, "")
	own := linked(t, m, "passport:1")[0].Ref
	if err := g.Store().(session.Index).AddLabel(t.Context(), "passport:1", before, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := m.DestroyLinked(t.Context(), "passport:1", own); n != 0 || err != nil {
		t.Errorf("DestroyLinked ended %d with error %v, want none", n, err)
	}
	b.Get(path("slot")).Want(t, 200, "")
}

// TestS10_DestroyRefsFollowsARenewal that is answered while DestroyRefs ends the session.
func TestS10_DestroyRefsFollowsARenewal(t *testing.T) {
	g, m := batching(t)
	b := open(t, m)
	b.Get(path("login 1")).Want(t, 200, "")
	ref := linked(t, m, "passport:1")[0].Ref
	g.Hold(sessiontest.On("EndMany")).During(
		func() {
			if ended, err := m.DestroyRefs(t.Context(), "passport:1", ref); len(ended) != 1 || err != nil {
				t.Errorf("DestroyRefs ended %q with error %v, want one", ended, err)
			}
		},
		func() { b.Get(path("renew")).Want(t, 200, "") })
	b.Get(path("slot")).Want(t, 503, "nobody")
}
