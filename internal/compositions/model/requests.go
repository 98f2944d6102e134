package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// LogIn is told of a request with a password at Guard.LogInWith. remember is the box.
func (m *Model) LogIn(v *Visit, user int, right, remember bool) {
	if m.accepted(v, "local", user, right) {
		m.logIn(v, "local", user, remember, nil)
	}
}

// Provider is told of a provider's answer at Guard.LogIn or LogInWith. label is its name of the log-in.
func (m *Model) Provider(v *Visit, user int, right, remember bool, label string) {
	if m.accepted(v, "provider", user, right) {
		m.logIn(v, "provider", user, remember, []string{label})
	}
}

// Hop is told how many addresses a browser has asked for that goes where it is sent. What it shows and
// what is refused is answered, not sent to the page for the log-in (M17): page, log-in, callback, page.
func (m *Model) Hop(n int) {
	m.want(n <= 4, "answer: a chain of redirects does not end", "%d addresses", n)
}

// accepted reports whether a strategy takes the credentials: a refusal changes nothing. They must be looked at
// while fewer than Free wrong ones were tried for the user with this strategy in the last day, and after the
// pause that follows more of them: throttle.Config.Delay, doubled for each. Whether they are before is not
// said, for a browser that knows the account has a count of its own.
func (m *Model) accepted(v *Visit, strategy string, user int, right bool) bool {
	key := fmt.Sprint(v.Guard, strategy, user)
	recent := slices.DeleteFunc(m.wrong[key], func(t time.Time) bool { return v.Now.Sub(t) > 24*time.Hour })
	e := Event{Guard: v.Guard, Name: "authn_login_success", Strategy: strategy, User: user}
	switch n := len(recent); {
	case v.Status == 429:
		pauses := m.Throttled && n >= m.Free && v.Now.Sub(recent[n-1]) < min(30*time.Second<<min(n-m.Free, 9), 15*time.Minute)
		m.want(pauses, "throttle: credentials are not looked at", "%s of user %d after %d wrong ones", strategy, user, n)
		e.Name, e.Reason, e.User = "excess_rate_limit_exceeded", anything, 0
	case !right:
		m.status(v, 401, "a wrong log-in")
		recent = append(recent, v.Now)
		e.Name, e.Reason, e.User = "authn_login_fail", anything, 0
	}
	m.wrong[key] = recent
	if e.User == 0 {
		m.quiet(v, "a log-in that is not accepted")
		if strategy == "local" || strategy == "totp" && m.Throttled { // it, or throttle.Config.Claims, says whom the credentials claim
			e.Account = fmt.Sprint(user)
		}
	}
	m.expect(e)
	return e.User > 0
}

// logIn is a log-in with credentials that were right.
func (m *Model) logIn(v *Visit, strategy string, user int, remember bool, labels []string) {
	s, former := m.find(v), m.series(v)
	l := &LogIn{Guard: v.Guard, User: user, At: v.Now, Password: m.passwords[[2]int{v.Guard, user}], Labels: labels, Listed: true, Form: v.Form}
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
	l.Password, l.Series, l.Node, l.Form = m.passwords[user], nil, false, v.Form
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

// ChangeRole is told that the application gave a user the role that Admin's route asks for, or took it.
func (m *Model) ChangeRole(guard, user int, admin bool) { m.admins[[2]int{guard, user}] = admin }

// Admin is told of a request at Guard.Require, whose check asks for the role that the user has now.
func (m *Model) Admin(v *Visit, passed int) {
	m.page(v, passed, "a page for a role", Event{Reason: "forbidden"}, func(l *LogIn) bool { return m.admins[[2]int{l.Guard, l.User}] })
}

func (m *Model) page(v *Visit, passed int, what string, refusal Event, may func(*LogIn) bool) {
	l := m.restore(v)
	switch {
	case l == nil:
	case may(l):
		m.want(!m.status(v, 200, what) || passed == l.User, "user: another user's page", "got user %d, want %d", passed, l.User)
	default:
		want := 401
		if refusal.Reason == "forbidden" {
			want = 403
		}
		m.status(v, want, what+" that does not qualify")
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
	l := &LogIn{Guard: r.Guard, User: r.User, Password: r.Password, Series: r, Labels: r.Labels, Listed: true, Form: v.Form}
	if v.Withheld { // for this page alone: the visitor may have a session that ends nothing and stays
		m.quietSession(v, "a remembered log-in at a link from another site")
		remembered.Name, remembered.User = "authn_login_success", r.User
		m.expect(remembered)
		m.live[""] = &Session{LogIns: map[int]*LogIn{l.Guard: l}}
		m.later = append(m.later, func() { delete(m.live, "") })
		return l, 401
	}
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
