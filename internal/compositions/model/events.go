package model

import (
	"fmt"
	"slices"
	"strings"
)

// Event is what guard.Event says of a step.
type Event struct {
	Guard          int
	Name, Reason   string
	Strategy       string
	User           int    // 0 for none
	Session        string // its id
	Count          int    // less than 0: not said
	Account        string // whom refused credentials claim
	Outcome        string
	anyone, unsure bool // User, and whether it is sent at all, is not said
}

// anything stands for a Reason or Session of which nothing is said.
const anything = "?"

// outcomes are those of the names: what is refused is a failure.
var outcomes = map[string]string{
	"authn_login_success": "success", "session_created": "success", "session_renewed": "success", "session_expired": "success",
	"authn_login_fail": "failure", "excess_rate_limit_exceeded": "failure", "authz_fail": "failure", "authn_token_reuse": "failure",
}

// expect demands the event in this step.
func (m *Model) expect(e Event) {
	if e.Outcome = outcomes[e.Name]; strings.HasPrefix(e.Session, "between") { // the events of one that was renewed at once may say either
		e.Session = anything
	}
	m.events = append(m.events, e)
}

// Heard is told of all events of a step, and demands those that were to be sent, each once, and no other.
func (m *Model) Heard(got []Event) {
	want := m.events
	if m.events = nil; m.muted(got) {
		return
	}
	var extra []Event
	for _, e := range got {
		if i := slices.IndexFunc(want, func(w Event) bool { return w.covers(e) }); i >= 0 {
			want = slices.Delete(slices.Clone(want), i, i+1)
		} else {
			extra = append(extra, e)
		}
	}
	for _, w := range want {
		m.want(w.unsure, fmt.Sprintf("event: %s of the reason %q is missing", w.Name, w.Reason), "got %+v, want %+v", got, w)
	}
	for _, e := range extra {
		m.want(false, fmt.Sprintf("event: %s of the reason %q is sent", e.Name, e.Reason), "got %+v, want %+v", e, want)
	}
}

// covers reports whether e is the event that w demands.
func (w Event) covers(e Event) bool {
	return e.Guard == w.Guard && e.Name == w.Name && e.Outcome == w.Outcome && e.Strategy == w.Strategy && e.Account == w.Account &&
		(w.Reason == anything || slices.Contains(strings.Split(w.Reason, "|"), e.Reason)) &&
		(w.anyone || e.User == w.User) && (w.Session == anything || e.Session == w.Session) && (w.Count < 0 || e.Count == w.Count)
}

// lost demands the event of an id that was presented and is over. A limit ends a record that
// Express made last longer, which then says who was logged in.
func (m *Model) lost(v *Visit) {
	if len(v.IDs) == 0 {
		return
	}
	e := Event{Guard: v.Guard, Name: "session_expired", Reason: "timeout_or_ended", Session: v.IDs[len(v.IDs)-1]}
	if m.past[e.Session] != nil {
		e.Reason, e.anyone, e.unsure = "timeout_or_ended|absolute_timeout", true, true
	}
	m.expect(e)
}
