package model

import (
	"fmt"
	"time"
)

// Fate is what an answer must do with a cookie. The session's cookie is touched only by a log-in, a renewal,
// a log-out, and what gives a visitor without a session one (S13); everything else keeps it.
type Fate int

// The fates of a cookie. Either is where the documents leave it open.
const (
	Kept Fate = iota
	Set
	Expired
	Either
)

// answer is what the answer to the current request must be.
type answer struct {
	what           string            // the request
	session, token Fate              // of the session's cookie, and of the cookie of RememberMe
	used           *Session          // by the request
	follows        []func(sure bool) // what follows a log-in; best effort where an outage hits the request (M16)
}

// status requires the answer's status.
func (m *Model) status(v *Visit, want int, what string) {
	m.answer.what = what
	m.Want(v.Status == want, fmt.Sprintf("answer: %s is %d, want %d", what, v.Status, want), "")
}

func (m *Model) follows(f func(sure bool)) { m.answer.follows = append(m.answer.follows, f) }

// Cookies requires what becomes of the session's cookie and of the cookie of RememberMe.
func (m *Model) Cookies(v *Visit, session, token Fate, what string) {
	m.cookie(session, v.ID != "", v.Gone, what, "the session's cookie")
	m.cookie(token, v.Next != "", v.Forgot, what, "the cookie of RememberMe")
	m.Want(v.Next == "" || v.Next != v.Token, "token: the presented one is sent again", "by %s", what)
}

func (m *Model) cookie(f Fate, set, expired bool, what, which string) {
	m.Want(f != Kept || !set && !expired, "cookie: "+what+" touches "+which, "set: %v, expired: %v", set, expired)
	m.Want(f != Set || set && !expired, "cookie: "+what+" does not set "+which, "expired: %v", expired)
	m.Want(f != Expired || expired, "cookie: "+what+" keeps "+which, "set: %v", set)
}

// Answered is called for each request after the method that models it. It checks the cookies and their
// attributes, and whether the session's cookie is sent again: that happens only with Reissue, and with
// Rolling whenever the session is refreshed.
func (m *Model) Answered(v *Visit) {
	a := m.answer
	m.answer = answer{}
	for _, f := range a.follows {
		f(!v.Met)
	}
	if a.what != "" { // not a call outside a request
		m.Cookies(v, a.session, a.token, a.what)
	}
	s, again := a.used, false
	switch {
	case v.Met, v.Stale: // the times may differ, or the record was not the current one
		return
	case v.ID != "":
		s = m.Live[v.ID]
	case s != nil && m.Live[s.ID] == s && !v.Gone:
		again = v.Again
		want := v.Reissues || m.Rolling && s.Due
		m.Want(again || !want, "cookie: it is not sent again", "reissued: %v, rolling: %v", v.Reissues, m.Rolling)
		m.Want(!again || v.Reissues || m.Rolling, "cookie: it is sent again", "%s", Short(s.ID))
	}
	if s != nil && !s.Node && (v.ID != "" || again) {
		var until time.Time
		var age time.Duration
		if m.Persistent {
			if until = m.limit(s); m.Rolling && until.After(v.Now.Add(m.Idle)) {
				until = v.Now.Add(m.Idle)
			}
			if v.Ages {
				age = until.Sub(v.Now)
			}
		}
		m.Want(v.Until.Equal(until.Truncate(time.Second)), "cookie: its Expires", "got %v, want %v", v.Until, until)
		m.Want(v.MaxAge == age.Truncate(time.Second), "cookie: its Max-Age", "got %v, want %v", v.MaxAge, age)
	}
	if r := m.Tokens[v.Next]; r != nil {
		left := r.At.Add(m.Remember).Sub(v.Now).Truncate(time.Second)
		m.Want(v.Keeps == left, "cookie: the Max-Age of what remembers", "got %v, want %v", v.Keeps, left)
	}
}

// Short shortens an id for messages.
func Short(id string) string { return id[:min(len(id), 6)] }
