package model

import (
	"cmp"
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
	Anyone       bool // any User is allowed
}

// Anything allows any Reason or Session, or any value of a session.
const Anything = "?"

// expect requires the event of a log-in in a session, which may be nil.
func (m *Model) expect(name string, l *LogIn, s *Session, e Event) {
	e.Name, e.Guard, e.User, e.Outcome = name, l.Guard, l.User, "failure"
	switch name {
	case "authn_login_success", "session_created", "session_renewed", "session_expired":
		e.Outcome = "success"
	}
	if s != nil {
		e.Session = s.ID
	}
	if strings.HasPrefix(e.Session, "between") { // renewed twice in one request: either id is allowed
		e.Session = Anything
	}
	m.events = append(m.events, e)
}

// Expected returns the events that the step must send, each once, and no others. It resets the list.
func (m *Model) Expected() (list []Event) {
	list, m.events = m.events, nil
	return list
}

// lost requires the event of a presented id that is no longer valid. A session that Express made may
// outlast its limits; the event of the limit then names the user.
func (m *Model) lost(v *Visit) {
	if len(v.IDs) == 0 {
		return
	}
	name, l, e := "session_expired", &LogIn{Guard: v.Guard}, Event{Reason: "timeout_or_ended"}
	e.Session = v.IDs[len(v.IDs)-1]
	for _, id := range v.Unproved {
		if s := m.Live[id]; s != nil { // the session is live, but the key was not proved (S19)
			name, l, e.Reason, e.Session = "session_binding_failed", cmp.Or(s.of(v.Guard), l), "no_proof", id
		}
	}
	if m.Past[e.Session] {
		e.Reason, e.Anyone, e.Unsure = "timeout_or_ended|absolute_timeout", true, true
	}
	m.expect(name, l, nil, e)
}
