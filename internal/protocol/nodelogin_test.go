package protocol_test

import (
	"strings"
	"testing"
)

// Node logs in under the key of another guard, in a session that Go made: Go's notes do not
// name that key.
func TestALogInThatNodeMadeBesideGosIsAGuards(t *testing.T) {
	nodesAdmin := func(c *client, st *scripted) {
		st.records[c.cookie] = []byte(strings.Replace(st.record(c.cookie), `{"cookie"`, `{"admin":{"user":9},"cookie"`, 1))
	}
	for _, row := range []struct {
		name       string
		out, stays string
		before     []op // in the same request
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
