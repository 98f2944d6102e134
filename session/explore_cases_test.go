package session_test

import (
	"fmt"
	"strings"
	"testing"
)

// step is a process of one request.
func step(ops ...string) func(*process) { return func(p *process) { p.do(ops...) } }

// loggedOut promises that after a log-out that was answered, no cookie that any
// process holds is logged in under key.
func loggedOut(process, key string) func(*run) string {
	return func(r *run) string {
		if !r.procs[process].result.ok() {
			return ""
		}
		cookies := []string{r.cookie}
		for _, p := range r.procs {
			cookies = append(cookies, p.held...)
		}
		for _, c := range cookies {
			if u := r.logged(c, key); u != "" {
				return fmt.Sprintf("log-out answered success, %.8s is logged in as %s", c, u)
			}
		}
		return ""
	}
}

// kept promises that every acknowledged write is in the session of the first cookie,
// or of the cookie that mover got.
func kept(mover string, writes map[string]string) func(*run) string {
	return func(r *run) string {
		cookie := r.cookie
		if mover != "" {
			if !r.procs[mover].result.ok() {
				return ""
			}
			cookie = r.procs[mover].result.cookie
		}
		seen := r.sees(cookie)
		for name, part := range writes {
			if r.procs[name].result.cookie != r.cookie {
				continue // it came after the end of the session and began its own
			}
			if r.procs[name].result.ok() && !strings.Contains(seen, part) {
				return fmt.Sprintf("%s answered success, %s is missing in %s", name, part, seen)
			}
		}
		return ""
	}
}

// counted promises that the counter is at least the increments that were answered and
// at most those that were tried.
func counted(r *run) string {
	acknowledged, tried := 0, 0
	for _, p := range r.procs {
		if p.result.status != 409 {
			tried++
		}
		if p.result.ok() {
			acknowledged++
		}
	}
	n := 0
	if _, rest, ok := strings.Cut(r.sees(r.cookie), `"n":`); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n) // 0 unless there is a number
	}
	if n < acknowledged || n > tried {
		return fmt.Sprintf("%d increments answered success, %d were tried, n = %d", acknowledged, tried, n)
	}
	return ""
}

// arrived promises that a log-in that was answered is logged in, and its old id not.
func arrived(process, user string) func(*run) string {
	return func(r *run) string {
		p := r.procs[process]
		if !p.result.ok() {
			return ""
		}
		if got := r.logged(p.result.cookie, "passport"); got != user {
			return fmt.Sprintf("log-in answered success, its cookie is logged in as %q", got)
		}
		if p.result.cookie == r.cookie {
			return "the cookie did not change"
		}
		if r.st.record(r.id) != "" {
			return "the old record is still there"
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

// scenarios mirror the checks of the protocol's model, by number.
func scenarios() []scenario {
	in := []string{"login 1"}
	anonymous := []string{"set keep 0"}
	logInThenOut := func(p *process) {
		if p.do("login 1") {
			p.do("logout")
		} else {
			p.result = outcome{}
		}
	}
	return []scenario{
		{"1a log-out, a write", in, procs{"L": step("logout"), "W": step("set k 1")}, all(loggedOut("L", "passport"), func(r *run) string {
			if r.procs["L"].result.ok() && r.st.record(r.id) != "" {
				return "the record exists after a log-out that was answered"
			}
			return ""
		}), allFaults, 2, 0},
		{"1c log-out, a renewal", in, procs{"L": step("logout"), "G": step("renew")}, loggedOut("L", "passport"), allFaults, 1, 0},
		{"1d log-out, a renewal, a write", in, procs{"L": step("logout"), "G": step("renew"), "W": step("set k 1")}, loggedOut("L", "passport"), nil, 0, 4},
		{"1e log-out, two renewals", in, procs{"L": step("logout"), "G": step("renew"), "H": step("renew")}, loggedOut("L", "passport"), nil, 0, 4},
		{"1f log-out, a renewal of a renewal", in, procs{"L": step("logout"), "G": func(p *process) {
			if p.do("renew") {
				p.do("renew")
			}
		}}, loggedOut("L", "passport"), allFaults, 1, 2},
		{"1g a renewal alone", in, procs{"G": step("renew")}, arrived("G", "1"), allFaults, 2, 0},
		{"1i log-in, log-out, then a late Create", nil, procs{"L": logInThenOut}, loggedOut("L", "passport"), allFaults, 2, 0},
		{"1i log-in over a session, log-out, late commands", anonymous, procs{"L": logInThenOut}, loggedOut("L", "passport"), allFaults, 2, 0},
		{"1j two guards log out at once", []string{"login 1", "login 9 admin"}, procs{"P": step("logout"), "Q": step("logout admin")},
			all(loggedOut("P", "passport"), loggedOut("Q", "admin")), allFaults, 1, 2},
		{"1l log-out of one guard, two renewals", []string{"login 1", "login 9 admin"}, procs{"L": step("logout"), "G": func(p *process) {
			if p.do("renew") {
				p.do("renew")
			}
		}}, loggedOut("L", "passport"), nil, 0, 3},
		{"1k log-out of one guard, log-in of another", in, procs{"L": step("logout"), "G": step("login 9 admin")}, loggedOut("L", "passport"), allFaults, 1, 3},
		{"1m log-out, the session's user logged in again by the application", in, procs{"L": step("logout"), "G": step("again 1")}, loggedOut("L", "passport"), allFaults, 1, 0},
		{"1n log-out of one guard, the user logged in again by the application", []string{"login 1", "login 9 admin"}, procs{"L": step("logout"), "G": step("again 1")},
			loggedOut("L", "passport"), nil, 0, 3},
		{"2a two writers of different keys", in, procs{"W": step("set a 1"), "X": step("set b 1")},
			kept("", map[string]string{"W": `"a":"1"`, "X": `"b":"1"`}), allFaults, 2, 0},
		{"2a three writers of different keys", in, procs{"W": step("set a 1"), "X": step("set b 1"), "Y": step("set c 1")},
			kept("", map[string]string{"W": `"a":"1"`, "X": `"b":"1"`, "Y": `"c":"1"`}), nil, 0, 0},
		{"2b a write, a log-in that keeps it", anonymous, procs{"W": step("set keep 1"), "G": step("login 1")},
			kept("G", map[string]string{"W": `"keep":"1"`}), allFaults, 1, 4},
		{"2b a write, a renewal", in, procs{"W": step("set keep 1"), "G": step("renew")},
			kept("G", map[string]string{"W": `"keep":"1"`}), allFaults, 1, 4},
		{"2c two writes, a renewal", in, procs{"W": step("set keep 1"), "X": step("set z 1"), "G": step("renew")},
			kept("G", map[string]string{"W": `"keep":"1"`, "X": `"z":"1"`}), nil, 0, 4},
		{"2d two increments", in, procs{"W": step("inc"), "X": step("inc")}, counted, allFaults, 2, 0},
		{"2d three increments", in, procs{"W": step("inc"), "X": step("inc"), "Y": step("inc")}, counted, []fault{noReply, resent}, 1, 3},
		{"2e a write whose reply is lost, another that saw it", in, procs{"W": step("set k w"), "X": func(p *process) {
			p.do()
			if strings.Contains(p.result.text, `"k":"w"`) {
				p.do("set k x")
			} else {
				p.result = outcome{}
			}
		}}, func(r *run) string {
			if r.procs["X"].result.ok() && r.procs["W"].result.ok() && !strings.Contains(r.sees(r.cookie), `"k":"x"`) {
				return "the second write was undone by the first"
			}
			return ""
		}, []fault{noReply, resent, lateTwin}, 2, 0},
		{"3a log-in, a write under the old id", anonymous, procs{"G": step("login 1"), "W": step("set keep 1")}, arrived("G", "1"), allFaults, 1, 4},
		{"3b two log-ins on one session", anonymous, procs{"G": step("login 1"), "H": step("login 2")}, func(r *run) string {
			for name, user := range map[string]string{"G": "1", "H": "2"} {
				if p := r.procs[name]; p.result.ok() && r.logged(p.result.cookie, "passport") != user {
					return name + " answered success, its cookie is not logged in"
				}
			}
			if !r.procs["G"].result.ok() || !r.procs["H"].result.ok() {
				return "a log-in failed because of the other"
			}
			return ""
		}, nil, 0, 0},
		{"3d a write through the fixed id while it logs in", anonymous, procs{"G": step("login 1"), "W": step("set evil 1")}, func(r *run) string {
			if p := r.procs["G"]; p.result.ok() && strings.Contains(r.sees(p.result.cookie), "evil") {
				return "a key written through the old id is in the new session"
			}
			return ""
		}, allFaults, 1, 4},
		{"3e log-in as another user", []string{"login 1; set keep secret"}, procs{"G": step("login 2"), "W": step("set keep secret2")}, func(r *run) string {
			if p := r.procs["G"]; p.result.ok() && strings.Contains(r.sees(p.result.cookie), "secret") {
				return "the former user's values are in the new session"
			}
			return ""
		}, allFaults, 1, 4},
		{"4a destroy by label, a renewal", in, procs{"D": destroyLinked, "G": step("renew")}, loggedOut("D", "passport"), allFaults, 1, 2},
		{"4a destroy by label, the session's user logged in again by the application", in, procs{"D": destroyLinked, "G": step("again 1")}, loggedOut("D", "passport"), nil, 0, 0},
		{"4b destroy by label, a renewal, a write", in, procs{"D": destroyLinked, "G": step("renew"), "W": step("set k 1")}, loggedOut("D", "passport"), nil, 0, 3},
		{"4c a log-in that was answered, then destroy by label, while the index heals", nil, procs{"G": func(p *process) {
			if p.do("login 1") {
				destroyLinked(p)
			} else {
				p.result = outcome{}
			}
		}, "H": func(p *process) {
			for range p.m.Linked(withProcess(p.t.Context(), p.name), "passport:1") { //nolint:errcheck // an error is one of the outcomes
				p.result.status = 0 // listing removes the entries of what it does not find
			}
		}}, loggedOut("G", "passport"), nil, 0, 0},
		{"5a a write, Node logs another user in under the same id", in, procs{"W": step("set mine 1"), "N": func(p *process) { p.node(`"user":1`, `"user":2`) }}, func(r *run) string {
			w := r.procs["W"].result
			if now := r.st.record(r.id); w.ok() && strings.Contains(w.text, `"user":1`) && strings.Contains(now, `"user":2`) && strings.Contains(now, `"mine"`) && r.last == "W" {
				return "a write made as user 1 is in a session that belongs to user 2"
			}
			return ""
		}, nil, 0, 0},
		{"5b a write, Node logs out under the same id", in, procs{"W": step("set mine 1"), "N": func(p *process) { p.node(`{"user":1`, `{"gone":1`) }}, func(r *run) string {
			w := r.procs["W"].result
			if now := r.st.record(r.id); w.ok() && strings.Contains(w.text, `"user":1`) && !strings.Contains(now, `"user":1`) && strings.Contains(now, `"mine"`) && r.last == "W" {
				return "a write made as user 1 went on top of Node's log-out"
			}
			return ""
		}, nil, 0, 0},
		{"8a a log-in and a read that finds its record gone", anonymous, procs{"G": step("login 1"), "R": step()}, func(r *run) string {
			if r.procs["R"].result.ok() && r.procs["R"].b.Cookie(cookieName) != r.cookie {
				return "a read touched the cookie"
			}
			return ""
		}, nil, 0, 0},
		{"8b a log-in and a request that sees the old stamp", in, procs{"P": step("login 1"), "Q": step("revoke")}, arrived("P", "1"), nil, 0, 0},
	}
}

// destroyLinked is the process of an administrator.
func destroyLinked(p *process) {
	p.result = outcome{}
	ctx := withProcess(p.t.Context(), p.name)
	if _, err := p.m.DestroyLinked(ctx, "passport:1"); err == nil {
		p.result.status = 200
	} else {
		p.result.status = 503
	}
}

func TestExploreEveryInterleaving(t *testing.T) {
	total := 0
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			n := explore(t, &sc)
			total += n
			t.Logf("%d runs", n)
		})
	}
	t.Logf("%d runs in all", total)
}
