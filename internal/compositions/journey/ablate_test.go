//go:build integration

package journey_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-6f34412b/passport/internal/ablate"
)

// TestEachMendIsMissed takes one mend at a time out of a copy of the code and demands that the
// journeys or the races then fail: a check that cannot fail proves nothing. The log has how soon
// each was found. With none taken out, the copy has to pass; that run, which the race detector does
// not slow down, is also the longest one of CI.
func TestEachMendIsMissed(t *testing.T) {
	t.Parallel()
	const random, races = "^TestRandomJourneys$", "^TestRaces$"
	rows := []ablate.Row{
		{"C1: the application's word is worth credentials", "guard/login.go", "Renews: o.renews,", "Renews: false,", races},
		{"C2: a refused log-in logs out", "guard/login.go", "\t\tst.Slots.Forget()\n\t\tg.clearUser(st)\n\t\tg.dropSeries", "\t\t_ = st.Slots.LogOut(ctx, g.cfg.SessionKey)\n\t\tg.clearUser(st)\n\t\tg.dropSeries", random},
		{"C5: labels outlive the log-in that brought them", "guard/login.go", "if o.renews {\n\t\tin.Keeps", "if true {\n\t\tin.Keeps", random},
		{"C6: a log-out forgets no browser", "guard/logout.go", "if err := g.endSeries(r, st); err != nil {", "if err := error(nil); err != nil {", random},
		{"C9: a log-in that replaces another is no event", "guard/login.go", "if p.replaced.User != nil && (", "if p.replaced.User != nil && false && (", random},
		{"S1: an end follows one move only", "internal/protocol/end.go", "err != nil || id == \"\" {\n\t\t\treturn err", "err != nil || id != \"-\" {\n\t\t\treturn err", races},
		{"S6: the handler's header decides which cookies expire", "session/setcookies.go", "cookies.Sent(s.cookies, a.name) ||", `cookies.Sent(s.req.r.Header.Get("Cookie"), a.name) ||`, random},
		{"S24: what Node copied counts", "internal/record/notes.go", "copied = !bytes.Equal(unquoted(in.Value()), tie[:])", "copied = len(tie) == 0", random},
		{"S25: a form of another site makes a session", "session/commit.go", "if s.crossSite && s.visit", "if false && s.visit", random},
		{"S31: the log-out of one guard ends the other's log-in", "internal/protocol/end.go", "if spare.stays = spare.stays || stays; stays || err != nil {", "if _ = stays; err != nil {", random},
		{"G2: strategies share their counters", "strategy/throttle/attempt.go", "append(append([]string{kind}, a.names...), parts...)", "append([]string{kind}, parts...)", random},
		{"G3: two guards have one key", "guard/guard.go", `for _, taken := range c.Sessions.Claim(claims, g.strategyCookies()...) {`, "c.Sessions.Claim(claims)\n\tfor _, taken := range claims[:0] {", random},
		{"G5: a provider's log-out forgets no browser", "guard/linked.go", "err = g.cfg.RememberMe.ForgetLabel(ctx, g.linkPrefix()+label)", "err = nil", random},
		{"G10: a pending log-in passes", "guard/restore.go", "e = e.lacking(missing)", "_ = missing", random},
		{"G16: labels outlive a log-out", "internal/record/draft.go", `strings.HasPrefix(l, key+":")`, `strings.HasPrefix(l, key+":never:")`, random},
		{"G18: each session of a browser counts", "guard/sessions.go", "s.key = s.labels[i]", "_ = i", random},
		{"G19: the end of an older session ends the caller's own", "guard/sessions.go", "case s.Current && s.Ref != ref:", "case false:", random},
		{"G20: users are compared as JSON text", "guard/username.go", "return errors.Join(err, err2) == nil && x == y", "return errors.Join(err, err2) == nil && x == y && len(a) == 0", random},
		{"G21: credentials that were shown and refused are sent to LoginURL", "guard/answer.go", "stays = len(refusal.shown()) > 0", "stays = len(refusal.shown()) > 99", random},
		{"G34: a lost stamp is accepted", "guard/guard.go", "if g.stamps, hidden = stampsOf(users); hidden {", "if g.stamps, hidden = stampsOf(users); hidden && false {", random},
		{"a refused log-in is no event", "guard/login.go", "if errors.Is(err, ErrTooManySessions) {", "if false {", random},
		{"the cookie is not sent again when the session is refreshed", "session/commit.go", "if via := s.visit.Via; s.m.cfg.Rolling && moved ||", "if via := s.visit.Via; s.m.cfg.Rolling && moved && false ||", random},
		{"a renewed log-in begins another series", "guard/remember.go", "if p.in.Renews || p.begun != nil {", "if p.begun != nil {", races},
		{"a pending recall expires the cookie", "guard/remember.go", "_, pending := errors.AsType[*Insufficient](err); !pending && errors.Is", "errors.Is", random},
		{"a recalled session that is as old as another guard's ends", "guard/remember.go", "info.Ref != current && info", "current != \"\" && info", random},
		{"what a log-in ends is counted", "guard/maximum.go", "\tp.excess = slices.DeleteFunc(p.excess", "\t_ = slices.DeleteFunc(slices.Clone(p.excess)", random},
		{"a link from another site ends a session", "guard/remember.go", "if errors.Is(err, reqstate.ErrDropped) {", "if errors.Is(err, reqstate.ErrDropped) && false {", random},
		{"a step up does not list what Node made", "internal/protocol/plan.go", "d.AddLabel(record.UserLabel(key, name))", "_ = name", random},
	}
	copied := ablate.Build(t, "../../..", rows)
	// Journeys that find a mend late are numbered: the search begins there, and goes on if the code has
	// changed so that this one no longer finds it.
	late := map[string]int{"G5": 6369, "G19": 12855, "a recalled session": 2433, "what a log-in ends": 21267, "G18": 457, "S31": 1293, "S24": 2927}
	seeded := fmt.Sprintf("-seed=%d", *seed)
	searched := regexp.MustCompile(`\d+ (journeys|races).* in [0-9.a-zµ]+.*`)
	for _, run := range []string{random, races} {
		t.Run("nothing "+run, func(t *testing.T) {
			t.Parallel()
			out, passed := copied.Run(t, -1, run, seeded, "-for=1m", "-full")
			if !passed {
				t.Errorf("with every mend it fails:\n%s", out)
			}
			t.Log(searched.FindString(out))
		})
	}
	for i, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			from := 0
			for name, n := range late {
				if strings.HasPrefix(row.Name, name) {
					from = n
				}
			}
			out, passed := copied.Run(t, i, row.Finds, seeded, "-first", "-for=8m", fmt.Sprintf("-from=%d", from))
			if passed {
				t.Fatalf("without the mend %s still passes:\n%s", row.Finds, out)
			}
			t.Logf("%s: %s", regexp.MustCompile(`(?m)after step \d+:\n\s*(.*)$|\[\{.*?\}`).FindString(out), searched.FindString(out))
		})
	}
}
