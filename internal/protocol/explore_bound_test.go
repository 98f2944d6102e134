package protocol_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-6f34412b/passport/internal/devicebound"
	"github.com/seed-6f34412b/passport/internal/protocol"
)

// stillBound promises that once the registration of a key was answered, no cookie of any process is logged
// in to a session that is not bound.
func stillBound(name string) func(*run) string {
	return func(r *run) string {
		if !r.procs[name].ok() {
			return ""
		}
		for _, id := range r.st.ids() {
			if u := r.logged(id, "passport"); u != "" && devicebound.Of(id) == "" && r.isHeld(id) {
				return fmt.Sprintf("the session is bound, and %.8s is logged in as %s without it", id, u)
			}
		}
		return ""
	}
}

// onlyOne promises that at most one of the two processes was answered with success.
func onlyOne(name, other string) func(*run) string {
	return func(r *run) string {
		if r.procs[name].ok() && r.procs[other].ok() {
			return "one session is bound to two keys"
		}
		return ""
	}
}

// boundScenarios are the scenarios of S19.
func boundScenarios() []scenario {
	register, later := step(bind), steps(bind, renew)
	byOldID := func(o op) func(*process) { // a request that was on its way at the registration
		return func(p *process) {
			if p.do(o); p.cookie != p.run.id {
				p.held = append(p.held, p.cookie)
			}
		}
	}
	write := step(set("k", "1"))
	return []scenario{
		{"6a a registration, a write", in, procs{"R": register, "W": write},
			all(stillBound("R"), kept("R", map[string]string{"W": `"k":"1"`})), allFaults, 1, 4, withNotes},
		{"6b a registration, a log-out", in, procs{"R": register, "L": out}, loggedOut("L", "passport"), allFaults, 1, 3, withNotes},
		{"6c a registration, a renewal", in, procs{"R": register, "G": step(renew)}, stillBound("R"), allFaults, 1, 2, withNotes},
		{"6d a registration and a renewal, a write", in, procs{"R": later, "W": write},
			all(stillBound("R"), kept("R", map[string]string{"W": `"k":"1"`})), allFaults, 1, 2, withNotes},
		{"6e a registration, a log-out, a renewal", in, procs{"R": register, "L": out, "G": step(renew)},
			all(loggedOut("L", "passport"), stillBound("R")), nil, 0, 3, withNotes},
		{"6f two registrations", in, procs{"R": register, "S": register}, all(onlyOne("R", "S"), stillBound("R"), stillBound("S")), allFaults, 1, 2, withNotes},
		{"6g a registration, a log-in, a write", in, procs{"R": register, "G": step(logIn("1", "passport")), "W": write},
			arrived("G", "1"), nil, 0, 3, withNotes},
		{"6h a registration of two guards' session, a log-out of one", inTwice, procs{"R": register, "L": out},
			all(loggedOut("L", "passport"), stays("L", "admin")), allFaults, 1, 1, withNotes},
		{"6i a registration, a log-out by the id before", in, procs{"R": register, "L": byOldID(logOut("passport"))},
			loggedOut("L", "passport"), allFaults, 1, 2, withGrace},
		{"6i a registration, a renewal by the id before", in, procs{"R": register, "G": byOldID(renew)},
			stillBound("R"), allFaults, 1, 2, withGrace},
		{"6i a registration, a write by the id before, a log-out", in, procs{"R": register, "W": byOldID(set("k", "1")), "L": out},
			all(loggedOut("L", "passport"), stillBound("R")), nil, 0, 3, withGrace},
	}
}

// TestS19_ARegistrationIsARotation: it gives the session a new id and keeps its content; every later id has
// the same binding.
func TestS19_ARegistrationIsARotation(t *testing.T) {
	st := newServer()
	c := client{p: newProtocol(&scripted{server: st})}
	c.want(t, 200, logIn("1", "passport"), set("k", "1"))
	before := c.cookie
	c.want(t, 200, bind)
	bound := devicebound.Of(c.cookie)
	if bound == "" || c.out.Cookie != protocol.Send || c.cookie[:32] == before[:32] {
		t.Fatalf("the id went from %q to %q", before, c.cookie)
	}
	c.want(t, 409, bind) // once
	for name, o := range map[string]op{"a renewal": renew, "the application's word": again("1", "passport"), "another guard's log-in": logIn("2", "admin"), "a log-out": logOut("admin")} {
		c.want(t, 200, logIn("2", "admin"))
		if c.want(t, 200, o, loggedIn("passport")); devicebound.Of(c.cookie) != bound {
			t.Errorf("after %s the session is bound to %q, want %q", name, devicebound.Of(c.cookie), bound)
		}
	}
	c.want(t, 200, logOut("passport"), logOut("admin"))
	c.want(t, 200, logIn("1", "passport"))
	if devicebound.Of(c.cookie) != "" {
		t.Error("a session after a log-out is bound")
	}
}

// TestS19_WithoutAProofASessionIsNobodys: the visitor is anonymous. A log-in ends the session, as a log-out
// does.
func TestS19_WithoutAProofASessionIsNobodys(t *testing.T) {
	for name, o := range map[string]op{"a log-in": logIn("1", "passport"), "a log-out": logOut("passport")} {
		t.Run(name, func(t *testing.T) {
			st := newServer()
			c := client{p: newProtocol(&scripted{server: st})}
			c.want(t, 200, logIn("1", "passport"))
			c.want(t, 200, logIn("2", "admin"), set("k", "1"))
			c.want(t, 200, bind)
			id := c.cookie
			v := new(protocol.Visit)
			v.Init(c.p)
			v.Present(id, 0)
			v.Unproved(id)
			if err := v.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, ok := v.Slot("passport", v.At); ok || !v.Suspected() || v.Members().Len() > 0 {
				t.Fatal("somebody is logged in without the proof")
			}
			if found, slot := v.SuspectSlot("admin", v.At); found != id || string(slot.User) != "2" {
				t.Errorf("the suspect session is %q, user %s", found, slot.User)
			}
			if err := o(t.Context(), v); err != nil || v.Suspected() {
				t.Fatal(err)
			}
			if _, err := v.Commit(t.Context(), v.At); err != nil {
				t.Fatal(err)
			}
			rec := st.record(id)
			if name == "a log-in" && (rec != "" || devicebound.Of(v.ID) != "" || v.Members().Get("k") != nil || v.Members().Get("admin") != nil) {
				t.Errorf("left is %q, and the new session %q has %v", rec, v.ID, v.Members().Names())
			}
		})
	}
}

// TestS19_TheIDBeforeFindsTheSessionForAMoment, which is Settings.Grace, and no longer.
func TestS19_TheIDBeforeFindsTheSessionForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grace = 10 * time.Second
		c := client{p: newProtocol(&scripted{server: newServer()}, func(s *protocol.Settings) { s.Grace = grace })}
		c.want(t, 200, logIn("1", "passport"))
		before := client{p: c.p, cookie: c.cookie}
		c.want(t, 200, bind)
		before.want(t, 200, loggedIn("passport"), set("k", "1"))
		if before.out.Cookie != protocol.Keep {
			t.Error("the previous id gets a new cookie")
		}
		time.Sleep(grace)
		before.want(t, 401, loggedIn("passport"))
		c.want(t, 200, loggedIn("passport"))
	})
}
