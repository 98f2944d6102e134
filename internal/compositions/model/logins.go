package model

import (
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
	l := &LogIn{Guard: v.Guard, User: user, At: v.Now, Begun: v.Now, Labels: labels, Form: v.Form(user)}
	l.Factors, l.Password = proved(nil, strategy), m.Passwords[l.Account()]
	if remember {
		l.Series = &Series{LogIn: *l, Token: v.Next, Moved: v.Now}
		l.Series.Series, l.Series.Listed = l.Series, Yes
	}
	if n := m.enter(v, m.Find(v), l, m.Presented(v), strategy, ""); n != nil && remember {
		m.Answer.Token, m.Tokens[v.Next] = Set, l.Series
	} else if n != nil {
		m.Answer.Token = Expired
	}
}

// accepted reports whether a strategy accepts the credentials. A refusal changes nothing. The throttle must
// let credentials pass while fewer than Free wrong ones were tried for the user with this strategy in the
// last day, and otherwise once the delay is over: throttle.Config.Delay, doubled for each further one.
// Before that both answers are allowed, because a browser that knows the account has a count of its own.
func (m *Model) accepted(v *Visit, strategy string, user int, right bool) bool {
	key := fmt.Sprint(v.Guard, strategy, user)
	recent := slices.DeleteFunc(m.Wrong[key], func(t time.Time) bool { return v.Now.Sub(t) > 24*time.Hour })
	m.Wrong[key] = recent
	l, name, e := &LogIn{Guard: v.Guard}, "authn_login_fail", Event{Strategy: strategy, Reason: Anything}
	n := len(recent)
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

// proved adds the factor that the strategy proves, if any: a password is not one.
func proved(factors []string, strategy string) []string {
	if strategy == "totp" || strategy == "passkey" {
		factors = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(factors), strategy))))
	}
	return factors
}

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
	up.Factors = proved(l.Factors, factor)
	m.enter(v, s, &up, nil, factor, "step_up")
}

// ChangePassword models a request of a user who changes the password. The handler calls Guard.LogInUser
// with the new user, which renews the session and keeps the time of the log-in, or
// Guard.ReauthenticateUser, which sets it to now (M10). A browser that is remembered for the user stays so,
// with a new token if the stamp or the serialized id has changed (M5).
func (m *Model) ChangePassword(v *Visit, fresh bool) {
	former, reason := m.Presented(v), "log_in_user"
	s, old := m.restore(v)
	if old == nil {
		return
	}
	m.Passwords[old.Account()]++
	l := *old
	l.Password, l.Series, l.Node, l.Form = m.Passwords[l.Account()], nil, false, v.Form(l.User)
	if fresh {
		l.At, reason = v.Now, "reauthenticated"
	}
	switch stays := former != nil && former.User == l.User; {
	case !stays:
		m.Answer.Token = Expired
	case v.Met: // the answer for its token decides later
		m.Answer.Token, former.Over = MaySet, Unsaid
	case m.Stamp || former.Form != l.Form:
		void := []string{former.Token, former.Older}
		former.Void = slices.DeleteFunc(void, func(token string) bool { return token == v.Next })
		former.Older, former.Token, former.Moved = "", v.Next, v.Now
		m.Answer.Token, m.Answer.Next, m.Tokens[v.Next] = Set, "", former
	}
	if former != nil && former.User == l.User {
		l.Series, former.Password, former.Form, former = former, l.Password, l.Form, nil
	}
	m.enter(v, s, &l, former, "", reason)
}

// move puts the content of s, if it is not nil, under the id of the answer (S5). If a log-in of a guard
// other than proved is carried along, this request has not proved it, and a note points from the old id to
// the new one (S7).
func (m *Model) move(v *Visit, s *Session, proved int) *Session {
	n := NewSession(v.ID, v.Now)
	if s != nil {
		n.LogIns, n.Over, n.Values = maps.Clone(s.LogIns), maps.Clone(s.Over), maps.Clone(s.Values)
		n.Born, n.Node, n.Bound, n.Was = s.Born, s.Node, s.Bound, s.Was
		if s.ID == n.ID { // moved twice by one request, so that no answer shows the first id
			m.unshown(s.ID)
		} else if s.others(proved) {
			m.End(s.ID, n.ID)
		} else {
			m.End(s.ID, "")
		}
	}
	m.Answer.Session, m.Answer.Taken, m.Live[n.ID] = Set, m.Live[n.ID] != nil, n
	m.written(n, v.Now)
	return n
}

// enter puts the log-in l into the session s, or a new one if s is nil, under the id of the answer, and ends
// the series former. A log-in by credentials, or by what remembers a browser, also ends all else that the
// request presents (S8). A renewal has a reason; it proves nothing, and keeps everything else in the session
// (M10). If RefuseMore refuses the log-in, it returns nil, and nothing has changed.
func (m *Model) enter(v *Visit, s *Session, l *LogIn, former *Series, strategy, renews string) *Session {
	was, from, proves := s.of(l.Guard), s, l.Guard
	counts := m.Max > 0 && !m.Pending(l) && (renews == "" || m.Pending(was)) // a pending one did not count (M7)
	switch {
	case counts && m.Refuse && len(m.rivals(l, s, former)) >= m.Max:
		m.Deny(403, "a refused log-in")
		m.expect("authz_fail", l, s, Event{Reason: "too_many", Strategy: strategy})
		return nil
	case m.Pending(l):
		m.Deny(401, "a log-in that lacks a factor")
	}
	if renews != "" {
		proves = none
	} else if m.late(v, s, l.Guard) {
		from = nil
	}
	n := m.move(v, from, proves)
	others := n.others(l.Guard)
	switch { // what becomes of the values (M2)
	case was == nil && !others: // an anonymous visitor's: only LogInOptions.Keep stay
		maps.DeleteFunc(n.Values, func(name, _ string) bool { return name != "returnTo" && name != "flash" })
	case was != nil && was.User != l.User:
		clear(n.Values)
	case was != nil && others:
		l.Begun = was.Begun
	}
	n.LogIns[l.Guard], l.Listed, l.Unnamed = l, Yes, false
	delete(n.Over, l.Guard)
	if renews != "" {
		m.expect("session_renewed", l, n, Event{Reason: renews, Strategy: strategy})
	} else {
		m.expect("session_created", l, n, Event{Strategy: strategy})
		if was != nil && was.User != l.User { // M13
			m.expect("session_expired", was, s, Event{Reason: "replaced"})
		}
		if !others {
			n.Born = v.Now
		}
		m.leave(v, none, n)
	}
	m.follows(func(done Said) { m.endSeries(former, n, done) })
	list, g := m.rivals(l, n, former), l.Guard
	for _, d := range list { // the oldest end; of those that began at the same time any may be the oldest (M7)
		oldest, began := d[0].of(g), d[0].began(g)
		if counts && len(list) >= m.Max && !began.After(list[m.Max-1][0].began(g)) {
			only := sure(m.Max == 1 || began.Before(list[m.Max-2][0].began(g)))
			m.follows(func(done Said) { m.endDevice(oldest, oldest.Series, d[0].ID, "too_many", min(done, only)) })
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
