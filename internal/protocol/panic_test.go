package protocol_test

import (
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// After a panic of a change that runs again, or of the store, nothing is locked and nothing counts as
// committed.
func TestAPanicInsideACommit(t *testing.T) {
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	visit := func() *protocol.Visit {
		v := new(protocol.Visit)
		v.Init(c.p)
		v.Present(c.cookie, 0)
		if err := v.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, plan := range []op{set("a", "1"), renew, logOut("passport")} {
		v := visit()
		if err := plan(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		st.before = func(call) sessiontest.Fate { panic("made up") }
		func() {
			defer func() { _ = recover() }()
			_, _ = v.Commit(t.Context(), time.Now())
			t.Error("no panic")
		}()
		st.before = nil
		if err := v.Writable(); err == nil {
			t.Error("a reload succeeds after a panic")
		}
		for _, later := range []struct {
			name  string
			op    op
			taken bool // succeeds, because it changes nothing
		}{
			{"a reload", reload, false}, {"a re-read", reread, false}, {"a value", set("a", "1"), false}, {"a new id", renew, false},
			{"a log-in", logIn("2", "passport"), false}, {"a log-out", logOut("passport"), false}, {"an end", destroy, false},
			{"a revocation", revoke, true}, {"forgetting", forget, true},
		} {
			before := st.record(c.cookie)
			if err := later.op(t.Context(), v); (err == nil) != later.taken {
				t.Errorf("after a panic, %s returns %v", later.name, err)
			}
			if out, err := v.Commit(t.Context(), time.Now()); out.Did != protocol.Nothing || err == nil || st.record(c.cookie) != before {
				t.Errorf("after a panic and %s, a commit returns %+v, %v; want an error and the record unchanged", later.name, out, err)
			}
		}
		c.want(t, 200, set("b", "1")) // would wait for ever if the lock were held
	}
}
