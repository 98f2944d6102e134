package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// --- log-ins ---

// LogIn is told of a request with a password at Guard.LogInWith. remember is the box.
func (m *Model) LogIn(v *Visit, user int, right, remember bool) {
	if m.accepted(v, "local", user, right) {
		m.logIn(v, "local", user, remember, nil)
	}
}

// Provider is told of a log-in by a provider, whose name of it is label.
func (m *Model) Provider(v *Visit, user int, remember bool, label string) {
	if m.accepted(v, "provider", user, true) {
		m.logIn(v, "provider", user, remember, []string{label})
	}
}

// Callback is told of a provider's answer at Guard.LogIn, to which the browser was sent.
func (m *Model) Callback(v *Visit, user int, right bool, label string) {
	if m.accepted(v, "provider", user, right) {
		m.logIn(v, "provider", user, false, []string{label})
	}
}

// Hop is told how many addresses a browser has asked for that goes where it is sent. What it shows and
// what is refused is answered, not sent to the page for the log-in (M17): page, log-in, callback, page.
func (m *Model) Hop(n int) {
	m.want(n <= 4, "answer: a chain of redirects does not end", "%d addresses", n)
}

// accepted reports whether a strategy takes the credentials: a refusal changes nothing. They must
// be looked at while fewer than Free wrong ones were tried for the user with this strategy in the
// last day; after that it is not said.
func (m *Model) accepted(v *Visit, strategy string, user int, right bool) bool {
	key := fmt.Sprint(v.Guard, strategy, user)
	recent := slices.DeleteFunc(m.wrong[key], func(t time.Time) bool { return v.Now.Sub(t) > 24*time.Hour })
	e := Event{Guard: v.Guard, Name: "authn_login_success", Strategy: strategy, User: user}
	switch {
	case v.Status == 429:
		m.want(m.Throttled && len(recent) >= m.Free, "throttle: credentials are not looked at", "%s of user %d after %d wrong ones", strategy, user, len(recent))
		e.Name, e.Reason, e.User = "excess_rate_limit_exceeded", anything, 0
	case !right:
		m.status(v, 401, "a wrong log-in")
		recent = append(recent, v.Now)
		e.Name, e.Reason, e.User = "authn_login_fail", anything, 0
	}
	m.wrong[key] = recent
	m.expect(e)
	if e.User == 0 {
		m.quiet(v, "a log-in that is not accepted")
	}
	return e.User > 0
}

// logIn is a log-in with credentials that were right.
func (m *Model) logIn(v *Visit, strategy string, user int, remember bool, labels []string) {
	s, former := m.find(v), m.series(v)
	l := &LogIn{Guard: v.Guard, User: user, At: v.Now, Password: m.passwords[[2]int{v.Guard, user}], Labels: labels, Listed: true}
	want := 200
	if m.pending(l) {
		want = 401
	}
	if m.tooMany(v, l, s, former, strategy) || !m.status(v, want, "a log-in") {
		return
	}
	if remember {
		m.want(v.Next != "", "cookie: a log-in is not remembered", "the answer has no cookie of RememberMe")
		r := &Series{LogIn: *l, Token: v.Next, Moved: v.Now}
		r.Series, l.Series, m.tokens[v.Next] = r, r, r
	} else {
		m.want(v.Token == "" || v.Forgot, "cookie: a log-in does not forget whom the browser remembered", "the answer keeps the cookie of RememberMe")
	}
	n := m.enter(v, s, l, Event{Name: "session_created", Strategy: strategy}, "a log-in")
	m.softly(func() { m.endSeries(former, n) })
	m.evict(n, v.Guard)
}

// series returns the series that the request presents, whichever of its tokens, if it goes on.
func (m *Model) series(v *Visit) *Series {
	r := m.tokens[v.Token]
	if r == nil || r.Over || !v.Now.Before(r.At.Add(m.Remember)) {
		return nil
	}
	return r
}

// StepUp is told of a request with a second factor of user at Guard.StepUp.
func (m *Model) StepUp(v *Visit, user int, right bool) {
	if !m.accepted(v, "totp", user, right) {
		return
	}
	s, l := m.remembered(v)
	if l == nil || l.User != user {
		m.status(v, 401, "a step up of nobody, or by another user")
		return
	}
	up := *l
	up.Totp = true
	if m.pending(l) && m.tooMany(v, &up, s, nil, "totp") || !m.status(v, 200, "a step up") {
		return
	}
	n := m.enter(v, s, &up, Event{Name: "session_renewed", Reason: "step_up", Strategy: "totp"}, "a step up")
	if m.pending(l) {
		m.evict(n, v.Guard)
	}
}

// ChangePassword is told of a request of a user who changes the password: the handler calls
// Guard.LogInUser with the new user, which renews the session and keeps the log-in as old as it was,
// or Guard.ReauthenticateUser, which makes it fresh.
func (m *Model) ChangePassword(v *Visit, fresh bool) {
	w, former, reason := *v, m.series(v), "log_in_user"
	if v.Status == 200 { // a remembered browser gets an id in between, and if the stamp changes a token, which no answer shows
		if w.ID = "between " + v.Now.String(); m.Stamp {
			w.Next = w.ID
		}
	}
	old := m.restore(&w)
	if old == nil || !m.status(v, 200, "a change of the password") {
		return
	}
	user := [2]int{v.Guard, old.User}
	m.passwords[user]++
	l := *old
	l.Password, l.Series, l.Node = m.passwords[user], nil, false
	if fresh {
		l.At, reason = v.Now, "reauthenticated"
	}
	if former != nil && former.User == l.User { // remembered before: the series goes on
		l.Series, former.Password = former, l.Password
		m.want(!v.Forgot, "cookie: LogInUser forgets the browser", "the answer expires the cookie of RememberMe")
		if m.doubt.on { // the browser is asked again when its session is over
			m.doubtSeries(former)
		} else if m.Stamp || v.Next != "" && v.Next != former.Token { // with another token, also where the user's id is written otherwise now
			m.want(v.Next != "" && v.Next != v.Token, "token: a change of the password keeps the token", "the answer has no other cookie of RememberMe")
			former.Void, former.Older, former.Token, former.Moved = []string{former.Token, former.Older}, "", v.Next, v.Now
			m.tokens[v.Next] = former
		}
		former = nil
	} else {
		m.want(v.Token == "" || v.Forgot, "cookie: LogInUser keeps another user's token", "the answer keeps the cookie of RememberMe")
	}
	n := m.enter(v, m.at(old), &l, Event{Name: "session_renewed", Reason: reason}, "a change of the password")
	m.softly(func() { m.endSeries(former, n) })
}

// --- pages ---

// Me is told of a request at Guard.RequireAuth, which passed if passed is not 0: as that user.
func (m *Model) Me(v *Visit, passed int) {
	m.page(v, passed, "a page of a user", Event{}, func(*LogIn) bool { return true })
}

// Proved is told of a request at Guard.RequireFactor of "totp".
func (m *Model) Proved(v *Visit, passed int) {
	m.page(v, passed, "a page for a second factor", Event{Reason: "factor", Strategy: "totp"}, func(l *LogIn) bool { return l.Totp })
}

// Fresh is told of a request at Guard.RequireFresh: the user logged in with credentials at most
// maxAge ago.
func (m *Model) Fresh(v *Visit, passed int, maxAge time.Duration) {
	m.page(v, passed, "a page for a fresh log-in", Event{Reason: "not_fresh"}, func(l *LogIn) bool { return !l.At.IsZero() && v.Now.Sub(l.At) <= maxAge })
}

func (m *Model) page(v *Visit, passed int, what string, refusal Event, may func(*LogIn) bool) {
	l := m.restore(v)
	switch {
	case l == nil:
	case may(l):
		m.want(!m.status(v, 200, what) || passed == l.User, "user: another user's page", "got user %d, want %d", passed, l.User)
	default:
		m.status(v, 401, what+" that does not qualify")
		m.forbidden(l, refusal)
	}
}

// forbidden demands the event of a user who is not let pass.
func (m *Model) forbidden(l *LogIn, e Event) {
	e.Name, e.Guard, e.User, e.Session = "authz_fail", l.Guard, l.User, m.at(l).ID
	m.expect(e)
}

// restore returns the log-in by which a request passes Guard.RequireAuth: the one in the session,
// or else of whom the browser remembers. nil is nobody, and demands that the answer says so.
func (m *Model) restore(v *Visit) *LogIn {
	s, l := m.remembered(v)
	want := 401
	if l != nil {
		if m.want(!v.Gone, "cookie: a page expires the cookie", "the answer expires the session's cookie"); m.pending(l) {
			m.quiet(v, "a page for a pending log-in")
		}
	} else {
		l, want = m.recall(v, s)
	}
	if l != nil && m.pending(l) {
		m.forbidden(l, Event{Reason: "factor", Strategy: "totp"})
		l = nil
	}
	if l == nil {
		m.status(v, want, "a page of nobody")
	}
	return l
}

// remembered returns the session of a request, and the log-in in it.
func (m *Model) remembered(v *Visit) (*Session, *LogIn) {
	s := m.find(v)
	if s == nil {
		m.lost(v)
		return nil, nil
	}
	l := s.LogIns[v.Guard]
	ended := Event{Guard: v.Guard, Name: "session_expired", Reason: "stamp", Session: s.ID}
	switch over := s.Over[v.Guard]; {
	case l == nil && over != nil:
		ended.Reason, ended.User, ended.unsure = "absolute_timeout", over.User, true
		m.expect(ended)
	case l != nil && !m.good(l): // M11
		ended.User = l.User
		m.expect(ended)
		if l = nil; !s.others(v.Guard) {
			m.end(s.ID)
			s = nil
		}
	}
	return s, l
}

// recall logs the visitor in whom the browser's token remembers (M6), and says what the answer is if
// that is nobody.
func (m *Model) recall(v *Visit, s *Session) (*LogIn, int) {
	r := m.series(v)
	remembered := Event{Guard: v.Guard, Strategy: "remember"}
	switch {
	case v.Token == "":
		return nil, 401
	case r == nil, slices.Contains(r.Void, v.Token): // a copy from before the change of the password, or its answer was lost
		r = nil
	case m.doubt.series[r]:
		r = m.recallInDoubt(v, r)
	case v.Token == r.Token:
		r.Older, r.Token, r.Moved = r.Token, v.Next, v.Now // a token is used once
	case v.Token == r.Older && v.Now.Sub(r.Moved) < m.Grace: // tabs that are opened at once
		m.want(v.Next == r.Token || strings.HasPrefix(v.Next, "between"), "token: tabs at once get different tokens", "the answer's token is not the present one")
	case v.Token == r.Older: // an answer was lost: the present token was never used, and is void
		r.Token, r.Moved = v.Next, v.Now
	default: // an older one: somebody has a copy
		n := m.endUser(r.Guard, r.User)
		remembered.Name, remembered.Reason, remembered.User, remembered.Count = "authn_token_reuse", "theft", r.User, n
		m.expect(remembered)
		r = nil
	}
	if r != nil && m.Stamp && r.Password != m.passwords[[2]int{r.Guard, r.User}] {
		r.Over = true
		remembered.Name, remembered.Reason, remembered.User = "session_expired", "stamp", r.User
		m.expect(remembered)
		r = nil
	}
	if r == nil {
		m.want(v.Forgot, "token: one that is not good is kept", "the answer keeps the cookie of RememberMe")
		return nil, 401
	}
	m.tokens[r.Token] = r
	m.want(v.Next != "", "token: a remembered browser gets no next token", "the answer has no cookie of RememberMe")
	l := &LogIn{Guard: r.Guard, User: r.User, Password: r.Password, Series: r, Labels: r.Labels, Listed: true}
	if m.tooMany(v, l, s, nil, "remember") { // it stays remembered
		return nil, 403
	}
	n := m.enter(v, s, l, Event{Name: "session_created", Strategy: "remember"}, "a remembered log-in")
	remembered.Name, remembered.User, remembered.Session = "authn_login_success", r.User, n.ID
	m.expect(remembered)
	for id, o := range m.live { // the browser has lost the cookies of the sessions before
		if k := o.LogIns[r.Guard]; k != nil && k.Series == r && o != n && o.Born.Before(r.Moved) {
			m.later = append(m.later, func() { m.end(id) })
		}
	}
	m.evict(n, r.Guard)
	return l, 401
}

// --- sessions ---

// Renew is told of Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	if s := m.find(v); m.status(v, 200, "a renewal") && s != nil {
		m.move(v, s, none, "a renewal")
	}
}

// Regenerate is told of Session.Regenerate, which keeps nothing: what the handler stores then, the
// value of name, is all that is in the session.
func (m *Model) Regenerate(v *Visit, name, value string) {
	s := m.find(v)
	if m.status(v, 200, "a regenerated session") {
		n := m.move(v, s, none, "a regenerated session")
		clear(n.LogIns)
		clear(n.Over)
		clear(n.Values)
		n.Values[name] = value
	}
}

// Set is told of a request that stores a value, or deletes it: in the session, or in a new one for
// a visitor who brought none.
func (m *Model) Set(v *Visit, name, value string) {
	s := m.find(v)
	if !m.status(v, 200, "a write") {
		return
	}
	if s == nil {
		s = m.move(v, nil, none, "a first write")
	}
	s.Values[name] = value
}

// SetFromElsewhere is Set for a form of another site. Where SameSite kept the cookies back, nothing
// is stored, for a new session's cookie would replace the visitor's.
func (m *Model) SetFromElsewhere(v *Visit, name, value string) {
	if !m.Withholds {
		m.Set(v, name, value)
		return
	}
	m.status(v, 200, "a write from another site")
	m.quiet(v, "a write from another site")
}

// Get is told of a request that reads a value.
func (m *Model) Get(v *Visit, name, got string) {
	want := ""
	if s := m.find(v); s != nil {
		want = s.Values[name]
	}
	m.want(!m.status(v, 200, "a read") || got == want, "value: a request reads another value", "got %q, want %q", got, want)
}

// --- ends ---

// LogOut is told of a request at Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.find(v)
	if !m.status(v, 200, "a log-out") {
		return
	}
	m.want(v.Token == "" || v.Forgot, "cookie: a log-out keeps the browser remembered", "the answer keeps the cookie of RememberMe")
	m.endSeries(m.series(v), s)
	var n *Session // in which another guard's user stays
	if s != nil {
		l := s.LogIns[v.Guard]
		if l != nil {
			m.expect(Event{Guard: v.Guard, Name: "session_expired", Reason: "logout", User: l.User, Session: s.ID})
		}
		if s.others(v.Guard) {
			n = m.move(v, s, none, "the log-out of one of two guards")
			delete(n.LogIns, v.Guard)
		}
	}
	stays := m.leave(v, v.Guard, n)
	m.want(v.Gone == (len(v.IDs) > 0 && !stays) || m.mayGoOn(v), "cookie: a log-out and the cookie", "expired: %v, another guard's log-in stays: %v", v.Gone, stays)
}

// Destroy is told of Session.Destroy: whatever the request presents ends, and where it went on.
func (m *Model) Destroy(v *Visit) {
	m.find(v)
	if m.status(v, 200, "a destroyed session") {
		m.leave(v, none, nil)
	}
}

// LogOutEverywhere is told of Guard.LogOutEverywhere: no session of the user lives, and no browser
// is remembered.
func (m *Model) LogOutEverywhere(guard, user int) {
	n := m.endUser(guard, user)
	m.expect(Event{Guard: guard, Name: "session_expired", Reason: "revoked", User: user, Count: n})
}

// endUser ends every session in which the user is logged in, and every series.
func (m *Model) endUser(guard, user int) int {
	for _, s := range m.live {
		if guard == 0 && s.Found == user {
			s.Found = 0
		}
	}
	return m.endAll(func(l *LogIn) bool { return l.Guard == guard && l.User == user && l.Listed }, nil)
}

// EndLinked is told of Guard.EndLinked: every log-in that bears the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	n := m.endAll(func(l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }, nil)
	if n != 0 {
		m.expect(Event{Guard: guard, Name: "session_expired", Reason: "revoked", Count: n, unsure: n < 0})
	}
}

// EndSession is told of Guard.EndSession for the id by which a device is listed.
func (m *Model) EndSession(guard int, id string) {
	if s := m.live[id]; s != nil && s.LogIns[guard] != nil {
		m.endDevice(s.LogIns[guard], id, "revoked")
	}
}

// EndOwn is told of Guard.EndSession in a request of the user, for the id of one of their sessions: an
// older session of the browser that asks ends by itself.
func (m *Model) EndOwn(v *Visit, id string) {
	s := m.live[id]
	listed := s != nil && s.has(func(l *LogIn) bool { return l.Guard == v.Guard && l.Listed }) // before this request
	own := m.restore(v)
	if own == nil || !m.status(v, 200, "the end of a device") || !listed {
		return
	}
	current := m.at(own)
	for _, d := range m.devices(v.Guard, own.User, all) {
		i := slices.IndexFunc(d, func(s *Session) bool { return s.ID == id })
		switch {
		case i < 0:
		case d[i] != current && slices.Contains(d, current):
			m.end(id)
			m.expect(Event{Guard: v.Guard, Name: "session_expired", Reason: "revoked", User: own.User, Session: id, Count: 1})
		case d[i] == current:
			m.endDevice(own, id, "revoked")
		default:
			m.endDevice(d[i].LogIns[v.Guard], d[0].ID, "revoked")
		}
	}
}
