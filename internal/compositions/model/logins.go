package model

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// LogIn models a request with credentials at Guard.LogIn or LogInWith. remember is whether the box is
// ticked. labels are the names that a provider gives the log-in.
func (m *Model) LogIn(v *Visit, strategy string, user int, right, remember bool, labels ...string) {
	if m.accepted(v, strategy, user, right) {
		m.logIn(v, strategy, user, remember, labels)
	}
}

// Register models a registration, whose handler calls Guard.LogInUser for the new user: that is a log-in
// (M10).
func (m *Model) Register(v *Visit, user int) { m.logIn(v, "", user, false, nil) }

// accepted reports whether a strategy accepts the credentials. A refusal changes nothing. The throttle must
// let credentials pass while fewer than Free wrong ones were tried for the user with this strategy in the
// last day, and otherwise once the delay is over: throttle.Config.Delay, doubled for each further one.
// Before that both answers are allowed, because a browser that knows the account has a count of its own.
func (m *Model) accepted(v *Visit, strategy string, user int, right bool) bool {
	key := fmt.Sprint(v.Guard, strategy, user)
	recent := slices.DeleteFunc(m.Wrong[key], func(t time.Time) bool { return v.Now.Sub(t) > 24*time.Hour })
	e := Event{Guard: v.Guard, Name: "authn_login_success", Strategy: strategy, User: user}
	switch n := len(recent); {
	case v.Status == 429:
		pauses := m.Throttled && n >= m.Free && v.Now.Sub(recent[n-1]) < min(30*time.Second<<min(n-m.Free, 9), 15*time.Minute)
		m.Want(pauses, "throttle: credentials are not looked at", "%s of user %d after %d wrong ones", strategy, user, n)
		e.Name, e.Reason, e.User = "excess_rate_limit_exceeded", Anything, 0
	case !right:
		m.status(v, 401, "a wrong log-in")
		recent = append(recent, v.Now)
		e.Name, e.Reason, e.User = "authn_login_fail", Anything, 0
	}
	m.Wrong[key] = recent
	if e.User == 0 {
		m.Quiet(v, "a log-in that is not accepted")
		if strategy == "local" || strategy == "totp" && m.Throttled { // it or throttle.Config.Claims names the account
			e.Account = fmt.Sprint(user)
		}
	}
	m.expect(e)
	return e.User > 0
}

// logIn models a log-in with accepted credentials.
func (m *Model) logIn(v *Visit, strategy string, user int, remember bool, labels []string) {
	s, former := m.Find(v), m.Presented(v)
	l := &LogIn{Guard: v.Guard, User: user, At: v.Now, Password: m.Passwords[Account{v.Guard, user}], Labels: labels, Listed: true, Form: m.form(v, user)}
	l.prove(strategy)
	if m.tooMany(v, l, s, former, strategy) || !m.status(v, m.lets(l), "a log-in") {
		return
	}
	if remember {
		m.Want(v.Next != "", "cookie: a log-in is not remembered", "the answer has no cookie of RememberMe")
		r := &Series{LogIn: *l, Token: v.Next, Moved: v.Now}
		r.Series, l.Series, m.Tokens[v.Next] = r, r, r
	} else {
		m.Want(v.Token == "" || v.Forgot, "cookie: a log-in does not forget whom the browser remembered", "the answer keeps the cookie of RememberMe")
	}
	n := m.enter(v, s, l, Event{Name: "session_created", Strategy: strategy}, "a log-in")
	m.later = append(m.later, func() { m.endSeries(former, n) })
	m.evict(n, v.Guard, former)
}

// Presented returns the series of the token that the request presents, current or not, or nil if it has
// ended.
func (m *Model) Presented(v *Visit) *Series {
	r := m.Tokens[v.Token]
	if r == nil || r.Over || !v.Now.Before(r.At.Add(m.Remember)) {
		return nil
	}
	return r
}

// StepUp models a request with a second factor of user at Guard.StepUp.
func (m *Model) StepUp(v *Visit, factor string, user int, right bool) {
	if !m.accepted(v, factor, user, right) {
		return
	}
	s, l := m.remembered(v)
	if l == nil || l.User != user {
		m.status(v, 401, "a step up of nobody, or by another user")
		return
	}
	up := *l
	up.prove(factor)
	if m.Pending(l) && m.tooMany(v, &up, s, nil, factor) || !m.status(v, m.lets(&up), "a step up") {
		return
	}
	n := m.enter(v, s, &up, Event{Name: "session_renewed", Reason: "step_up", Strategy: factor}, "a step up")
	if m.Pending(l) {
		m.evict(n, v.Guard, nil)
	}
}

// ChangePassword models a request of a user who changes the password. The handler calls Guard.LogInUser
// with the new user, which renews the session and keeps the time of the log-in, or
// Guard.ReauthenticateUser, which sets it to now.
func (m *Model) ChangePassword(v *Visit, fresh bool) {
	w, former, reason := *v, m.Presented(v), "log_in_user"
	anew := m.Stamp || former != nil && former.Form != m.form(v, former.User)
	if v.Status == 200 { // a remembered browser first gets an id, and perhaps a token, that no answer shows
		if w.ID = "between " + v.Now.String(); anew {
			w.Next = w.ID
		}
	}
	old := m.restore(&w)
	if old == nil || !m.status(v, 200, "a change of the password") {
		return
	}
	user := Account{v.Guard, old.User}
	m.Passwords[user]++
	l := *old
	l.Password, l.Series, l.Node, l.Form = m.Passwords[user], nil, false, m.form(v, l.User)
	if fresh {
		l.At, reason = v.Now, "reauthenticated"
	}
	if former != nil && former.User == l.User { // already remembered: the series continues
		l.Series, former.Password, former.Form = former, l.Password, l.Form
		m.Want(!v.Forgot, "cookie: LogInUser forgets the browser", "the answer expires the cookie of RememberMe")
		if m.Doubts.Met() { // the answer for its token decides later
			m.Doubts.Series(former)
		} else if anew { // with a new token if the stamp or the serialized id has changed
			m.Want(v.Next != "" && v.Next != v.Token, "token: a change of the password keeps the token", "the answer has no other cookie of RememberMe")
			former.Void, former.Older, former.Token, former.Moved = []string{former.Token, former.Older}, "", v.Next, v.Now
			m.Tokens[v.Next] = former
		}
		former = nil
	} else {
		m.Want(v.Token == "" || v.Forgot, "cookie: LogInUser keeps another user's token", "the answer keeps the cookie of RememberMe")
	}
	n := m.enter(v, m.at(old), &l, Event{Name: "session_renewed", Reason: reason}, "a change of the password")
	m.later = append(m.later, func() { m.endSeries(former, n) })
}

// move puts the content of s, if it is not nil, under the id of the answer (S5). If a log-in of a guard
// other than proved is carried along, this request has not proved it, and a note points from the old id to
// the new one (S7).
func (m *Model) move(v *Visit, s *Session, proved int, what string) *Session {
	m.Want(v.ID != "" && m.Live[v.ID] == nil, "cookie: "+what+" brings no new id", "%s: the answer's cookie brings %q", what, Short(v.ID))
	n := &Session{ID: v.ID, LogIns: map[int]*LogIn{}, Over: map[int]*LogIn{}, Values: map[string]string{}, Born: v.Now, Sure: v.Now, Maybe: v.Now}
	m.Live[n.ID] = n
	if s == nil {
		return n
	}
	n.LogIns, n.Over, n.Values = maps.Clone(s.LogIns), maps.Clone(s.Over), maps.Clone(s.Values)
	n.Born, n.Node, n.Bound = s.Born, s.Node, s.Bound
	n.written(v.Now)
	if s.others(proved) {
		until := v.Now.Add(10 * time.Minute)
		if m.Notes {
			until = m.deadline(s)
		}
		m.Moved[s.ID] = Note{n.ID, until}
	}
	m.End(s.ID)
	return n
}

// enter puts the log-in l into the session s, or a new one if s is nil, under the id of the answer, and
// requires the event e. A renewal proves nothing, and keeps everything else in the session (M10).
func (m *Model) enter(v *Visit, s *Session, l *LogIn, e Event, what string) *Session {
	renews, proved := e.Name == "session_renewed", l.Guard
	if renews {
		proved = none
	}
	from := s
	if !renews && m.late(v, s, l.Guard) {
		from = nil
	}
	n := m.move(v, from, proved, what)
	former, others := n.LogIns[l.Guard], n.others(l.Guard)
	if former != nil && former.User == l.User && (renews || others) {
		l.Begun = former.first()
	}
	switch { // what becomes of the values (M2)
	case former != nil && former.User != l.User:
		clear(n.Values)
	case former == nil && !others: // an anonymous visitor's: only LogInOptions.Keep stay
		maps.DeleteFunc(n.Values, func(name, _ string) bool { return name != "returnTo" && name != "flash" })
	}
	n.LogIns[l.Guard], l.Listed, l.Unnamed = l, true, false
	delete(n.Over, l.Guard)
	e.Guard, e.User, e.Session = l.Guard, l.User, v.ID
	m.expect(e)
	if renews {
		return n
	}
	if former = s.of(l.Guard); former != nil && former.User != l.User { // M13
		m.expect(Event{Guard: l.Guard, Name: "session_expired", Reason: "replaced", User: former.User, Session: s.ID})
	}
	if !others {
		n.Born = v.Now
	}
	m.leave(v, none, n)
	m.Doubts.Follows(v, none)
	return n
}
