package protocol_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/internal/record"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// nodesAdmin writes, as Node, a log-in of user 9 under another guard's key into the session of c's cookie.
func nodesAdmin(c *client, st *scripted) { nodeSets(st, c.cookie, `"admin":{"user":9}`) }

// nodeSets adds, as Node, a member to the record of id.
func nodeSets(st *scripted, id, member string) {
	st.records[id] = []byte(strings.Replace(st.record(id), `"cookie"`, member+`,"cookie"`, 1))
}

// Node logs a user in under the key of another guard, in a session that Go made: Go's notes do not have
// that key.
func TestALogInThatNodeMadeBesideGosIsAGuards(t *testing.T) {
	for _, row := range []struct {
		name       string
		out, stays string
		before     []op // earlier in the same request
	}{
		{"its log-out", "admin", "passport", nil},
		{"the other's log-out", "passport", "admin", nil},
		{"its log-out, after a value", "admin", "passport", []op{set("a", "1")}},
		{"its log-out, in a request that writes", "admin", "passport", []op{loggedIn("admin"), set("a", "1")}},
	} {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		nodesAdmin(c, st)
		c.want(t, 200, append(row.before, logOut(row.out))...)
		if out, stays := c.do(t.Context(), loggedIn(row.out)), c.do(t.Context(), loggedIn(row.stays)); out != 401 || stays != 200 {
			t.Errorf("%s: %s answers %d and %s %d, want 401 and 200", row.name, row.out, out, row.stays, stays)
		}
	}
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	stale := &client{p: c.p, cookie: c.cookie}
	c.want(t, 200, renew)
	nodesAdmin(c, st)
	stale.want(t, 200, logOut("admin"))
	if out, stays := c.do(t.Context(), loggedIn("admin")), c.do(t.Context(), loggedIn("passport")); out != 401 || stays != 200 {
		t.Errorf("its log-out with a stale cookie: admin answers %d and passport %d, want 401 and 200", out, stays)
	}
	nodesAdmin(c, st)
	stale.want(t, 200, logOut("passport"))
	if out, stays := c.do(t.Context(), loggedIn("passport")), c.do(t.Context(), loggedIn("admin")); out != 401 || stays != 200 {
		t.Errorf("the other's log-out with a stale cookie: passport answers %d and admin %d, want 401 and 200", out, stays)
	}
	c.want(t, 200, logOut("admin"), logIn("1", "passport"))
	nodesAdmin(c, st)
	c.want(t, 200, loggedIn("admin"))
	if got := st.labels["admin:9"]; len(got) != 1 || got[0] != c.cookie {
		t.Errorf("after the first look the index has %q, want the session", got)
	}
}

// A log-in that Node made counts for a log-in of another guard, even if no guard asked for it in that
// request: it stays, and its own log-out finds it under the new id (S7).
func TestALogInThatNodeMadeStaysBesideAnotherLogIn(t *testing.T) {
	for _, row := range []struct {
		name  string
		first op // makes the session
		again string
		late  string // what Node writes during the log-in; nothing if empty
	}{
		{"the same user logs in again", logIn("1", "passport"), "1", ""},
		{"another user logs in", logIn("1", "passport"), "2", ""},
		{"a log-in over an anonymous session", set("a", "1"), "1", ""},
		{"another user logs in, and Node writes meanwhile", logIn("1", "passport"), "2", `"b":"1"`},
		{"a log-in over an anonymous session, and Node writes meanwhile", set("a", "1"), "1", `"b":"1"`},
	} {
		c, st := newClient()
		c.want(t, 200, row.first)
		old := &client{p: c.p, cookie: c.cookie}
		nodesAdmin(c, st)
		if row.late != "" {
			once(st, "End", func() { nodeSets(st, old.cookie, row.late) })
		}
		c.want(t, 200, logIn(row.again, "passport"))
		if c.cookie == old.cookie {
			t.Errorf("%s: the id stayed", row.name)
		}
		if got := c.do(t.Context(), loggedIn("admin")); got != 200 {
			t.Errorf("%s: admin answers %d after it, want 200", row.name, got)
		}
		old.want(t, 200, logOut("admin"))
		if admin, passport := c.do(t.Context(), loggedIn("admin")), c.do(t.Context(), loggedIn("passport")); admin != 401 || passport != 200 {
			t.Errorf("%s: after admin's log-out with the old cookie admin answers %d and passport %d, want 401 and 200", row.name, admin, passport)
		}
	}
}

// once makes f run before the first command called op.
func once(st *scripted, op string, f func()) {
	st.before = func(c call) sessiontest.Fate {
		if c.Op == op {
			st.before = nil
			f()
		}
		return sessiontest.Pass
	}
}

// S3: changes planned before Node logged another user in are not written after it.
func TestS3_ALogInThatNodeMakesMeanwhileIsAConflict(t *testing.T) {
	for _, row := range []struct {
		name, at string
		ops      []op
	}{
		{"a value", "Update", []op{set("a", "1")}},
		{"a renewal", "End", []op{renew}},
	} {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		once(st, row.at, func() { nodesAdmin(c, st) })
		if got := c.do(t.Context(), row.ops...); got != 409 {
			t.Errorf("%s: got %d, want 409", row.name, got)
		}
	}
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	got := c.do(t.Context(), set("a", "1"), func(ctx context.Context, v *protocol.Visit) error {
		nodesAdmin(c, st)
		return v.Reread(ctx)
	})
	if got != 409 {
		t.Errorf("a value, and the session is read again: got %d, want 409", got)
	}
}

// S9: once Go has written a session, it is found by the label of a user whom Node logged in.
func TestS9_WhatGoWritesOfALogInThatNodeMadeIsFound(t *testing.T) {
	for _, row := range []struct {
		name string
		op   op
		old  bool // the request uses the previous cookie of the session
		fate sessiontest.Fate
		late string // what Node writes before the first Update; nothing if empty
	}{
		{"a value", set("a", "1"), false, sessiontest.Pass, ""},
		{"a value, and a conflict", set("a", "1"), false, sessiontest.Pass, `"b":"1"`},
		{"a value whose answer is lost", set("a", "1"), false, sessiontest.LoseReply, ""},
		{"the log-out of a third guard", logOut("staff"), true, sessiontest.Pass, ""},
		{"the log-out of a third guard, and a conflict", logOut("staff"), true, sessiontest.Pass, `"b":"1"`},
	} {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		c.want(t, 200, logIn("5", "staff"))
		user := &client{p: c.p, cookie: c.cookie}
		c.want(t, 200, renew)
		nodesAdmin(c, st)
		if !row.old {
			user.cookie = c.cookie
		}
		st.before = func(cmd call) sessiontest.Fate {
			if cmd.Op != "Update" {
				return sessiontest.Pass
			}
			if st.before = nil; row.late != "" {
				nodeSets(st, c.cookie, row.late)
			}
			return row.fate
		}
		user.want(t, 200, row.op)
		if got := st.labels["admin:9"]; !slices.Equal(got, []string{c.cookie}) {
			t.Errorf("%s: the label of Node's user has %d sessions, want this one", row.name, len(got))
		}
	}
}

// When Node replaces or ends a log-in, its labels no longer end the session, which is now another user's,
// even if Go has written or renewed it since.
func TestLabelsEndWithALogInThatNodeReplacedOrEnded(t *testing.T) {
	for _, row := range []struct {
		name  string
		write op
		link  bool   // the log-in also has a label from elsewhere
		node  string // what Node writes in place of the user
		again op     // the next request
	}{
		{"a value", set("a", "1"), false, `"user":2`, nil},
		{"a renewal", renew, false, `"user":2`, nil},
		{"a renewal, and a label from elsewhere", renew, true, `"user":2`, nil},
		{"the next log-in", logIn("2", "passport"), true, `"user":2`, nil},
		{"a value, after a log-out at Node", set("a", "1"), true, `"user":null`, nil},
		{"a renewal, after a log-out at Node", renew, false, `"user":null`, nil},
		{"nothing, after a log-out at Node", loggedIn("staff"), true, `"user":null`, nil},
		{"a refresh, and a renewal", loggedIn("passport"), true, `"user":2`, renew},
		{"a value, after a log-out at Node, and a renewal", set("a", "1"), true, `"user":null`, renew},
	} {
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"), func(_ context.Context, v *protocol.Visit) error {
			if !row.link {
				return nil
			}
			return v.Rotate(func(d *record.Draft, _ time.Time) error {
				d.AddLabel("passport:link:x")
				return nil
			})
		})
		st.records[c.cookie] = []byte(strings.Replace(st.record(c.cookie), `"user":1`, row.node, 1))
		c.do(t.Context(), row.write)
		if row.again != nil {
			c.do(t.Context(), row.again)
		}
		for _, label := range []string{"passport:1", "passport:link:x"} {
			if n, err := c.p.EndLabelled(t.Context(), label, func(string) bool { return true }); n != 0 || err != nil {
				t.Errorf("%s: %d sessions ended by the label %s, error %v, want none", row.name, n, label, err)
			}
		}
		if st.record(c.cookie) == "" {
			t.Errorf("%s: the session is gone", row.name)
		}
	}
}

// A guard's member is not a value. What Go noted in another session's log-in is not shown, although Node
// copied it.
func TestALogInThatNodeMadeIsNoValue(t *testing.T) {
	c, st := newClient()
	c.want(t, 200, logIn("1", "passport"))
	nodeSets(st, c.cookie, `"admin":{"user":9,"go":{"for":9,"at":1}},"staff":{}`)
	c.want(t, 200, func(_ context.Context, v *protocol.Visit) error {
		all := v.Slots([]string{"admin", "staff", "a"})
		for _, row := range []struct {
			name string
			want bool
		}{{"passport", true}, {"admin", true}, {"staff", true}, {"a", false}} {
			if got := v.IsSlot(row.name); got != row.want || all[row.name] != row.want {
				t.Errorf("%s is a guard's: got %t and %t, want %t", row.name, got, all[row.name], row.want)
			}
		}
		shown, err := v.ExpressJSON()
		if text := string(shown); err != nil || !strings.Contains(text, `"admin":{"user":9}`) {
			t.Errorf("got %s, %v; want admin without notes", text, err)
		}
		return nil
	})
}

// S9: the entry of a log-in that Node ended after a write whose answer was lost stays until Go writes again:
// Go's notes are still there, and count once Node logs the user in again.
func TestS9_TheEntryOfALogInThatNodeEndedStaysWithItsNotes(t *testing.T) {
	for _, again := range []op{nil, set("b", "1")} { // what Go writes in between
		c, st := newClient()
		c.want(t, 200, logIn("1", "passport"))
		node := func(old, now string) {
			st.records[c.cookie] = []byte(strings.Replace(st.record(c.cookie), old, now, 1))
		}
		updates := 0
		st.before = func(cmd call) sessiontest.Fate {
			if cmd.Op != "Update" {
				return sessiontest.Pass
			}
			if updates++; updates == 1 {
				return sessiontest.LoseReply
			}
			st.before = nil
			node(`"user":1`, `"user":null`)
			return sessiontest.Pass
		}
		c.want(t, 200, set("a", "1"))
		if again != nil {
			c.want(t, 200, again)
			if got := st.labels["passport:1"]; len(got) != 0 {
				t.Errorf("after the next write the index has %q, want nothing", got)
			}
			continue
		}
		node(`"user":null`, `"user":1`)
		c.want(t, 200, loggedIn("passport"))
		if n, err := c.p.EndLabelled(t.Context(), "passport:1", func(string) bool { return true }); n != 1 || err != nil {
			t.Errorf("%d sessions ended, error %v; want 1", n, err)
		}
	}
}
