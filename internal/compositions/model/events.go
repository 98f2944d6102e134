package model

import (
	"slices"
	"strings"
)

// Event is what guard.Event says of a step.
type Event struct {
	Guard        int
	Name, Reason string
	Strategy     string
	User         int    // 0 for none
	Session      string // its id
	Count        int    // less than 0: not said
	Account      string // whom refused credentials claim
	Outcome      string
	Unsure       bool // whether it is sent is not said
	anyone       bool // nor whose User
}

// Anything stands for a Reason or Session of which nothing is said.
const Anything = "?"

// outcomes are those of the names: what is refused is a failure.
var outcomes = map[string]string{
	"authn_login_success": "success", "session_created": "success", "session_renewed": "success", "session_expired": "success",
	"authn_login_fail": "failure", "excess_rate_limit_exceeded": "failure", "authz_fail": "failure", "authn_token_reuse": "failure", "session_binding_failed": "failure",
}

// expect demands the event in this step.
func (m *Model) expect(e Event) {
	if e.Outcome = outcomes[e.Name]; strings.HasPrefix(e.Session, "between") { // the events of one that was renewed at once may say either
		e.Session = Anything
	}
	m.events = append(m.events, e)
}

// Expected returns the events of the step that are to be sent, each once, and no other.
func (m *Model) Expected() (list []Event) {
	list, m.events = m.events, nil
	return list
}

// Covers reports whether e is the event that w demands.
func (w Event) Covers(e Event) bool {
	return e.Guard == w.Guard && e.Name == w.Name && e.Outcome == w.Outcome && e.Strategy == w.Strategy && e.Account == w.Account &&
		(w.Reason == Anything || slices.Contains(strings.Split(w.Reason, "|"), e.Reason)) &&
		(w.anyone || e.User == w.User) && (w.Session == Anything || e.Session == w.Session) && (w.Count < 0 || e.Count == w.Count)
}

// lost demands the event of an id that was presented and is over. A limit ends a record that
// Express made last longer, which then says who was logged in.
func (m *Model) lost(v *Visit) {
	if len(v.IDs) == 0 {
		return
	}
	e := Event{Guard: v.Guard, Name: "session_expired", Reason: "timeout_or_ended", Session: v.IDs[len(v.IDs)-1]}
	for _, id := range v.Unproved {
		if s := m.Live[id]; s != nil { // it lives on
			e.Name, e.Reason, e.Session = "session_binding_failed", "no_proof", id
			if l := s.LogIns[v.Guard]; l != nil {
				e.User = l.User
			}
		}
	}
	if m.Past[e.Session] != nil {
		e.Reason, e.anyone, e.Unsure = "timeout_or_ended|absolute_timeout", true, true
	}
	m.expect(e)
}
