package model

import (
	"slices"
	"strings"
	"time"
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
	s, l := m.restore(v)
	switch {
	case l == nil:
	case p.May(m, v, l):
		m.status(v, 200, p.what)
		m.Want(v.Status != 200 || passed == l.User, "user: another user's page", "got user %d, want %d", passed, l.User)
	default:
		m.status(v, p.status, p.what+" that does not qualify")
		m.expect("authz_fail", l, s, p.refusal)
	}
}

// Stream models a request that opens something that Guard.Watch ends, such as a stream of events. It
// returns the log-in that the stream lasts as long as, or nil if nothing was opened.
func (m *Model) Stream(v *Visit) *LogIn {
	_, l := m.restore(v)
	if l != nil {
		m.status(v, 200, "a stream")
	}
	return l
}

// restore returns the log-in with which a request passes Guard.RequireAuth, and its session: the one in the
// session, or else that of the remembered browser. If there is none, it requires the refusal and returns no
// log-in.
func (m *Model) restore(v *Visit) (*Session, *LogIn) {
	s, l := m.remembered(v)
	want := 401
	if l == nil && v.Token != "" {
		s, l, want = m.recall(v, s)
	}
	if l != nil && m.Pending(l) {
		m.expect("authz_fail", l, s, Event{Reason: "factor", Strategy: m.Factor})
		l = nil
	}
	if l == nil {
		m.status(v, want, "a page of nobody")
	}
	return s, l
}

// remembered returns the session of a request, and the log-in in it.
func (m *Model) remembered(v *Visit) (*Session, *LogIn) {
	s := m.Find(v)
	if s == nil {
		m.lost(v)
		return nil, nil
	}
	l, over := s.LogIns[v.Guard], s.Over[v.Guard]
	switch {
	case l == nil && over != nil:
		m.expect("session_expired", over, s, Event{Reason: "absolute_timeout", Unsure: true})
	case l != nil && !m.Good(l): // M11
		m.expect("session_expired", l, s, Event{Reason: "stamp"})
		if l = nil; !s.others(v.Guard) {
			m.End(s.ID, "")
			s = nil
		}
	}
	return s, l
}

// recall logs in the user of a remembered browser (M6). If that fails it returns no log-in and the status of
// the refusal.
func (m *Model) recall(v *Visit, s *Session) (*Session, *LogIn, int) {
	r := m.worth(v)
	if r == nil {
		m.answer.token = Expired
		return s, nil, 401
	}
	m.answer.token, m.Tokens[r.Token] = Set, r
	l := r.LogIn
	l.At, l.Factors, l.Form = time.Time{}, nil, m.form(v, r.User)
	n := &Session{} // valid for this page alone: an existing session may not be replaced
	if !v.Withheld {
		if n = m.enter(v, s, &l, nil, "remember", ""); n == nil {
			return s, nil, 403 // the browser stays remembered
		}
	}
	m.expect("authn_login_success", &l, n, Event{Strategy: "remember"})
	if !v.Withheld { // the browser has lost the cookies of its earlier sessions
		earlier := func(o *Session, k *LogIn) bool { return o != nil && k.Series == r && o.Born.Before(r.Moved) }
		m.follows(func(sure bool) { m.end(earlier, m.Goes(&l), sure) })
	}
	return n, &l, 401
}

// worth returns the series of the presented token, if that is valid, and replaces the token.
func (m *Model) worth(v *Visit) *Series {
	r := m.Presented(v)
	switch {
	case r == nil, slices.Contains(r.Void, v.Token): // a token from before the change of the password
		return nil
	case r.Unsure && v.Next == "": // it had ended, or the token may have been treated as a copy
		if m.Unheard = true; v.Token != r.Token {
			m.endUser(r.Guard, r.User, false)
		}
		r.Over = true
		return nil
	case r.Unsure:
		r.Password, r.Unsure = m.Passwords[r.Account()], false
		r.Older, r.Token, r.Moved = v.Token, v.Next, v.Now
	case v.Token == r.Older && v.Now.Sub(r.Moved) < m.Grace: // tabs that are opened at the same time
		m.Want(v.Next == r.Token || strings.HasPrefix(v.Next, "between"), "token: tabs at once get different tokens", "the answer's token is not the present one")
	case v.Token == r.Token, v.Token == r.Older: // if an answer was lost, the current one was never used
		r.Older, r.Token, r.Moved = v.Token, v.Next, v.Now // a token is used once
	default: // an older one: two parties hold the token
		n := m.endUser(r.Guard, r.User, true)
		m.expect("authn_token_reuse", &r.LogIn, nil, Event{Reason: "theft", Strategy: "remember", Count: n})
		return nil
	}
	if m.Stamp && r.Password != m.Passwords[r.Account()] {
		r.Over = true
		m.expect("session_expired", &r.LogIn, nil, Event{Reason: "stamp", Strategy: "remember"})
		return nil
	}
	return r
}
