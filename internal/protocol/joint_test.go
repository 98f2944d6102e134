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

// TestWhatEndsInOneStepEndsItsStreamsAtOnce: of such a step only the process itself knows what ended.
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

// TestALogInOverASessionIsOneCall after the load; so is a log-out.
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

// TestALogInThatIsCountedIsNotListedLate: a refused log-in that an outage left behind would be counted as a
// session of its user, who could not log in to end it.
func TestALogInThatIsCountedIsNotListedLate(t *testing.T) {
	st := newServer()
	var mu sync.Mutex // abandoned ids are deleted in the background
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
		t.Errorf("after the late commands the records are %q and the index has %q, want an empty index", st.ids(), st.labels)
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
