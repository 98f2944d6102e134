package protocol_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// TestWhatEndsInOneStepEndsItsStreamsAtOnce: nobody but the process itself tells them.
func TestWhatEndsInOneStepEndsItsStreamsAtOnce(t *testing.T) {
	for _, row := range []struct {
		name, want string
		does       op
	}{
		{"a log-in over it", protocol.OverReplaced, logIn("2", "passport")},
		{"a log-out", protocol.OverLoggedOut, logOut("passport")},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := client{p: newProtocol(joint{&scripted{server: newServer()}})}
				c.want(t, 200, logIn("1", "passport"))
				ctx, leave := context.WithCancelCause(t.Context())
				defer leave(nil)
				c.p.WatchUntil(ctx, leave, c.cookie, "passport", record.Slot{Key: "passport", User: []byte("1")}, theUser{}, false)
				synctest.Wait() // its first look
				c.want(t, 200, row.does)
				synctest.Wait()
				if got := context.Cause(ctx); got == nil || !strings.HasSuffix(got.Error(), ": "+row.want) {
					t.Errorf("the stream ended by %v, want %s", got, row.want)
				}
			})
		})
	}
}

// TestALogInOverASessionIsOneCall after the load, and a log-out too.
func TestALogInOverASessionIsOneCall(t *testing.T) {
	var sent []string
	c := client{p: newProtocol(joint{&scripted{server: newServer(), before: func(c call) sessiontest.Fate {
		sent = append(sent, c.Op)
		return sessiontest.Pass
	}}})}
	for _, row := range []struct {
		name string
		does op
		want []string
	}{
		{"a log-in", logIn("1", "passport"), []string{"CreateIndexed"}},
		{"a log-in over a session", logIn("1", "passport"), []string{"Get", "CreateIndexed"}},
		{"a log-in beside another guard's, whose end leaves a note", logIn("9", "admin"), []string{"Get", "CreateIndexed", "End", "RemoveLabel"}},
		{"a renewal, whose end leaves a note", renew, []string{"Get", "CreateIndexed", "End", "RemoveLabel", "RemoveLabel"}},
		{"a log-out of one of two guards", logOut("admin"), []string{"Get", "CreateIndexed", "End", "RemoveLabel", "RemoveLabel"}},
		{"a log-out", logOut("passport"), []string{"Get", "EndIndexed"}},
	} {
		sent = nil
		c.want(t, 200, row.does)
		if got, want := sent, row.want; !slices.Equal(got, want) {
			t.Errorf("%s sent %q, want %q", row.name, got, want)
		}
	}
}

// TestALogInThatIsCountedIsNotListedLate: what an outage left of one would take a place among its user's sessions,
// and nobody could end it who is not let in.
func TestALogInThatIsCountedIsNotListedLate(t *testing.T) {
	st := newServer()
	var mu sync.Mutex // ids that are given up are deleted beside the request
	var late []call
	c := client{p: newProtocol(joint{&scripted{server: st, before: func(c call) sessiontest.Fate {
		mu.Lock()
		defer mu.Unlock()
		if c.Op != "Delete" {
			late = append(late, c)
		}
		return sessiontest.Fail
	}}})}
	c.want(t, 503, logIn("1", "passport"), func(_ context.Context, v *protocol.Visit) error {
		v.OnStored("passport", func(context.Context, string) error { return nil })
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	for _, c := range late {
		st.arrives(c)
	}
	if len(st.ids()) == 0 || len(st.labels) > 0 {
		t.Errorf("late came %q, listed under %q; want records that are not listed", st.ids(), st.labels)
	}
}

// TestALogInThatMayBeRefusedEndsNothingBefore it is known to stay.
func TestALogInThatMayBeRefusedEndsNothingBefore(t *testing.T) {
	st := newServer()
	c := client{p: newProtocol(joint{&scripted{server: st}})}
	c.want(t, 200, logIn("1", "passport"))
	before := c.cookie
	c.want(t, 503, logIn("2", "passport"), func(_ context.Context, v *protocol.Visit) error {
		v.OnStored("passport", func(context.Context, string) error { return errFault })
		return nil
	})
	if st.record(before) == "" || len(st.ids()) != 1 {
		t.Errorf("after a log-in that was refused the records are %q, want that of %q alone", st.ids(), before)
	}
}
