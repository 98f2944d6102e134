package model

import (
	"cmp"
	"time"
)

// Fate is what an answer must do with a cookie. The zero value is that it must not touch it: the session's
// cookie is touched only by a log-in, a renewal, a log-out, and what gives a visitor without a session one
// (S13).
type Fate int

// The fates of a cookie. Expired applies to one that was presented.
const (
	MaySet Fate = 1 << iota
	MayExpire
	Must
	Set     = Must | MaySet
	Expired = Must | MayExpire
)

// Answer is what the answer to a request must be. The zero value is 200, and no cookie is touched.
type Answer struct {
	Status         int           // 0 is 200
	Refused        string        // what is refused
	Session, Token Fate          // of the session's cookie, and of the cookie of RememberMe
	Next           string        // the token in the latter; "" is any other than the presented one
	User           int           // the user whom the page shows
	Taken, Left    bool          // the new id is not new; what the request presents has ended
	InUse          *Session      // after the request; nil if nothing is said of its cookie:
	Again          Fate          // of the session's cookie with the presented id
	Until          time.Time     // the Expires of the session's cookie
	Keeps          time.Duration // the Max-Age of the cookie of RememberMe

	follows []func(done Said) // what follows a log-in; best effort where an outage hits the request (M16)
}

// Deny requires that the request is refused.
func (m *Model) Deny(status int, what string) { m.Answer.Status, m.Answer.Refused = status, what }

// follows adds what happens once the request is answered.
func (m *Model) follows(f func(done Said)) { m.Answer.follows = append(m.Answer.follows, f) }

// Answered ends a request, and returns what its answer must be. The session's cookie lasts until the
// session's limit, or with Rolling as long as the session may be unused.
func (m *Model) Answered(v *Visit) (a Answer) {
	a, m.Answer = m.Answer, a
	for _, f := range a.follows {
		f(sure(!v.Met))
	}
	if r := m.Tokens[v.Next]; r != nil {
		a.Keeps = r.At.Add(m.Remember).Sub(v.Now)
	}
	if a.InUse = cmp.Or(m.Live[v.ID], a.InUse); a.InUse == nil || m.Live[a.InUse.ID] != a.InUse {
		a.InUse = nil
		return a
	}
	if m.Persistent {
		a.Until = m.limit(a.InUse, a.InUse.all()...)
	}
	if unused := v.Now.Add(m.Idle); m.Rolling && unused.Before(a.Until) {
		a.Until = unused
	}
	return a
}

// Event is what the model requires of a guard.Event.
type Event struct {
	Guard          int
	Name, Outcome  string // the latter follows from the name
	Reason         string
	Strategy       string
	User           int    // 0 if none
	Session        string // its id
	Count          int    // negative: unknown
	Account        string // the account that refused credentials name
	Unsure, Anyone bool   // it may be sent or not; any User is allowed
}

// Anything allows any Reason or Session, or any value of a session.
const Anything = "?"

// expect requires the event of a log-in in a session, which may be nil. Each is sent once.
func (m *Model) expect(name string, l *LogIn, s *Session, e Event) {
	if e.Name, e.Guard, e.User = name, l.Guard, l.User; s != nil {
		e.Session = s.ID
	}
	m.Events = append(m.Events, e)
}

// unshown removes a session whose id no answer shows, because the same request replaces it. Its events may
// name any.
func (m *Model) unshown(id string) {
	delete(m.Live, id)
	for i := range m.Events {
		if m.Events[i].Session == id {
			m.Events[i].Session = Anything
		}
	}
}
