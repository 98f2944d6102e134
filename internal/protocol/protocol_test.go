package protocol_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// newClient returns a browser and its process, with a store of its own.
func newClient(edit ...func(*protocol.Settings)) (*client, *scripted) {
	st := &scripted{server: newServer()}
	return &client{p: newProtocol(st, edit...)}, st
}

// failing makes every call of op fail.
func failing(op string) func(call) sessiontest.Fate {
	return func(c call) sessiontest.Fate {
		if c.Op == op {
			return sessiontest.Fail
		}
		return sessiontest.Pass
	}
}

func TestACommitSaysWhatItDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient()
		for _, row := range []struct {
			name string
			wait time.Duration
			ops  []op
			want protocol.Outcome
		}{
			{"a visit", 0, nil, protocol.Outcome{}},
			{"the first value", 0, []op{set("keep", "1")}, protocol.Outcome{Did: protocol.Created, Cookie: protocol.Send}},
			{"a value", 0, []op{set("a", "1")}, protocol.Outcome{Did: protocol.Updated}},
			{"a read", 0, nil, protocol.Outcome{}},
			{"a read when the refresh is due", 11 * 24 * time.Hour, nil, protocol.Outcome{Did: protocol.Refreshed}},
			{"a log-in", 0, []op{logIn("1", "passport")}, protocol.Outcome{Did: protocol.Rotated, Cookie: protocol.Send, LogIns: []string{"passport"}}},
			{"another guard's log-in", 0, []op{logIn("9", "admin")}, protocol.Outcome{Did: protocol.Rotated, Cookie: protocol.Send, LogIns: []string{"admin"}}},
			{"a renewal", 0, []op{renew}, protocol.Outcome{Did: protocol.Rotated, Cookie: protocol.Send}},
			{"a log-in that was forgotten", 0, []op{logIn("2", "passport"), forget}, protocol.Outcome{}},
			{"a log-in, then a reload", 0, []op{logIn("2", "passport"), reload}, protocol.Outcome{}},
			{"the log-out of one guard", 0, []op{logOut("passport")}, protocol.Outcome{Did: protocol.Rotated, Cookie: protocol.Send}},
			{"a log-out and another log-in", 0, []op{logOut("admin"), logIn("3", "passport")}, protocol.Outcome{Did: protocol.Ended, Cookie: protocol.ExpireOthers, LogIns: []string{"passport"}}},
			{"the last log-out, then a reload", 0, []op{logOut("passport"), reload}, protocol.Outcome{Did: protocol.Ended, Cookie: protocol.Expire}},
			{"a log-in of nobody known", 0, []op{logIn("1", "passport")}, protocol.Outcome{Did: protocol.Created, Cookie: protocol.Send, LogIns: []string{"passport"}}},
			{"destroy", 0, []op{destroy}, protocol.Outcome{Did: protocol.Ended, Cookie: protocol.Expire}},
		} {
			time.Sleep(row.wait)
			c.want(t, 200, row.ops...)
			if got := c.out; got.Did != row.want.Did || got.Cookie != row.want.Cookie || !slices.Equal(got.LogIns, row.want.LogIns) {
				t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
			}
		}
	})
}

func reread(ctx context.Context, v *protocol.Visit) error { return v.Reread(ctx) }

func forget(_ context.Context, v *protocol.Visit) error {
	v.Forget()
	return nil
}

func TestS8_LogOutEndsWhatIsPresentedBeside(t *testing.T) {
	for _, row := range []struct {
		name string
		also []op // what is done in the other session
		out  op
		left int
	}{
		{"another log-in of the same guard", []op{logIn("2", "passport")}, logOut("passport"), 0},
		{"nobody's session", []op{set("a", "1")}, logOut("passport"), 0},
		{"another guard's log-in stays", []op{logIn("2", "admin")}, logOut("passport"), 1},
		{"another guard's log-in beside one of the same", []op{logIn("2", "admin"), logIn("2", "passport")}, logOut("passport"), 1},
		{"everything ends", []op{logIn("2", "admin")}, destroy, 0},
	} {
		c, st := newClient()
		other := &client{p: c.p}
		other.want(t, 200, row.also...)
		c.want(t, 200, logIn("1", "passport"))
		c.also = []string{other.cookie, other.cookie}
		c.want(t, 200, row.out)
		if got := len(st.ids()); got != row.left {
			t.Errorf("%s: %d sessions are left, want %d", row.name, got, row.left)
		}
		if got := other.do(t.Context(), loggedIn("passport")); got != 401 {
			t.Errorf("%s: another cookie still works: %d", row.name, got)
		}
		if row.left == 1 && (other.do(t.Context(), loggedIn("admin")) != 200 || c.out.Cookie != protocol.Keep) {
			t.Errorf("%s: the other guard's cookie is not kept: %+v", row.name, c.out)
		}
	}
}

// A browser whose answer was lost still has the old cookie.
func TestS8_LogOutWithAStaleCookieLeavesAnotherGuardsLogIn(t *testing.T) {
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	c.want(t, 200, logIn("9", "admin"))
	stale := &client{p: c.p, cookie: c.cookie}
	c.want(t, 200, renew)
	c.want(t, 200, renew)
	stale.want(t, 200, logOut("passport"))
	c.want(t, 401, loggedIn("passport"))
	c.want(t, 200, loggedIn("admin"))
	if stale.out.Cookie != protocol.Keep || stale.do(t.Context(), loggedIn("admin")) != 401 {
		t.Errorf("the stale cookie was replaced by a live one: %+v", stale.out)
	}
	if len(st.labels["passport:1"]) != 0 || len(st.labels["admin:9"]) != 1 {
		t.Errorf("the index has %v", st.labels)
	}
	stale.want(t, 200, logOut("admin"))
	c.want(t, 401, loggedIn("admin"))
	if n := len(st.ids()); n != 0 {
		t.Errorf("%d sessions are left, want 0", n)
	}
}

func TestS8_WhatARequestPresentsIsBounded(t *testing.T) {
	c, st := newClient()
	calls := 0
	st.after = func(call) { calls++ }
	for range 3 * protocol.MaxPresented {
		other := &client{p: c.p}
		other.want(t, 200, set("a", "1"))
		c.also = append(c.also, other.cookie, other.cookie)
	}
	calls = 0
	c.want(t, 200, destroy)
	if want := 2 * protocol.MaxPresented; len(st.ids()) != want || calls > 1+2*protocol.MaxPresented {
		t.Errorf("%d sessions are left after %d commands, want %d", len(st.ids()), calls, want)
	}
	calls = 0
	c.also = c.also[:2*protocol.MaxPresented]
	c.want(t, 200)
	if calls != protocol.MaxPresented {
		t.Errorf("a load of ended sessions cost %d commands, want %d", calls, protocol.MaxPresented)
	}
}

func TestS15_EveryEndOfAVerifiedIdLeavesANote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		id := c.cookie
		delete(st.records, id) // the store's idle timeout
		c.want(t, 200, logOut("passport"))
		if got := st.lives[id]; got != patient.Terms.Absolute {
			t.Errorf("the note on a forgotten record lives for %v, want %v", got, patient.Terms.Absolute)
		}
	})
}

func TestS11_NothingReplacesARevokedSession(t *testing.T) {
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	c.want(t, 409, revoke, set("a", "1"))
	if n := len(st.ids()); n != 0 || c.out.Cookie != protocol.Keep {
		t.Errorf("%d sessions are left, cookie %v", n, c.out.Cookie)
	}
	c.want(t, 200, revoke, logIn("2", "passport"))
}

func TestS12_ARefreshThatFailsIsNotNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		time.Sleep(11 * 24 * time.Hour)
		st.before = failing("Update")
		c.want(t, 200)
		if c.out.Did != protocol.Nothing {
			t.Errorf("got %+v", c.out)
		}
	})
}

func TestALogInWithCredentialsThatAreTooOldIsRefused(t *testing.T) {
	for _, before := range [][]op{nil, {set("a", "1")}} {
		c, st := newClient()
		c.want(t, 200, before...)
		n := len(st.ids())
		var err error
		c.want(t, 503, func(_ context.Context, v *protocol.Visit) error {
			err = v.LogIn(record.LogIn{Key: "passport", Slot: record.Slot{User: json.RawMessage("1"), At: time.Now().Add(-patient.Terms.Absolute)}})
			return err
		})
		if !errors.Is(err, errTooOld) || len(st.ids()) != n {
			t.Errorf("got %v, %d sessions", err, len(st.ids()))
		}
	}
}

// Within a request an outage is found once. The end of a caller's own context concerns only that caller.
func TestTheFirstCallersContextDoesNotDecideForTheOthers(t *testing.T) {
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var v protocol.Visit
	v.Init(c.p)
	v.Present(c.cookie, 0)
	if err := v.Load(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the error of the caller's context", err)
	}
	st.before = failing("Get")
	if err := v.Load(t.Context()); !errors.Is(err, errFault) {
		t.Errorf("got %v, want the outage", err)
	}
	st.before = nil
	if err := v.Load(t.Context()); !errors.Is(err, errFault) {
		t.Errorf("got %v, want the same outage again", err)
	}
}

func TestChangesStayPendingAfterAnOutage(t *testing.T) {
	for _, plan := range []op{set("a", "1"), renew, logIn("2", "passport"), logOut("admin"), destroy} {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		c.want(t, 200, logIn("9", "admin"))
		c.want(t, 200, plan, func(ctx context.Context, v *protocol.Visit) error {
			var back atomic.Bool // also read by deletions in the background
			st.before = func(c call) sessiontest.Fate {
				if c.Op == "Get" || back.Load() {
					return sessiontest.Pass
				}
				return sessiontest.Fail
			}
			_, err := v.Commit(ctx, time.Now())
			back.Store(true)
			if !errors.Is(err, errFault) {
				t.Errorf("got %v, want the outage", err)
			}
			return nil
		})
		if c.out.Did == protocol.Nothing {
			t.Error("the second commit had nothing to do")
		}
	}
}

// The log-out of one guard was to spare another guard's log-in, which expires before the commit: then the
// whole session ends.
func TestS14_ACompanionWhoseTimeRunsOutIsNotSpared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st := newClient()
		c.want(t, 200, logIn("9", "admin"))
		time.Sleep(20 * 24 * time.Hour)
		c.want(t, 200, logIn("1", "passport"))
		c.want(t, 200, logOut("passport"), func(context.Context, *protocol.Visit) error {
			time.Sleep(41 * 24 * time.Hour)
			return nil
		})
		if n := len(st.ids()); n != 0 || c.out.Did != protocol.Ended || c.out.Cookie != protocol.Keep {
			t.Errorf("%d sessions are left, %+v", n, c.out)
		}
	})
}

// A log-in that follows a log-out in the same request expires before the commit: the log-in is not done,
// the log-out is.
func TestS8_ALogOutIsDoneWithoutTheLogInThatFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient()
		other := &client{p: c.p}
		other.want(t, 200, logIn("2", "passport"))
		other.want(t, 200, logIn("9", "admin"))
		c.want(t, 200, logIn("1", "passport"))
		c.also = []string{other.cookie}
		former := &client{p: c.p, cookie: c.cookie}
		c.want(t, 409, logOut("passport"), func(_ context.Context, v *protocol.Visit) error {
			at := time.Now().Add(time.Second - patient.Terms.Absolute)
			return v.LogIn(record.LogIn{Key: "passport", Slot: record.Slot{User: json.RawMessage("3"), At: at}})
		}, func(context.Context, *protocol.Visit) error {
			time.Sleep(2 * time.Second)
			return nil
		})
		former.want(t, 401, loggedIn("passport"))
		other.want(t, 401, loggedIn("passport"))
		other.want(t, 200, loggedIn("admin"))
	})
}

// A rotation that carries over what another request wrote may find that its own log-in has expired.
func TestS14_ALogInWhoseTimeRunsOutDuringTheCommitIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st := newClient()
		c.want(t, 200, set("a", "1"))
		rival := &client{p: c.p, cookie: c.cookie}
		st.after = func(call call) {
			if call.Op != "Create" {
				return
			}
			st.after = nil
			rival.p = newProtocol(st) // another process, so that its commit does not wait for the lock
			rival.want(t, 200, set("b", "1"))
			time.Sleep(2 * time.Second)
		}
		c.want(t, 409, func(_ context.Context, v *protocol.Visit) error {
			at := time.Now().Add(time.Second - patient.Terms.Absolute)
			return v.LogIn(record.LogIn{Key: "passport", Slot: record.Slot{User: json.RawMessage("3"), At: at}})
		})
	})
}

// Another request has ended the revoked session before: that is no failure.
func TestS11_ARevokedSessionThatIsGoneIsNotReported(t *testing.T) {
	st := &scripted{server: newServer()}
	told := 0
	c := &client{p: newProtocol(noteless{st, st}, func(s *protocol.Settings) {
		s.Report = func(_ context.Context, what protocol.Incident, _ string, err error) {
			told++
			t.Logf("incident %d: %v", what, err)
		}
	})}
	c.want(t, 200, logIn("1", "passport"))
	c.want(t, 200, func(context.Context, *protocol.Visit) error {
		delete(st.records, c.cookie)
		return nil
	}, revoke)
	if told != 0 {
		t.Errorf("%d incidents, want none", told)
	}
}

// A change after a log-out elsewhere is refused. If nothing is pending, the store is not asked.
func TestSaveAfterALogOutElsewhere(t *testing.T) {
	c, _ := newClient()
	c.want(t, 200, logIn("1", "passport"))
	elsewhere := func(_ context.Context, _ *protocol.Visit) error {
		other := &client{p: c.p, cookie: c.cookie}
		other.want(t, 200, destroy)
		return nil
	}
	c.want(t, 200, elsewhere, save)
	c.want(t, 200, logIn("1", "passport"))
	c.want(t, 409, elsewhere, set("a", "1"), save)
}

func TestS14_ARenewalKeepsTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient()
		c.want(t, 200, set("a", "1")) // an anonymous session: its limit counts from its birth
		for range 5 {
			time.Sleep(11 * 24 * time.Hour)
			c.want(t, 200, renew)
		}
		time.Sleep(5 * 24 * time.Hour)
		c.want(t, 200)
		if c.seen != "{}" {
			t.Errorf("after its limit the session holds %s", c.seen)
		}
	})
}

// TestARecordIsAskedAboutForTheLogInsInIt, and not for a log-in that the same request replaced or logged
// out.
func TestARecordIsAskedAboutForTheLogInsInIt(t *testing.T) {
	var asked []string
	counted := func(user, key string) op {
		return func(ctx context.Context, v *protocol.Visit) error {
			if err := logIn(user, key)(ctx, v); err != nil {
				return err
			}
			v.OnStored(key, func(context.Context, string) error {
				asked = append(asked, user)
				return nil
			})
			return nil
		}
	}
	regenerate := func(_ context.Context, v *protocol.Visit) error {
		return v.Rotate(func(d *record.Draft, _ time.Time) error {
			d.Clear(func(string) bool { return false })
			return nil
		})
	}
	for _, row := range []struct {
		name string
		ops  []op
		want string
	}{
		{"one", []op{counted("1", "passport")}, "[1]"},
		{"renewed", []op{counted("1", "passport"), again("1", "passport")}, "[1]"},
		{"under a new id", []op{counted("1", "passport"), renew}, "[1]"},
		{"replaced", []op{counted("1", "passport"), logIn("2", "passport")}, "[]"},
		{"replaced by one that asks", []op{counted("1", "passport"), counted("2", "passport")}, "[2]"},
		{"logged out", []op{counted("1", "passport"), logOut("passport")}, "[]"},
		{"logged out, and in", []op{counted("1", "passport"), logOut("passport"), logIn("2", "passport")}, "[]"},
		{"dropped", []op{counted("1", "passport"), regenerate, set("a", "1")}, "[]"},
		{"of two guards", []op{counted("1", "passport"), counted("2", "admin")}, "[2 1]"},
		{"of two guards, one logged out", []op{counted("1", "passport"), counted("2", "admin"), logOut("passport")}, "[2]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, before := range []op{set("a", "1"), logIn("3", "staff")} {
				c, _ := newClient()
				c.want(t, 200, before)
				asked = nil
				if got := c.do(t.Context(), row.ops...); got != 200 || fmt.Sprint(asked) != row.want {
					t.Errorf("got %d, and the functions of users %v were called, want 200 and %s", got, asked, row.want)
				}
			}
		})
	}
}
