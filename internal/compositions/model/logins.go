package model

import (
	"cmp"
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
	name, refused := "authn_login_success", Event{Strategy: strategy, Reason: Anything}
	switch n := len(recent); {
	case v.Status == 429:
		name, m.answer.what = "excess_rate_limit_exceeded", "a log-in that is delayed"
		pauses := m.Throttled && n >= m.Free &&
			v.Now.Sub(recent[n-1]) < min(30*time.Second<<min(n-m.Free, 9), 15*time.Minute)
		m.Want(pauses, "throttle: credentials are not looked at", "%s of user %d after %d wrong ones", strategy, user, n)
	case !right:
		m.status(v, 401, "a wrong log-in")
		name, recent = "authn_login_fail", append(recent, v.Now)
	}
	m.Wrong[key] = recent
	if name == "authn_login_success" {
		m.expect(name, &LogIn{Guard: v.Guard, User: user}, nil, Event{Strategy: strategy})
		return true
	}
	if strategy == "local" || strategy == "totp" && m.Throttled { // it or throttle.Config.Claims names the account
		refused.Account = fmt.Sprint(user)
	}
	m.expect(name, &LogIn{Guard: v.Guard}, nil, refused)
	return false
}

// logIn models a log-in with accepted credentials.
func (m *Model) logIn(v *Visit, strategy string, user int, remember bool, labels []string) {
	l := &LogIn{Guard: v.Guard, User: user, At: v.Now, Labels: labels, Listed: true, Form: m.form(v, user)}
	l.Password = m.Passwords[l.Account()]
	l.prove(strategy)
	if remember {
		l.Series = &Series{LogIn: *l, Token: v.Next, Moved: v.Now}
		l.Series.Series = l.Series
	}
	if n := m.enter(v, m.Find(v), l, m.Presented(v), strategy, ""); n == nil {
		return
	}
	m.status(v, m.lets(l), "a log-in")
	switch {
	case remember:
		m.answer.token, m.Tokens[v.Next] = Set, l.Series
	case v.Token != "":
		m.answer.token = Expired
	}
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
	if m.enter(v, s, &up, nil, factor, "step_up") != nil {
		m.status(v, m.lets(&up), "a step up")
	}
}

// ChangePassword models a request of a user who changes the password. The handler calls Guard.LogInUser
// with the new user, which renews the session and keeps the time of the log-in, or
// Guard.ReauthenticateUser, which sets it to now (M10). A browser that is remembered for the user stays so,
// with a new token if the stamp or the serialized id has changed (M5).
func (m *Model) ChangePassword(v *Visit, fresh bool) {
	w, former, reason := *v, m.Presented(v), "log_in_user"
	anew := m.Stamp || former != nil && former.Form != m.form(v, former.User)
	if v.Status == 200 { // a remembered browser first gets an id, and perhaps a token, that no answer shows
		if w.ID = "between " + v.Now.String(); anew {
			w.Next = w.ID
		}
	}
	s, old := m.restore(&w)
	if old == nil {
		return
	}
	m.status(v, 200, "a change of the password")
	m.Passwords[old.Account()]++
	l := *old
	l.Password, l.Series, l.Node, l.Form = m.Passwords[l.Account()], nil, false, m.form(v, l.User)
	if fresh {
		l.At, reason = v.Now, "reauthenticated"
	}
	if former != nil && former.User == l.User {
		m.Want(!v.Forgot, "cookie: LogInUser forgets the browser", "the answer expires the cookie of RememberMe")
		l.Series, former.Password, former.Form = former, l.Password, l.Form
		if v.Met { // the answer for its token decides later
			m.answer.token, former.Unsure = Either, true
		} else if anew {
			former.Void = []string{former.Token, former.Older}
			former.Older, former.Token, former.Moved = "", v.Next, v.Now
			m.answer.token, m.Tokens[v.Next] = Set, former
		}
		former = nil
	} else if v.Token != "" {
		m.answer.token = Expired
	}
	m.enter(v, s, &l, former, "", reason)
}

// move puts the content of s, if it is not nil, under the id of the answer (S5). If a log-in of a guard
// other than proved is carried along, this request has not proved it, and a note points from the old id to
// the new one (S7).
func (m *Model) move(v *Visit, s *Session, proved int) *Session {
	m.Want(m.Live[v.ID] == nil, "cookie: an id is given again", "%s", Short(v.ID))
	n := &Session{ID: v.ID, Born: v.Now, Sure: v.Now, Maybe: v.Now}
	n.LogIns, n.Over, n.Values = map[int]*LogIn{}, map[int]*LogIn{}, map[string]string{}
	m.answer.session, m.Live[n.ID] = Set, n
	if s == nil {
		return n
	}
	n.LogIns, n.Over, n.Values = maps.Clone(s.LogIns), maps.Clone(s.Over), maps.Clone(s.Values)
	n.Born, n.Node, n.Bound = s.Born, s.Node, s.Bound
	n.written(v.Now)
	to := ""
	if s.others(proved) {
		to = n.ID
	}
	m.End(s.ID, to)
	return n
}

// enter puts the log-in l into the session s, or a new one if s is nil, under the id of the answer, and ends
// the series former. A log-in by credentials, or by what remembers a browser, also ends all else that the
// request presents (S8). A renewal has a reason; it proves nothing, and keeps everything else in the session
// (M10). If RefuseMore refuses the log-in, it returns nil, and nothing has changed.
func (m *Model) enter(v *Visit, s *Session, l *LogIn, former *Series, strategy, renews string) *Session {
	was, from, proved := s.of(l.Guard), s, l.Guard
	counts := m.Max > 0 && !m.Pending(l) && (renews == "" || m.Pending(was)) // a pending one did not count (M7)
	if counts && m.Refuse && len(m.rivals(l, s, former)) >= m.Max {
		m.status(v, 403, "a refused log-in")
		m.expect("authz_fail", l, s, Event{Reason: "too_many", Strategy: strategy})
		return nil
	}
	if renews != "" {
		proved = none
	} else if m.late(v, s, l.Guard) {
		from = nil
	}
	n := m.move(v, from, proved)
	others := n.others(l.Guard)
	switch { // what becomes of the values (M2)
	case was == nil && !others: // an anonymous visitor's: only LogInOptions.Keep stay
		maps.DeleteFunc(n.Values, func(name, _ string) bool { return name != "returnTo" && name != "flash" })
	case was != nil && was.User != l.User:
		clear(n.Values)
	case was != nil && (renews != "" || others):
		l.Begun = cmp.Or(was.Begun, was)
	}
	n.LogIns[l.Guard], l.Listed, l.Unnamed = l, true, false
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
	m.follows(func(sure bool) { m.endSeries(former, n, sure) })
	if counts && !m.Refuse {
		for i, d := range m.rivals(l, n, former) { // the oldest end
			if oldest := d[0].LogIns[l.Guard]; i >= m.Max-1 {
				m.follows(func(sure bool) { m.endDevice(oldest, oldest.Series, d[0].ID, "too_many", sure) })
			}
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

// form returns how the process that answers serializes the user's id. With a serializer.Namer the id
// contains the role.
func (m *Model) form(v *Visit, user int) string {
	switch {
	case v.Form == 0:
		return ""
	case m.Named:
		return "with the role " + m.Roles[Account{v.Guard, user}]
	}
	return "with a tenant"
}

// lets returns the status with which a page answers this log-in now.
func (m *Model) lets(l *LogIn) int {
	if m.Pending(l) {
		return 401
	}
	return 200
}

// prove adds the factor that the strategy proves, if any: a password is not one.
func (l *LogIn) prove(strategy string) {
	if (strategy == "totp" || strategy == "passkey") && !l.Proved(strategy) {
		l.Factors = slices.Sorted(slices.Values(append(slices.Clone(l.Factors), strategy)))
	}
}
