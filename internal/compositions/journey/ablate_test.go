//go:build integration

package journey_test

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/ablate"
)

var early = flag.Bool("early", false, "also search for what is found late, for the table in docs/RELIABILITY.md")

// mend is a fix that is removed from the code, and what the random journeys or the races must then report:
// a kind of broken promise, after a step whose name has that prefix. If a search finds it late, one of the
// journeys in late is run instead.
type mend struct {
	name, file, old, without string
	engine, kind, step       string
}

const (
	journeys, races = "^TestRandomJourneys$", "^TestRaces$"
	gone            = "session: one that lives is gone"
	ended           = "race: a log-in that an answered request ended lives"
)

var mends = []mend{
	{"C1: the application's word is worth credentials", "guard/login.go", "Renews: o.renews,", "Renews: false,",
		races, ended, ""},
	{"C2: a refused log-in logs out", "guard/login.go", "\t\tst.Slots.Forget()\n\t\tg.clearUser(st)\n\t\tg.dropSeries", "\t\t_ = st.Slots.LogOut(ctx, g.cfg.SessionKey)\n\t\tg.clearUser(st)\n\t\tg.dropSeries",
		journeys, "cookie: a refused log-in touches the session's cookie", "log in"},
	{"C5: labels outlive the log-in that brought them", "guard/login.go", "if o.renews {\n\t\tin.Keeps", "if true {\n\t\tin.Keeps",
		journeys, gone, "log-out by the provider"},
	{"C6: a log-out forgets no browser", "guard/logout.go", "if err := g.endSeries(r, st); err != nil {", "if err := error(nil); err != nil {",
		journeys, "cookie: log out keeps the cookie of RememberMe", ""},
	{"C9: a log-in that replaces another is no event", "guard/login.go", "if p.replaced.User != nil && (", "if p.replaced.User != nil && false && (",
		journeys, `event: session_expired of the reason "replaced" is missing`, "log in"},
	{"S1: an end follows one move only", "internal/protocol/end.go", "err != nil || id == \"\" {\n\t\t\treturn err", "err != nil || id != \"-\" {\n\t\t\treturn err",
		races, ended, ""},
	{"S6: the handler's header decides which cookies expire", "session/setcookies.go", "cookies.Sent(s.cookies, a.name) ||", `cookies.Sent(s.req.r.Header.Get("Cookie"), a.name) ||`,
		journeys, "cookie: log out keeps the session's cookie", "log out"},
	{"S24: what Node copied counts", "internal/record/notes.go", "copied = !bytes.Equal(tied, tie[:])", "copied = len(tie) == 0",
		journeys, "list: when a device logged in", ""},
	{"S25: a form of another site makes a session", "session/commit.go", "if s.crossSite && s.visit", "if false && s.visit",
		journeys, "cookie: set from another site touches the session's cookie", ""},
	{"S31: the log-out of one guard ends the other's log-in", "internal/protocol/end.go", "if spare.stays = spare.stays || stays; stays || err != nil {", "if _ = stays; err != nil {",
		journeys, "cookie: log out touches the session's cookie", "log out"},
	{"G2: strategies share their counters", "strategy/throttle/attempt.go", "append(append([]string{kind}, a.names...), parts...)", "append([]string{kind}, parts...)",
		journeys, "answer: log in is 429, want 200", ""},
	{"G3: two guards have one key", "guard/guard.go", `for _, taken := range c.Sessions.Claim(claims, g.strategyCookies()...) {`, "c.Sessions.Claim(claims)\n\tfor _, taken := range claims[:0] {",
		journeys, "config: two guards with one key are started", ""},
	{"G5: a provider's log-out forgets no browser", "guard/linked.go", "err = g.cfg.RememberMe.ForgetLabel(ctx, g.linkPrefix()+label)", "err = nil",
		journeys, "answer: a page of nobody is 200, want 401", ""},
	{"G10: a pending log-in passes", "guard/restore.go", "e = e.lacking(missing)", "_ = missing",
		journeys, "answer: a page of nobody is 200, want 401", ""},
	{"G16: labels outlive a log-out", "internal/record/draft.go", `strings.HasPrefix(l, key+":")`, `strings.HasPrefix(l, key+":never:")`,
		journeys, gone, "log-out by the provider"},
	{"G18: each session of a browser counts", "guard/sessions.go", "s.key = s.labels[i]", "_ = i",
		journeys, gone, ""},
	{"G19: the end of an older session ends the caller's own", "guard/sessions.go", "case s.Current && s.Ref != ref:", "case false:",
		journeys, gone, "end a device of one's own"},
	{"G20: users are compared as JSON text", "guard/username.go", "return errors.Join(err, err2) == nil && x == y", "return errors.Join(err, err2) == nil && x == y && len(a) == 0",
		journeys, "list: the number of a user's devices", ""},
	{"G21: credentials that were shown and refused are sent to LoginURL", "guard/answer.go", "stays = len(refusal.shown()) > 0", "stays = len(refusal.shown()) > 99",
		journeys, "answer: a wrong log-in is 303, want 401", ""},
	{"G34: a lost stamp is accepted", "guard/guard.go", "if g.stamps, hidden = stampsOf(users); hidden {", "if g.stamps, hidden = stampsOf(users); hidden && false {",
		journeys, "config: a lost stamp is accepted", ""},
	{"a refused log-in is no event", "guard/login.go", "if errors.Is(err, ErrTooManySessions) {", "if false {",
		journeys, `event: authz_fail of the reason "too_many" is missing`, "log in"},
	{"the cookie is not sent again when the session is refreshed", "session/commit.go", "if via := s.visit.Via; s.m.cfg.Rolling && moved ||", "if via := s.visit.Via; s.m.cfg.Rolling && moved && false ||",
		journeys, "cookie: it is not sent again", ""},
	{"a renewed log-in begins another series", "guard/remember.go", "if p.in.Renews || p.begun != nil {", "if p.begun != nil {",
		races, "race: a browser whose user was logged out is let in", ""},
	{"a pending recall expires the cookie", "guard/remember.go", "_, pending := errors.AsType[*Insufficient](err); !pending && errors.Is", "errors.Is",
		journeys, "cookie: a page of nobody does not set the cookie of RememberMe", ""},
	{"a recalled session that is as old as another guard's ends", "guard/remember.go", "}, g.ref(ctx)) // our own", "}, \"\") // our own",
		journeys, gone, ""},
	{"what a log-in ends is counted", "guard/maximum.go", "\tp.excess = slices.DeleteFunc(p.excess", "\t_ = slices.DeleteFunc(slices.Clone(p.excess)",
		journeys, gone, "log in"},
	{"a link from another site ends a session", "guard/remember.go", "if errors.Is(err, reqstate.ErrDropped) {", "if errors.Is(err, reqstate.ErrDropped) && false {",
		journeys, gone, "follow a link"},
	{"a step up does not list what Node made", "internal/protocol/plan.go", "d.AddLabel(record.UserLabel(key, name))", "_ = name",
		journeys, "list: the number of a user's devices", "step up"},
	{"a strategy waits for a store that hangs", "strategy/internal/bounded/bounded.go", "return c.inner.Add(ctx,", "return c.inner.Add(context.WithoutCancel(ctx),",
		journeys, "outage: a request waits for the store without a limit", ""},
	{"S19: a bound session needs no proof", "session/devicebound.go", "to != \"\" && !b.ReportOnly && !b.proves(s, to)", "to != \"\" && b.ReportOnly && !b.proves(s, to)",
		journeys, "answer: a page of nobody is 200, want 401", "a thief's page"},
	{"streams: the text of the user's id decides", "internal/protocol/look.go", "case same:", "case same && false:",
		journeys, "stream: one whose log-in goes on has ended", "change the password"},
	{"streams: a session that moved is gone", "internal/protocol/look.go", "if next != \"\" {", "if next == \"-\" {",
		journeys, "stream: one whose log-in goes on has ended", ""},
	{"streams: nobody listens", "internal/protocol/watch.go", "if of := w.sessions[h]; of != nil {", "if of := w.sessions[h]; of != nil && false {",
		journeys, "stream: one whose log-in has ended goes on", ""},
}

// TestEachMendIsMissed removes one fix at a time from a copy of the code, and requires that the journeys or
// the races then break the promise that it keeps: a check that cannot fail proves nothing. It logs how soon
// each was found. With no fix removed, the copy must pass; that run, without the race detector, is also the
// longest search of CI.
func TestEachMendIsMissed(t *testing.T) {
	t.Parallel()
	var rows []ablate.Row
	for _, m := range mends {
		rows = append(rows, ablate.Row{Name: m.name, File: m.file, Old: m.old, New: m.without, Finds: m.engine})
	}
	copied := ablate.Build(t, "../../..", rows)
	seeded := fmt.Sprintf("-seed=%d", *seed)
	searched := regexp.MustCompile(`(\d+ (?:journeys|races)).* in ([0-9.a-zµ]+).*`)
	for _, engine := range []string{journeys, races, "^TestJourneysOnSQLite$"} {
		t.Run("nothing "+engine, func(t *testing.T) {
			t.Parallel()
			out, passed := copied.Run(t, -1, engine, seeded, "-for=55s", "-full")
			if !passed {
				t.Errorf("with every fix in place the tests fail:\n%s", out)
			}
			t.Log(searched.FindString(out))
		})
	}
	found := make([]string, len(mends))
	t.Cleanup(func() { t.Log("how soon each is found\n" + strings.Join(found, "")) })
	for i, m := range mends {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			_, isLate := late[m.name]
			if isLate = isLate && !*early; isLate {
				m.engine = "^TestLateJourneys$/^" + regexp.QuoteMeta(m.name) + "$"
			}
			out, passed := copied.Run(t, i, m.engine, seeded, "-kind="+m.kind, "-step="+m.step, "-for=10m")
			after := searched.FindStringSubmatch(out)
			if after != nil && passed {
				found[i] = fmt.Sprintf("| %s | %s | not in %s, %s |\n", m.name, m.kind, after[1], after[2])
			}
			if passed || after == nil && !isLate || !strings.Contains(out, m.kind) {
				t.Fatalf("without the fix %s does not report %q:\n%s", m.engine, m.kind, out)
			}
			if isLate {
				return
			}
			found[i] = fmt.Sprintf("| %s | %s | %s, %s |\n", m.name, m.kind, after[1], after[2])
			t.Logf("found after %s", after[2])
		})
	}
}

// TestEachRuleOfTheModelBites changes one rule of the model at a time in a copy, and requires that the rule's
// journey then breaks: a rule that no journey can break says nothing.
func TestEachRuleOfTheModelBites(t *testing.T) {
	t.Parallel()
	var rows []ablate.Row
	for _, r := range rules {
		rows = append(rows, ablate.Row{Name: r.name, File: "model/" + r.file, Old: r.old, New: r.without})
	}
	changed := ablate.Build(t, "..", rows)
	for i, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			out, passed := changed.Run(t, i, "^TestJourneysOfRules$/^"+regexp.QuoteMeta(r.name)+"$")
			if passed {
				t.Fatalf("without the rule its journey does not break:\n%s", out)
			}
			broken := regexp.MustCompile(`after step \d+:\n\s*(.*)`).FindStringSubmatch(out)
			if broken == nil {
				t.Fatalf("the journey did not break a promise:\n%s", out)
			}
			t.Log(broken[1])
		})
	}
}
