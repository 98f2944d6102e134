package protocol_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-6f34412b/passport/internal/protocol"
	"github.com/seed-6f34412b/passport/session/sessiontest"
)

// step returns a process that makes one request.
func step(ops ...op) func(*process) { return func(p *process) { p.do(ops...) } }

// steps returns a process that makes requests in a row, each only if the one before succeeded.
func steps(ops ...op) func(*process) {
	return func(p *process) {
		p.do(ops[0])
		for _, o := range ops[1:] {
			p.then(o)
		}
	}
}

// loggedOut promises that after an answered log-out no cookie of any process is logged in under key.
func loggedOut(name, key string) func(*run) string {
	return func(r *run) string {
		if !r.procs[name].ok() {
			return ""
		}
		for _, id := range r.st.ids() {
			if u := r.logged(id, key); u != "" && r.isHeld(id) {
				return fmt.Sprintf("log-out answered success, %.8s is logged in as %s", id, u)
			}
		}
		return ""
	}
}

// isHeld reports whether a process has, or had, the cookie.
func (r *run) isHeld(cookie string) bool {
	if cookie == r.id {
		return true
	}
	for _, p := range r.procs {
		if slices.Contains(p.held, cookie) {
			return true
		}
	}
	return false
}

// stays promises that after an answered log-out of another guard the log-in under key is still there for a
// browser that got the cookies of all answers in some order.
func stays(name, key string) func(*run) string {
	return func(r *run) string {
		if !r.procs[name].ok() {
			return ""
		}
		held := []string{r.id}
		for _, p := range r.procs {
			if !p.ok() {
				return "" // an answer was lost, perhaps with the cookie
			}
			held = append(held, p.held...)
		}
		for _, cookie := range held {
			if r.logged(cookie, key) != "" {
				return ""
			}
		}
		return key + " is logged out though only the other guard's user left"
	}
}

// kept promises that every write that was answered is in the session of the first cookie, or of the cookie
// that mover got.
func kept(mover string, writes map[string]string) func(*run) string {
	return func(r *run) string {
		cookie := r.id
		if mover != "" {
			if !r.procs[mover].ok() {
				return ""
			}
			cookie = r.procs[mover].cookie
		}
		seen := r.st.record(cookie)
		for name, part := range writes {
			if r.procs[name].cookie != r.id {
				continue // the write came after the end of the session and started a new one
			}
			if r.procs[name].ok() && !strings.Contains(seen, part) {
				return fmt.Sprintf("%s answered success, %s is missing in %s", name, part, seen)
			}
		}
		return ""
	}
}

// counted promises that the counter is at least the number of answered increments and at most the number of
// those that were tried.
func counted(r *run) string {
	acknowledged, tried := 0, 0
	for _, p := range r.procs {
		if p.result != 409 {
			tried++
		}
		if p.ok() {
			acknowledged++
		}
	}
	n := 0
	if _, rest, ok := strings.Cut(r.st.record(r.id), `"n":`); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n) // 0 unless there is a number
	}
	if n < acknowledged || n > tried {
		return fmt.Sprintf("%d increments answered success, %d were tried, n = %d", acknowledged, tried, n)
	}
	return ""
}

// arrived promises that after an answered log-in the new id is logged in and the old id is not.
func arrived(name, user string) func(*run) string {
	return func(r *run) string {
		p := r.procs[name]
		if !p.ok() {
			return ""
		}
		if got := r.logged(p.cookie, "passport"); got != user {
			return fmt.Sprintf("log-in answered success, its cookie is logged in as %q", got)
		}
		if p.cookie == r.id {
			return "the cookie did not change"
		}
		if r.st.record(r.id) != "" {
			return "the old record is still there"
		}
		return ""
	}
}

// gone promises that the first record does not exist after a log-out that was answered.
func gone(name string) func(*run) string {
	return func(r *run) string {
		if r.procs[name].ok() && r.st.record(r.id) != "" {
			return "the record exists after a log-out that was answered"
		}
		return ""
	}
}

// without promises that the record of the named process's cookie has no value under key. The text of key
// alone may occur in a revision by chance.
func without(name, key, why string) func(*run) string {
	return func(r *run) string {
		if p := r.procs[name]; p.ok() && strings.Contains(r.st.record(p.cookie), strconv.Quote(key)+":") {
			return why
		}
		return ""
	}
}

func all(promises ...func(*run) string) func(*run) string {
	return func(r *run) string {
		for _, p := range promises {
			if failed := p(r); failed != "" {
				return failed
			}
		}
		return ""
	}
}

type procs = map[string]func(*process)

var (
	in        = [][]op{{logIn("1", "passport")}}
	inTwice   = [][]op{{logIn("1", "passport")}, {logIn("9", "admin")}}
	inThrice  = [][]op{{logIn("1", "passport")}, {logIn("9", "admin")}, {logIn("5", "staff")}}
	anonymous = [][]op{{set("keep", "0")}}

	out      = step(logOut("passport"))
	outAdmin = step(logOut("admin"))
)

// scenarios mirror the checks of the protocol's model, by number.
func scenarios() []scenario {
	logInThenOut := steps(logIn("1", "passport"), logOut("passport"))
	lateOut := func(p *process) {
		before := p.cookie
		if p.do(renew) {
			p.cookie = before // the answer was lost
			p.then(logOut("passport"))
		}
	}
	return []scenario{
		{"1a log-out, a write", in, procs{"L": out, "W": step(set("k", "1"))}, all(loggedOut("L", "passport"), gone("L")), allFaults, 2, 0, withNotes},
		{"1b log-out, a write, by a replica", in, procs{"L": out, "W": step(set("k", "1"))}, all(loggedOut("L", "passport"), gone("L")), staleOnly, 2, 0, byReplica},
		{"1c log-out, a renewal", in, procs{"L": out, "G": step(renew)}, loggedOut("L", "passport"), allFaults, 1, 0, withNotes},
		{"1c log-out, a renewal, by a replica", in, procs{"L": steps(renew, logOut("passport")), "G": step(renew)}, loggedOut("L", "passport"), staleOnly, 2, 0, byReplica},
		{"1d log-out, a renewal, a write", in, procs{"L": out, "G": step(renew), "W": step(set("k", "1"))}, loggedOut("L", "passport"), nil, 0, 4, withNotes},
		{"1e log-out, two renewals", in, procs{"L": out, "G": step(renew), "H": step(renew)}, loggedOut("L", "passport"), nil, 0, 4, withNotes},
		{"1f log-out, a renewal of a renewal", in, procs{"L": out, "G": steps(renew, renew)}, loggedOut("L", "passport"), allFaults, 1, 2, withNotes},
		{"1g a renewal alone", in, procs{"G": step(renew)}, arrived("G", "1"), allFaults, 2, 0, withNotes},
		{"1i log-in, log-out, then a late Create", nil, procs{"L": logInThenOut}, loggedOut("L", "passport"), allFaults, 2, 0, withNotes},
		{"1i log-in over a session, log-out, late commands", anonymous, procs{"L": logInThenOut}, loggedOut("L", "passport"), allFaults, 2, 0, withNotes},
		{"1j two guards log out at once", inTwice, procs{"P": out, "Q": outAdmin},
			all(loggedOut("P", "passport"), loggedOut("Q", "admin")), allFaults, 1, 1, withNotes},
		{"1j two of three guards log out at once", inThrice, procs{"P": out, "Q": outAdmin},
			all(loggedOut("P", "passport"), loggedOut("Q", "admin"), stays("P", "staff")), nil, 0, 3, withNotes},
		{"1k log-out of one guard, log-in of another", in, procs{"L": out, "G": step(logIn("9", "admin"))},
			all(loggedOut("L", "passport"), arrivedAs("G", "admin", "9")), allFaults, 1, 1, withNotes},
		{"1l log-out of one guard, two renewals", inTwice, procs{"L": out, "G": steps(renew, renew)},
			all(loggedOut("L", "passport"), stays("L", "admin")), nil, 0, 3, withNotes},
		{"1l log-out of one guard, two renewals, a fault", inTwice, procs{"L": out, "G": steps(renew, renew)}, loggedOut("L", "passport"), allFaults, 1, 1, withNotes},
		{"1m log-out of both guards in one request, two renewals", inTwice, procs{"L": step(logOut("passport"), logOut("admin")), "G": steps(renew, renew)},
			all(loggedOut("L", "passport"), loggedOut("L", "admin")), nil, 0, 3, withNotes},
		{"1n log-out of one guard with a stale cookie, a renewal", inTwice, procs{"L": lateOut, "G": step(renew)},
			all(loggedOut("L", "passport"), stays("L", "admin")), nil, 0, 3, withNotes},
		{"1n log-out of one guard with a stale cookie, by a replica", inTwice, procs{"L": lateOut},
			all(loggedOut("L", "passport"), stays("L", "admin")), staleOnly, 2, 0, byReplica},
		{"1o log-out and log-in again in one request, a renewal", inTwice, procs{"L": step(logOut("passport"), logIn("2", "passport")), "G": step(renew)},
			formerUserIsOut("L", "1"), allFaults, 1, 1, withNotes},
		{"1p log-out with another value, the session of another guard's log-in", in, procs{"L": step(logOut("passport"), set("evil", "1")), "G": step(logIn("9", "admin"))},
			all(loggedOut("L", "passport"), without("G", "evil", "a value of the old id is in the new session"), notAs("L", "admin")), nil, 0, 3, withNotes},
		{"1q log-out, the session's user logged in again by the application", in, procs{"L": out, "G": step(again("1", "passport"))}, loggedOut("L", "passport"), allFaults, 1, 0, withNotes},
		{"1q log-out of one guard, the user logged in again by the application", inTwice, procs{"L": out, "G": step(again("1", "passport"))},
			loggedOut("L", "passport"), nil, 0, 3, withNotes},
		{"1r log-out of a log-in that Node made beside ours, the other user logs in again", in, procs{"N": func(p *process) {
			p.node(`{"cookie"`, `{"admin":{"user":9},"cookie"`)
			if p.ok() {
				p.do(logOut("admin"))
			}
		}, "G": step(logIn("1", "passport"))}, loggedOut("N", "admin"), nil, 0, 3, withNotes},
		{"2a two writers of different keys", in, procs{"W": step(set("a", "1")), "X": step(set("b", "1"))},
			kept("", map[string]string{"W": `"a":"1"`, "X": `"b":"1"`}), allFaults, 2, 0, withNotes},
		{"2a two writers of different keys, by a replica", in, procs{"W": step(set("a", "1")), "X": step(set("b", "1"))},
			kept("", map[string]string{"W": `"a":"1"`, "X": `"b":"1"`}), staleOnly, 2, 0, byReplica},
		{"2a three writers of different keys", in, procs{"W": step(set("a", "1")), "X": step(set("b", "1")), "Y": step(set("c", "1"))},
			kept("", map[string]string{"W": `"a":"1"`, "X": `"b":"1"`, "Y": `"c":"1"`}), nil, 0, 0, withNotes},
		{"2b a write, a log-in that keeps it", anonymous, procs{"W": step(set("keep", "1")), "G": step(logIn("1", "passport"))},
			kept("G", map[string]string{"W": `"keep":"1"`}), allFaults, 1, 4, withNotes},
		{"2b a write, a renewal", in, procs{"W": step(set("keep", "1")), "G": step(renew)},
			kept("G", map[string]string{"W": `"keep":"1"`}), allFaults, 1, 4, withNotes},
		{"2c two writes, a renewal", in, procs{"W": step(set("keep", "1")), "X": step(set("z", "1")), "G": step(renew)},
			kept("G", map[string]string{"W": `"keep":"1"`, "X": `"z":"1"`}), nil, 0, 4, withNotes},
		{"2c a write, the log-out of one guard", inTwice, procs{"W": step(set("keep", "1")), "G": out},
			kept("G", map[string]string{"W": `"keep":"1"`}), allFaults, 1, 1, withNotes},
		{"2d two increments", in, procs{"W": step(inc), "X": step(inc)}, counted, allFaults, 2, 0, withNotes},
		{"2d three increments", in, procs{"W": step(inc), "X": step(inc), "Y": step(inc)}, counted, []sessiontest.Fate{sessiontest.LoseReply, sessiontest.Resend}, 1, 3, withNotes},
		{"2e a write whose reply is lost, another that saw it", in, procs{"W": step(set("k", "w")), "X": func(p *process) {
			p.do()
			if strings.Contains(p.seen, `"k":"w"`) {
				p.do(set("k", "x"))
			} else {
				p.result = 0
			}
		}}, func(r *run) string {
			if r.procs["X"].ok() && r.procs["W"].ok() && !strings.Contains(r.st.record(r.id), `"k":"x"`) {
				return "the second write was undone by the first"
			}
			return ""
		}, []sessiontest.Fate{sessiontest.LoseReply, sessiontest.Resend, sessiontest.LateTwin}, 2, 0, withNotes},
		{"3a log-in, a write under the old id", anonymous, procs{"G": step(logIn("1", "passport")), "W": step(set("keep", "1"))}, arrived("G", "1"), allFaults, 1, 4, withNotes},
		{"3b two log-ins on one session", anonymous, procs{"G": step(logIn("1", "passport")), "H": step(logIn("2", "passport"))}, func(r *run) string {
			for name, user := range map[string]string{"G": "1", "H": "2"} {
				if p := r.procs[name]; !p.ok() {
					return "a log-in failed because of the other"
				} else if r.logged(p.cookie, "passport") != user {
					return name + " answered success, its cookie is not logged in"
				}
			}
			return ""
		}, nil, 0, 0, withNotes},
		{"3d a write through the fixed id while it logs in", anonymous, procs{"G": step(logIn("1", "passport")), "W": step(set("evil", "1"))},
			without("G", "evil", "a key written through the old id is in the new session"), allFaults, 1, 4, withNotes},
		{"3e log-in as another user", [][]op{{logIn("1", "passport"), set("keep", "secret")}}, procs{"G": step(logIn("2", "passport")), "W": step(set("keep", "secret2"))},
			without("G", "keep", "the former user's values are in the new session"), allFaults, 1, 4, withNotes},
		{"3f a log-in, then a write that reads a replica", anonymous, procs{"G": steps(logIn("1", "passport"), set("k", "1"))},
			func(r *run) string {
				if p := r.procs["G"]; p.ok() && r.logged(p.cookie, "passport") == "" {
					return "the cookie of the log-in was replaced"
				}
				return ""
			}, staleOnly, 2, 0, byReplica},
		{"4a destroy by label, a renewal", in, procs{"D": endLabelled, "G": step(renew)}, loggedOut("D", "passport"), allFaults, 1, 2, withNotes},
		{"4a destroy by label, the session's user logged in again by the application", in, procs{"D": endLabelled, "G": step(again("1", "passport"))}, loggedOut("D", "passport"), nil, 0, 0, withNotes},
		{"4b destroy by label, a renewal, a write", in, procs{"D": endLabelled, "G": step(renew), "W": step(set("k", "1"))}, loggedOut("D", "passport"), nil, 0, 3, withNotes},
		{"4b destroy by label, a renewal, a store that leaves no notes", in, procs{"D": endLabelled, "G": step(renew)}, loggedOut("D", "passport"), nil, 0, 0, withoutNotes},
		{"4b destroy by label, two renewals, a store that ends many at once", in, procs{"D": endLabelled, "G": steps(renew, renew)}, loggedOut("D", "passport"), nil, 0, 3, inBatches},
		{"4b destroy by label, a renewal, a fault, a store that ends many at once", in, procs{"D": endLabelled, "G": step(renew)}, loggedOut("D", "passport"), allFaults, 1, 1, inBatches},
		{"4b destroy by label, a log-in and a renewal, a store that ends many at once", in, procs{"D": endLabelled, "G": steps(logIn("9", "admin"), renew)},
			loggedOut("D", "passport"), nil, 0, 3, inBatches},
		{"4b one listing, two renewals, a store that ends many at once", in, procs{"D": endListed, "G": steps(renew, renew)}, loggedOut("D", "passport"), nil, 0, 3, inBatches},
		{"4b one listing, a fault", in, procs{"D": endListed}, loggedOut("D", "passport"), allFaults, 1, 0, withNotes},
		{"4d two log-ins that count the user's sessions, of which one may be", nil, procs{"G": counting, "H": counting}, oneAtMost, nil, 0, 4, inBatches},
		{"4c a log-in that was answered, then destroy by label, while the index heals", nil, procs{"G": func(p *process) {
			if p.do(logIn("1", "passport")) {
				endLabelled(p)
			} else {
				p.result = 0
			}
		}, "H": func(p *process) {
			for range p.p.Labelled(p.ctx, "passport:1") { //nolint:errcheck // an error is one of the outcomes
				p.result = 0 // a listing removes the entries of sessions that it does not find
			}
		}}, loggedOut("G", "passport"), nil, 0, 0, withNotes},
		{"5a a write, Node logs another user in under the same id", in, procs{"W": step(set("mine", "1")), "N": func(p *process) { p.node(`"user":1`, `"user":2`) }}, func(r *run) string {
			w := r.procs["W"]
			if now := r.st.record(r.id); w.ok() && strings.Contains(w.seen, `"user":1`) && strings.Contains(now, `"user":2`) && strings.Contains(now, `"mine"`) && r.last == "W" {
				return "a write made as user 1 is in a session that belongs to user 2"
			}
			return ""
		}, nil, 0, 0, withNotes},
		{"5b a write, Node logs out under the same id", in, procs{"W": step(set("mine", "1")), "N": func(p *process) { p.node(`{"user":1`, `{"gone":1`) }}, func(r *run) string {
			w := r.procs["W"]
			if now := r.st.record(r.id); w.ok() && strings.Contains(w.seen, `"user":1`) && !strings.Contains(now, `"user":1`) && strings.Contains(now, `"mine"`) && r.last == "W" {
				return "a write made as user 1 went on top of Node's log-out"
			}
			return ""
		}, nil, 0, 0, withNotes},
		{"8a a log-in and a read that finds its record gone", anonymous, procs{"G": step(logIn("1", "passport")), "R": step()}, func(r *run) string {
			if r.procs["R"].ok() && r.procs["R"].cookie != r.id {
				return "a read touched the cookie"
			}
			return ""
		}, nil, 0, 0, withNotes},
		{"8b a log-in and a request that sees the old stamp", in, procs{"P": step(logIn("1", "passport")), "Q": step(revoke)}, arrived("P", "1"), nil, 0, 0, withNotes},
	}
}

// arrivedAs promises that after an answered log-in its user is logged in under key.
func arrivedAs(name, key, user string) func(*run) string {
	return func(r *run) string {
		if p := r.procs[name]; p.ok() && r.logged(p.cookie, key) != user {
			return fmt.Sprintf("log-in answered success, its cookie is logged in as %q", r.logged(p.cookie, key))
		}
		return ""
	}
}

// notAs promises that no cookie of the named process is logged in under key.
func notAs(name, key string) func(*run) string {
	return func(r *run) string {
		for _, cookie := range r.procs[name].held {
			if r.logged(cookie, key) != "" {
				return name + " got the cookie of a session of which it proved nothing"
			}
		}
		return ""
	}
}

// formerUserIsOut promises that after an answered log-out no cookie is logged in as user.
func formerUserIsOut(name, user string) func(*run) string {
	return func(r *run) string {
		if !r.procs[name].ok() {
			return ""
		}
		for _, id := range r.st.ids() {
			if r.isHeld(id) && r.logged(id, "passport") == user {
				return fmt.Sprintf("log-out answered success, %.8s is logged in as %s", id, user)
			}
		}
		return ""
	}
}

// counting is a log-in that is refused if the user has another session.
func counting(p *process) {
	p.do(logIn("1", "passport"), func(_ context.Context, v *protocol.Visit) error {
		v.OnStored("passport", func(ctx context.Context, _ string) error {
			n := 0
			for _, err := range p.p.Labelled(ctx, "passport:1") {
				if err != nil {
					return err
				}
				if n++; n > 1 {
					return errFault
				}
			}
			return nil
		})
		return nil
	})
}

// oneAtMost promises that the user of passport has at most one session.
func oneAtMost(r *run) string {
	if n := len(r.st.ids()); n > 1 {
		return fmt.Sprintf("%d sessions of a user who may have one", n)
	}
	return ""
}

// endLabelled is a process that ends all sessions of a user, as an administrator does.
func endLabelled(p *process) {
	p.result = 0
	_, err := p.p.EndLabelled(p.ctx, "passport:1", func(string) bool { return true })
	p.result = status(err)
}

// endListed is a process that ends the sessions in one listing, as a log-in over MaxSessions does.
func endListed(p *process) {
	p.result = 0
	_, err := p.p.EndEntries(p.ctx, "passport:1", func(string) bool { return true })
	p.result = status(err)
}

// jointScenarios are scenarios with a log-in or a log-out, on a store that combines their steps into one
// call:
// with -full all of them, with -deep those whose commands then differ, otherwise a part of these.
func jointScenarios() (list []scenario) {
	numbers := "1a 1i 2b 3a 3e 4c 9e"
	if *deep {
		numbers = "1a 1c 1i 1k 1o 2b 3a 3b 3d 3e 4a 4b 4c 8a 8b 9b 9e"
	}
	kinds := map[storeKind]storeKind{withNotes: jointly, watched: watchedJointly}
	for _, sc := range append(scenarios(), watchScenarios()...) {
		if kinds[sc.store] != 0 && (*full || strings.Contains(numbers, sc.name[:2])) {
			sc.store, sc.name = kinds[sc.store], sc.name+", at once"
			list = append(list, sc)
		}
	}
	return list
}

func TestExploreEveryInterleaving(t *testing.T) {
	t.Parallel()
	var total atomic.Int64
	t.Cleanup(func() { t.Logf("%d runs in all", total.Load()) })
	for _, sc := range slices.Concat(scenarios(), boundScenarios(), watchScenarios(), jointScenarios()) {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			n := explore(t, sc)
			total.Add(int64(n))
			t.Logf("%d runs", n)
		})
	}
}
