package model

import (
	"slices"
	"strings"
)

// Event is what the model requires of a guard.Event.
type Event struct {
	Guard        int
	Name, Reason string
	Strategy     string
	User         int    // 0 if none
	Session      string // its id
	Count        int    // negative: unknown
	Account      string // the account that refused credentials name
	Outcome      string
	Unsure       bool // it may be sent or not
	anyone       bool // any User is allowed
}

// Anything allows any Reason or Session, or any value of a session.
const Anything = "?"

// outcomes maps the names of events to their outcomes.
var outcomes = map[string]string{
	"authn_login_success": "success", "session_created": "success", "session_renewed": "success", "session_expired": "success",
	"authn_login_fail": "failure", "excess_rate_limit_exceeded": "failure", "authz_fail": "failure", "authn_token_reuse": "failure", "session_binding_failed": "failure",
}

// expect requires the event in this step.
func (m *Model) expect(e Event) {
	if e.Outcome = outcomes[e.Name]; strings.HasPrefix(e.Session, "between") { // renewed twice in one request: either id is allowed
		e.Session = Anything
	}
	m.events = append(m.events, e)
}

// Expected returns the events that the step must send, each once, and no others. It resets the list.
func (m *Model) Expected() (list []Event) {
	list, m.events = m.events, nil
	return list
}

// Covers reports whether e satisfies w.
func (w Event) Covers(e Event) bool {
	return e.Guard == w.Guard && e.Name == w.Name && e.Outcome == w.Outcome && e.Strategy == w.Strategy && e.Account == w.Account &&
		(w.Reason == Anything || slices.Contains(strings.Split(w.Reason, "|"), e.Reason)) &&
		(w.anyone || e.User == w.User) && (w.Session == Anything || e.Session == w.Session) && (w.Count < 0 || e.Count == w.Count)
}

// lost requires the event of a presented id that is no longer valid. A session that Express made may
// outlast its limits; the event of the limit then names the user.
func (m *Model) lost(v *Visit) {
	if len(v.IDs) == 0 {
		return
	}
	e := Event{Guard: v.Guard, Name: "session_expired", Reason: "timeout_or_ended", Session: v.IDs[len(v.IDs)-1]}
	for _, id := range v.Unproved {
		if s := m.Live[id]; s != nil { // the session is live, but the key was not proved
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
