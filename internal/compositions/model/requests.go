package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// LogIn models a request with credentials at Guard.LogIn or LogInWith. remember is whether the box is
// ticked. labels are the names that a provider gives the log-in. Without a strategy it is a registration,
// whose handler calls Guard.LogInUser for the new user: that is a log-in too (M10).
func (m *Model) LogIn(v *Visit, strategy string, user int, right, remember bool, labels ...string) {
	if strategy != "" && !m.accepted(v, strategy, user, right) {
		return
	}
	l := &LogIn{Account: Account{v.Guard, user}, At: v.Now, Begun: v.Now, Labels: labels, Form: v.Form(user)}
	l.Factors, l.Password = factors[strategy], m.Passwords[l.Account]
	if m.enter(v, m.Find(v), l, m.Tokens[v.Token], strategy, "") == nil {
		return
	}
	if m.Answer.Token = Expired; remember {
		l.Series = &Series{LogIn: *l, Token: v.Next, Moved: v.Now}
		m.Answer.Token, m.Tokens[v.Next] = Set, l.Series
	}
}

// accepted reports whether a strategy accepts the credentials. A refusal changes nothing. The throttle must
// let credentials pass while fewer than Free wrong ones were tried for the user with this strategy in the
// last day, and otherwise once the delay is over: throttle.Config.Delay, doubled for each further one.
// Before that both answers are allowed, because a browser that knows the account has a count of its own.
func (m *Model) accepted(v *Visit, strategy string, user int, right bool) bool {
	key, l := fmt.Sprint(v.Guard, strategy, user), &LogIn{Account: Account{Guard: v.Guard}}
	recent := slices.DeleteFunc(m.Wrong[key], func(t time.Time) bool { return v.Now.Sub(t) > 24*time.Hour })
	n, name, e := len(recent), "authn_login_fail", Event{Strategy: strategy, Reason: Anything}
	m.Wrong[key] = recent
	free := !m.Throttled || n < m.Free || v.Now.Sub(recent[n-1]) >= delay(n-m.Free)
	switch {
	case v.Status == 429 && !free:
		name = "excess_rate_limit_exceeded"
		m.Deny(429, "a log-in that is delayed")
	case right:
		l.User, name, e.Reason = user, "authn_login_success", ""
	default:
		m.Deny(401, "a wrong log-in")
		m.Wrong[key] = append(recent, v.Now)
	}
	if l.User == 0 && (strategy == "local" || strategy == "totp" && m.Throttled) {
		e.Account = fmt.Sprint(user) // it, or throttle.Config.Claims, names the account
	}
	m.expect(name, l, nil, e)
	return l.User > 0
}

// delay is throttle.Config.Delay after more wrong credentials than are free.
func delay(more int) time.Duration { return min(30*time.Second<<min(more, 9), 15*time.Minute) }

// factors are those that a strategy proves: a password is not one.
var factors = map[string][]string{"totp": {"totp"}, "passkey": {"passkey"}}

// StepUp models a request with a second factor of user at Guard.StepUp.
func (m *Model) StepUp(v *Visit, factor string, user int, right bool) {
	if !m.accepted(v, factor, user, right) {
		return
	}
	s, l := m.remembered(v)
	if l == nil || l.User != user {
		m.Deny(401, "a step up of nobody, or by another user")
		return
	}
	up := *l
	up.Factors = slices.Compact(slices.Sorted(slices.Values(slices.Concat(l.Factors, factors[factor]))))
	m.enter(v, s, &up, nil, factor, "step_up")
}

// ChangePassword models a request of a user who changes the password. The handler calls Guard.LogInUser
// with the new user, which renews the session and keeps the time of the log-in, or
// Guard.ReauthenticateUser, which sets it to now (M10). A browser that is remembered for the user stays so,
// with a new token if the stamp or the serialized id has changed (M5).
func (m *Model) ChangePassword(v *Visit, fresh bool) {
	r, reason := m.Tokens[v.Token], "log_in_user"
	s, old := m.restore(v)
	if old == nil {
		return
	}
	m.Passwords[old.Account]++
	l := *old
	l.Password, l.Series, l.Node, l.Form = m.Passwords[l.Account], nil, false, v.Form(l.User)
	if fresh {
		l.At, reason = v.Now, "reauthenticated"
	}
	if r == nil || r.User != l.User {
		m.Answer.Token = Expired
	} else {
		if !v.Met && (m.Stamp || r.Form != l.Form) {
			// Not the token that this request itself has made, for the remembered browser.
			r.Void = slices.DeleteFunc([]string{r.Token, r.Older}, func(t string) bool { return t == v.Next })
			r.Older, r.Token, r.Moved = "", v.Next, v.Now
			m.Answer.Token, m.Answer.Next, m.Tokens[v.Next] = Set, "", r
		}
		l.Series, r.Password, r.Form, r = r, l.Password, l.Form, nil
	}
	m.enter(v, s, &l, r, "", reason)
}

// move puts the content of s, if it is not nil, under the id of the answer (S5). If a log-in of a guard
// other than proved is carried along, this request has not proved it, and a note points from the old id to
// the new one (S7).
func (m *Model) move(v *Visit, s *Session, proved int) *Session {
	n := *cmp.Or(s, NewSession("", v.Now))
	n.ID, n.LogIns, n.Values = v.ID, maps.Clone(n.LogIns), maps.Clone(n.Values)
	switch {
	case s == nil:
	case s.ID == n.ID: // moved twice by one request, so that no answer shows the first id
		delete(m.Live, s.ID)
		for i := range m.Events {
			if m.Events[i].Session == s.ID {
				m.Events[i].Session = Anything
			}
		}
	default:
		m.End(s.ID, map[bool]string{true: n.ID}[s.others(proved)])
	}
	m.Answer.Session, m.Answer.Taken, m.Live[n.ID] = Set, m.Live[n.ID] != nil, &n
	m.written(&n, s, v.Now)
	return &n
}

// enter puts the log-in l into the session s, or a new one if s is nil, under the id of the answer, and ends
// the series former. A log-in by credentials, or by what remembers a browser, also ends all else that the
// request presents (S8). A renewal has a reason; it proves nothing, and keeps everything else in the session
// (M10). If RefuseMore refuses the log-in, it returns nil, and nothing has changed.
func (m *Model) enter(v *Visit, s *Session, l *LogIn, former *Series, strategy, renews string) *Session {
	was, from, proves := s.of(l.Guard), s, l.Guard
	if renews != "" {
		proves = none
	} else if m.late(s, l.Guard) {
		from = nil
	}
	// A pending log-in did not count before (M7). One that is past its limit at once does not (M4, M6).
	counts := m.Max > 0 && !m.Pending(l) && (renews == "" || m.Pending(was)) && v.Now.Before(m.Limit(from, l))
	switch {
	case counts && m.Refuse && len(m.rivals(l, s, former)) >= m.Max:
		m.Deny(403, "a refused log-in")
		m.expect("authz_fail", l, s, Event{Reason: "too_many", Strategy: strategy})
		return nil
	case m.Pending(l):
		m.Deny(401, "a log-in that lacks a factor")
	}
	n := m.move(v, from, proves)
	others := n.others(l.Guard)
	switch { // what becomes of the values (M2)
	case was == nil && !others: // an anonymous visitor's: only LogInOptions.Keep stay
		maps.DeleteFunc(n.Values, func(name, _ string) bool { return name != "returnTo" && name != "flash" })
	case was != nil && was.User != l.User:
		clear(n.Values)
		m.expect("session_expired", was, s, Event{Reason: "replaced"}) // M13
	case was != nil && others:
		l.Begun = was.Begun
	}
	n.LogIns[l.Guard], l.Listed, l.Unnamed = l, true, false
	if renews != "" {
		m.expect("session_renewed", l, n, Event{Reason: renews, Strategy: strategy})
	} else {
		m.expect("session_created", l, n, Event{Strategy: strategy})
		if !others {
			n.Born = v.Now
		}
		m.leave(v, none, true)
	}
	m.follows(func(sure bool) { m.end(of(former), n, sure) })
	list, g := m.rivals(l, n, former), l.Guard
	for _, d := range list { // the oldest end; of those that began at the same time any may be the oldest (M7)
		oldest, began := d[0].of(g), d[0].began(g)
		if counts && len(list) >= m.Max && !began.After(list[m.Max-1][0].began(g)) {
			only := m.Max == 1 || began.Before(list[m.Max-2][0].began(g))
			m.follows(func(sure bool) { m.endDevice(oldest, oldest.Series, d[0].ID, "too_many", sure && only) })
		}
	}
	return n
}

// rivals returns the user's devices that count for MaxSessions besides l in s (M6, M7). Pending log-ins do
// not count, nor do sessions that end with this log-in, such as those of former.
func (m *Model) rivals(l *LogIn, s *Session, former *Series) [][]*Session {
	return m.Devices(l.Guard, l.User, func(t *Session, k *LogIn) bool {
		return t != s && !m.Pending(k) && (k.Series == nil || k.Series != former && k.Series != l.Series)
	})
}

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
		func(m *Model, _ *Visit, l *LogIn) bool { return m.Roles[l.Account] == "admin" }}
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

// remembered returns the session of a request, and the log-in in it. A changed stamp ends the session (M11).
// An id that is no longer valid, or whose key was not proved (S19), is an event.
func (m *Model) remembered(v *Visit) (*Session, *LogIn) {
	s := m.Find(v)
	l := s.of(v.Guard)
	if s == nil && len(v.IDs) > 0 {
		name, l, last := "session_expired", &LogIn{Account: Account{Guard: v.Guard}}, v.IDs[len(v.IDs)-1]
		e := Event{Reason: "timeout_or_ended", Session: last}
		for _, id := range v.Unproved {
			if t := m.Live[id]; t != nil {
				name, l, e = "session_binding_failed", cmp.Or(t.of(v.Guard), l), Event{Reason: "no_proof", Session: id}
			}
		}
		m.expect(name, l, nil, e)
	} else if l != nil && !m.Good(l) {
		m.expect("session_expired", l, s, Event{Reason: "stamp"})
		if l = nil; !s.others(v.Guard) {
			m.End(s.ID, "")
			s = nil
		}
	}
	return s, l
}

// recall logs in the user of a remembered browser (M6), if its token is good, and replaces the token.
func (m *Model) recall(v *Visit, s *Session) (*Session, *LogIn) {
	r := m.Tokens[v.Token]
	if m.Answer.Token = Expired; r == nil || slices.Contains(r.Void, v.Token) || !m.Remembers(v, r) {
		return s, nil
	}
	switch {
	case v.Token == r.Older && v.Now.Sub(r.Moved) < m.Grace:
		m.Answer.Next = r.Token // the same for each of the tabs that are opened at the same time
	case v.Token == r.Token, v.Token == r.Older: // if an answer was lost, the current one was never used
		r.Older, r.Token, r.Moved = v.Token, v.Next, v.Now // a token is used once
	default: // an older one: two parties hold the token
		e := Event{Reason: "theft", Strategy: "remember", Count: m.EndUser(&r.LogIn, true)}
		m.expect("authn_token_reuse", &r.LogIn, nil, e)
		return s, nil
	}
	if m.Stamp && r.Password != m.Passwords[r.Account] {
		m.Answer.Next = ""
		maps.DeleteFunc(m.Tokens, func(_ string, of *Series) bool { return of == r })
		m.expect("session_expired", &r.LogIn, nil, Event{Reason: "stamp", Strategy: "remember"})
		return s, nil
	}
	m.Answer.Token, m.Tokens[r.Token] = Set, r
	l, n := r.LogIn, nobody
	l.Series, l.At, l.Begun, l.Factors, l.Form = r, time.Time{}, v.Now, nil, v.Form(r.User)
	if !v.Withheld { // otherwise it is valid for this page alone: an existing session may not be replaced
		if n = m.enter(v, s, &l, nil, "remember", ""); n == nil { // the browser stays remembered
			return s, nil
		}
		moved := r.Moved            // the request may change it again, and the password
		m.follows(func(sure bool) { // the browser has lost the cookies of its earlier sessions
			earlier := func(s *Session, k *LogIn) bool { return k.Series == r && s.Born.Before(moved) && m.Good(k) }
			m.end(earlier, m.Live[v.ID], sure)
		})
	}
	m.expect("authn_login_success", &l, n, Event{Strategy: "remember"})
	return n, &l
}

// Write models a request that changes a value in the session, or in a new session if there is none. If
// another site submitted the form and SameSite withheld the cookies, nothing is stored: a new session's
// cookie would replace the visitor's (S13).
func (m *Model) Write(v *Visit, name string, change func(string) string) {
	if v.Withheld {
		return
	}
	s := m.Find(v)
	if s == nil {
		s = m.move(v, nil, none)
	}
	s.Values[name] = change(s.Values[name])
}

// Read models a request that shows a value, and returns that. The value flash stands for messages, which are
// shown once.
func (m *Model) Read(v *Visit, name string) (value string) {
	s := cmp.Or(m.Find(v), nobody)
	if value = s.Values[name]; name == "flash" {
		delete(s.Values, name)
	}
	return value
}

// Renew models Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	if s := m.Find(v); s != nil {
		m.move(v, s, none)
	}
}

// Regenerate models Session.Regenerate, which keeps nothing. Afterwards the session holds only what the
// handler stores then: value under name.
func (m *Model) Regenerate(v *Visit, name, value string) {
	n := m.move(v, m.Find(v), none)
	n.LogIns, n.Values = map[int]*LogIn{}, map[string]string{name: value}
}

// Bind models the registration of a browser's key. The session of a logged-in user gets an id that is bound
// to the key (S19). The former id also finds it for ten seconds; the journeys do not check that.
func (m *Model) Bind(v *Visit) {
	if s := m.Find(v); s != nil && !s.Bound && len(s.LogIns) > 0 {
		m.move(v, s, none).Bound = true
		return
	}
	m.Deny(400, "a registration of nobody, or of one who is bound")
}
