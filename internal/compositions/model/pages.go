package model

import (
	"slices"
	"strings"
)

// Page is a page behind a guard: which log-ins may pass, and the refusal of the others.
type Page struct {
	what    string
	May     func(*Model, *Visit, *LogIn) bool
	status  int
	refusal Event
}

// The pages behind Guard.RequireAuth, RequireFactor("totp"), RequireFresh, and Require, whose check asks
// for the role that the user has now.
var (
	Me     = Page{"a page of a user", func(*Model, *Visit, *LogIn) bool { return true }, 0, Event{}}
	Proved = Page{"a page for a second factor", func(_ *Model, _ *Visit, l *LogIn) bool { return l.Proved("totp") }, 401, Event{Reason: "factor", Strategy: "totp"}}
	Fresh  = Page{"a page for a fresh log-in", func(m *Model, v *Visit, l *LogIn) bool { return !l.At.IsZero() && v.Now.Sub(l.At) <= m.Fresh }, 401, Event{Reason: "not_fresh"}}
	Admin  = Page{"a page for a role", func(m *Model, _ *Visit, l *LogIn) bool { return m.Roles[l.Account()] == "admin" }, 403, Event{Reason: "forbidden"}}
)

// Page models a request for a page. passed is the user that the page showed, or 0 if the request was
// refused.
func (m *Model) Page(v *Visit, p Page, passed int) {
	l := m.restore(v)
	switch {
	case l == nil:
	case p.May(m, v, l):
		m.Want(!m.status(v, 200, p.what) || passed == l.User, "user: another user's page", "got user %d, want %d", passed, l.User)
	default:
		m.status(v, p.status, p.what+" that does not qualify")
		m.forbidden(l, p.refusal)
	}
}

// forbidden requires the event of a log-in that is refused.
func (m *Model) forbidden(l *LogIn, e Event) {
	e.Name, e.Guard, e.User, e.Session = "authz_fail", l.Guard, l.User, m.at(l).ID
	m.expect(e)
}

// restore returns the log-in with which a request passes Guard.RequireAuth: the one in the session, or else
// that of the remembered browser. If there is none, it requires the refusal and returns nil.
func (m *Model) restore(v *Visit) *LogIn {
	s, l := m.remembered(v)
	want := 401
	if l != nil {
		if m.Want(!v.Gone, "cookie: a page expires the cookie", "the answer expires the session's cookie"); m.Pending(l) {
			m.Quiet(v, "a page for a pending log-in")
		}
	} else {
		l, want = m.recall(v, s)
	}
	if l != nil && m.Pending(l) {
		m.forbidden(l, Event{Reason: "factor", Strategy: m.Factor})
		l = nil
	}
	if l == nil {
		m.status(v, want, "a page of nobody")
	}
	return l
}

// remembered returns the session of a request, and the log-in in it.
func (m *Model) remembered(v *Visit) (*Session, *LogIn) {
	s := m.Find(v)
	if s == nil {
		m.lost(v)
		return nil, nil
	}
	l := s.LogIns[v.Guard]
	ended := Event{Guard: v.Guard, Name: "session_expired", Reason: "stamp", Session: s.ID}
	switch over := s.Over[v.Guard]; {
	case l == nil && over != nil:
		ended.Reason, ended.User, ended.Unsure = "absolute_timeout", over.User, true
		m.expect(ended)
	case l != nil && !m.Good(l): // M11
		ended.User = l.User
		m.expect(ended)
		if l = nil; !s.others(v.Guard) {
			m.End(s.ID)
			s = nil
		}
	}
	return s, l
}

// recall logs in the user of a remembered browser (M6). If that fails it returns nil and the status of the
// refusal.
func (m *Model) recall(v *Visit, s *Session) (*LogIn, int) {
	if v.Token == "" {
		return nil, 401
	}
	r := m.worth(v)
	if r == nil {
		m.Want(v.Forgot, "token: one that is not good is kept", "the answer keeps the cookie of RememberMe")
		return nil, 401
	}
	m.Tokens[r.Token] = r
	m.Want(v.Next != "", "token: a remembered browser gets no next token", "the answer has no cookie of RememberMe")
	l := &LogIn{Guard: r.Guard, User: r.User, Password: r.Password, Series: r, Labels: r.Labels, Listed: true, Form: m.form(v, r.User)}
	success := Event{Guard: v.Guard, Name: "authn_login_success", Strategy: "remember", User: r.User}
	if v.Withheld { // valid for this page alone: an existing session may not be replaced
		m.QuietSession(v, "a remembered log-in at a link from another site")
		m.expect(success)
		m.Live[""] = &Session{LogIns: map[int]*LogIn{l.Guard: l}}
		m.later = append(m.later, func() { delete(m.Live, "") })
		return l, 401
	}
	if m.tooMany(v, l, s, nil, "remember") { // the browser stays remembered
		return nil, 403
	}
	n := m.enter(v, s, l, Event{Name: "session_created", Strategy: "remember"}, "a remembered log-in")
	success.Session = n.ID
	m.expect(success)
	for id, o := range m.Live { // the browser has lost the cookies of its earlier sessions
		if k := o.LogIns[r.Guard]; k != nil && k.Series == r && o != n && o.Born.Before(r.Moved) {
			m.later = append(m.later, func() { m.End(id) })
		}
	}
	m.evict(n, r.Guard, nil)
	return l, 401
}

// worth returns the series of the presented token, if that is valid, and replaces the token.
func (m *Model) worth(v *Visit) *Series {
	r := m.Presented(v)
	switch {
	case r == nil, slices.Contains(r.Void, v.Token): // a token from before the change of the password
		return nil
	case m.Doubts.Open(r):
		if r = m.Doubts.Worth(v, r); r == nil {
			return nil
		}
	case v.Token == r.Token:
		r.Older, r.Token, r.Moved = r.Token, v.Next, v.Now // a token is used once
	case v.Token == r.Older && v.Now.Sub(r.Moved) < m.Grace: // tabs that are opened at the same time
		m.Want(v.Next == r.Token || strings.HasPrefix(v.Next, "between"), "token: tabs at once get different tokens", "the answer's token is not the present one")
	case v.Token == r.Older: // an answer was lost: the current token was never used, and becomes invalid
		r.Token, r.Moved = v.Next, v.Now
	default: // an older one: two parties hold the token
		m.expect(Event{Guard: v.Guard, Name: "authn_token_reuse", Reason: "theft", Strategy: "remember", User: r.User, Count: m.endUser(r.Guard, r.User)})
		return nil
	}
	if m.Stamp && r.Password != m.Passwords[r.Account()] {
		r.Over = true
		m.expect(Event{Guard: v.Guard, Name: "session_expired", Reason: "stamp", Strategy: "remember", User: r.User})
		return nil
	}
	return r
}
