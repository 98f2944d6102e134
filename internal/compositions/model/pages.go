package model

import (
	"cmp"
	"slices"
	"time"
)

// Page is a page behind a guard: which log-ins may pass, and the refusal of the others.
type Page struct {
	status  int
	refusal Event
	May     func(*Model, *Visit, *LogIn) bool
}

// The pages behind Guard.RequireAuth, RequireFactor("totp"), RequireFresh, and Require, whose check asks
// for the role that the user has now.
var (
	Me     = Page{0, Event{}, func(*Model, *Visit, *LogIn) bool { return true }}
	Proved = Page{401, Event{Reason: "factor", Strategy: "totp"},
		func(_ *Model, _ *Visit, l *LogIn) bool { return slices.Contains(l.Factors, "totp") }}
	Fresh = Page{401, Event{Reason: "not_fresh"},
		func(m *Model, v *Visit, l *LogIn) bool { return !l.At.IsZero() && v.Now.Sub(l.At) <= m.Fresh }}
	Admin = Page{403, Event{Reason: "forbidden"},
		func(m *Model, _ *Visit, l *LogIn) bool { return m.Roles[l.Account()] == "admin" }}
)

// Page models a request for a page. It returns the log-in, as long as which a stream of Guard.Watch lasts.
func (m *Model) Page(v *Visit, p Page) *LogIn {
	s, l := m.restore(v)
	if l != nil && p.May(m, v, l) {
		m.Answer.User = l.User
	} else if l != nil {
		m.Deny(p.status, "a page for others")
		m.expect("authz_fail", l, s, p.refusal)
	}
	return l
}

// restore returns the session and the log-in with which a request passes Guard.RequireAuth: the one in the
// session, or else that of the remembered browser. If there is none, it requires the refusal.
func (m *Model) restore(v *Visit) (*Session, *LogIn) {
	s, l := m.remembered(v)
	if l == nil {
		s, l = m.recall(v, s)
	}
	if l != nil && m.Pending(l) {
		m.expect("authz_fail", l, s, Event{Reason: "factor", Strategy: m.Factor})
		l = nil
	}
	if l == nil {
		m.Deny(cmp.Or(m.Answer.Status, 401), "a page of nobody")
	}
	return s, l
}

// remembered returns the session of a request, and the log-in in it. If an outage hits the request, what a
// changed stamp ends may stay; it lets nobody pass (M11).
func (m *Model) remembered(v *Visit) (*Session, *LogIn) {
	s := m.Find(v)
	l, over := s.of(v.Guard), cmp.Or(s, nobody).Over[v.Guard]
	switch {
	case s == nil:
		m.lost(v)
	case l == nil && over != nil:
		m.expect("session_expired", over, s, Event{Reason: "absolute_timeout", Unsure: true})
	case l != nil && !m.Good(l): // M11
		m.expect("session_expired", l, s, Event{Reason: "stamp"})
		if l = nil; !s.others(v.Guard) {
			if m.MayEnd[s.ID] = none; !v.Met {
				m.End(s.ID, "")
			}
			s = nil
		}
	}
	return s, l
}

// lost requires the event of a presented id that is no longer valid, or whose key was not proved (S19). A
// session that Express made may outlast its limits; the event of the limit then names the user.
func (m *Model) lost(v *Visit) {
	if len(v.IDs) == 0 {
		return
	}
	name, l, last := "session_expired", &LogIn{Guard: v.Guard}, v.IDs[len(v.IDs)-1]
	e := Event{Reason: "timeout_or_ended", Session: last}
	if m.Past[last] {
		e = Event{Reason: "timeout_or_ended|absolute_timeout", Session: last, Anyone: true, Unsure: true}
	}
	for _, id := range v.Unproved {
		if s := m.Live[id]; s != nil {
			name, l, e = "session_binding_failed", cmp.Or(s.of(v.Guard), l), Event{Reason: "no_proof", Session: id}
		}
	}
	m.expect(name, l, nil, e)
}

// recall logs in the user of a remembered browser (M6), if its token is good.
func (m *Model) recall(v *Visit, s *Session) (*Session, *LogIn) {
	r, n := m.worth(v), &Session{}
	if r == nil {
		m.Answer.Token = Expired
		return s, nil
	}
	m.Answer.Token, m.Tokens[r.Token] = Set, r
	l := r.LogIn
	l.At, l.Begun, l.Factors, l.Form = time.Time{}, v.Now, nil, v.Form(r.User)
	if !v.Withheld { // otherwise it is valid for this page alone: an existing session may not be replaced
		if n = m.enter(v, s, &l, nil, "remember", ""); n == nil { // the browser stays remembered
			return s, nil
		}
		moved := r.Moved            // the request may change it again, and the password
		m.follows(func(done Said) { // the browser has lost the cookies of its earlier sessions
			for _, good := range []bool{true, false} { // a list hides those with another stamp
				earlier := func(s *Session, k *LogIn) bool {
					return s != nil && k.Series == r && s.Born.Before(moved) && m.Good(k) == good
				}
				m.end(earlier, m.Live[v.ID], min(done, sure(good)), nil, Event{})
			}
		})
	}
	m.expect("authn_login_success", &l, n, Event{Strategy: "remember"})
	return n, &l
}

// Presented returns the series of the token that the request presents, current or not, or nil if it has
// ended.
func (m *Model) Presented(v *Visit) *Series {
	r := m.Tokens[v.Token]
	if r == nil || r.Over == Yes || !v.Now.Before(r.At.Add(m.Remember)) {
		return nil
	}
	return r
}

// worth returns the series of the presented token, if that is valid, and replaces the token.
func (m *Model) worth(v *Visit) *Series {
	r := m.Presented(v)
	if r == nil || slices.Contains(r.Void, v.Token) || !m.Remembers(v, r) {
		return nil
	}
	switch {
	case v.Token == r.Older && v.Now.Sub(r.Moved) < m.Grace:
		m.Answer.Next = r.Token // the same for each of the tabs that are opened at the same time
	case v.Token == r.Token, v.Token == r.Older: // if an answer was lost, the current one was never used
		r.Older, r.Token, r.Moved = v.Token, v.Next, v.Now // a token is used once
	default: // an older one: two parties hold the token
		n := m.EndUser(r.Account(), Yes)
		m.expect("authn_token_reuse", &r.LogIn, nil, Event{Reason: "theft", Strategy: "remember", Count: n})
		return nil
	}
	if m.Stamp && r.Password != m.Passwords[r.Account()] {
		r.Over, m.Answer.Next = Yes, ""
		m.expect("session_expired", &r.LogIn, nil, Event{Reason: "stamp", Strategy: "remember"})
		return nil
	}
	return r
}
