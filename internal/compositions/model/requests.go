package model

import (
	"fmt"
	"slices"
	"time"
)

// LogIn is told of a request with a password at Guard.LogInWith. remember is the box.
func (m *Model) LogIn(v *Visit, user int, right, remember bool) {
	switch looked := m.looked(v, "password", user, right); {
	case !looked:
		m.quiet(v, "a throttled log-in")
	case !right: // wrong credentials change nothing
		m.status(v, 401, "a wrong log-in")
		m.quiet(v, "a wrong log-in")
	default:
		m.logIn(v, user, remember, nil)
	}
}

// Provider is told of a log-in by a provider, whose name of it is label.
func (m *Model) Provider(v *Visit, user int, remember bool, label string) {
	m.logIn(v, user, remember, []string{label})
}

// looked reports whether the credentials were looked at. They must be while fewer than Free wrong
// ones were tried for the user with this strategy in the last day; after that it is not said.
func (m *Model) looked(v *Visit, strategy string, user int, right bool) bool {
	key := fmt.Sprint(v.Guard, strategy, user)
	recent := slices.DeleteFunc(m.wrong[key], func(t time.Time) bool { return v.Now.Sub(t) > 24*time.Hour })
	m.want(v.Status != 429 || m.Throttled && len(recent) >= m.Free, "throttle: credentials are not looked at", "%s of user %d after %d wrong ones", strategy, user, len(recent))
	if !right && v.Status != 429 {
		recent = append(recent, v.Now)
	}
	m.wrong[key] = recent
	return v.Status != 429
}

// logIn is a log-in with credentials that were right.
func (m *Model) logIn(v *Visit, user int, remember bool, labels []string) {
	s, former := m.find(v), m.series(v)
	l := &LogIn{Guard: v.Guard, User: user, At: v.Now, Password: m.passwords[[2]int{v.Guard, user}], Labels: labels}
	if m.Refuse && m.tooMany(l, s, former) { // a refusal changes nothing
		m.status(v, 403, "a log-in too many")
		m.quiet(v, "a refused log-in")
		return
	}
	if m.pending(l) {
		m.status(v, 401, "a log-in whose factor is missing")
	} else {
		m.status(v, 200, "a log-in")
	}
	if v.Status >= 500 || v.Status == 409 {
		return
	}
	if remember {
		l.Series = m.begin(v, l)
	} else {
		m.want(v.Token == "" || v.Forgot, "cookie: a log-in does not forget whom the browser remembered", "the answer keeps the cookie of RememberMe")
	}
	n := m.enter(v, s, l, false, "a log-in")
	if former != nil {
		m.endSeries(former, n)
	}
	if m.Max > 0 && !m.Refuse && !m.pending(l) {
		m.evict(n, v.Guard)
	}
}

// quiet demands that the answer touches no cookie.
func (m *Model) quiet(v *Visit, what string) {
	m.want(v.ID == "" && !v.Gone, "cookie: "+what+" touches the session's cookie", "cookie %q, expired %v", short(v.ID), v.Gone)
	m.want(v.Next == "" && !v.Forgot, "cookie: "+what+" touches the cookie of RememberMe", "cookie %q, expired %v", short(v.Next), v.Forgot)
}

// begin begins the series of a log-in.
func (m *Model) begin(v *Visit, l *LogIn) *Series {
	m.want(v.Next != "", "cookie: a log-in is not remembered", "the answer has no cookie of RememberMe")
	r := &Series{Guard: v.Guard, User: l.User, Password: l.Password, Labels: l.Labels, Began: v.Now, Token: v.Next, Moved: v.Now}
	m.tokens[v.Next] = r
	return r
}

// series returns the series that the request presents, whichever of its tokens, if it goes on.
func (m *Model) series(v *Visit) *Series {
	r := m.tokens[v.Token]
	if r == nil || r.Over || !v.Now.Before(r.Began.Add(m.Remember)) {
		return nil
	}
	return r
}

// Me is told of a request at Guard.RequireAuth, which passed if passed is not 0: as that user.
func (m *Model) Me(v *Visit, passed int) {
	l := m.restore(v)
	if l == nil {
		m.want(v.Status == 401 || v.Status == 403, "answer: nobody is logged in and the route answers", "got %d as user %d", v.Status, passed)
		return
	}
	m.status(v, 200, "a page of a user")
	m.want(passed == l.User, "user: another user's page", "got user %d, want %d", passed, l.User)
}

// Proved is told of a request at Guard.RequireFactor of "totp".
func (m *Model) Proved(v *Visit, passed int) {
	l := m.restore(v)
	m.want((v.Status == 200) == (l != nil && l.Totp), fmt.Sprintf("answer: a page for a second factor is %d", v.Status), "user %d, factor %v", m.user(l), l != nil && l.Totp)
	m.want(v.Status != 200 || passed == m.user(l), "user: another user's page", "got user %d, want %d", passed, m.user(l))
}

// Fresh is told of a request at Guard.RequireFresh: the user logged in with credentials at most
// maxAge ago.
func (m *Model) Fresh(v *Visit, passed int, maxAge time.Duration) {
	l := m.restore(v)
	fresh := l != nil && !l.At.IsZero() && v.Now.Sub(l.At) <= maxAge
	m.want((v.Status == 200) == fresh, fmt.Sprintf("answer: a page for a fresh log-in is %d", v.Status), "user %d, fresh %v", m.user(l), fresh)
	m.want(v.Status != 200 || passed == m.user(l), "user: another user's page", "got user %d, want %d", passed, m.user(l))
}

// restore finds the user of a request: the log-in in the session, or else whom the browser
// remembers. nil is nobody.
func (m *Model) restore(v *Visit) *LogIn {
	s := m.find(v)
	if s != nil && s.LogIns[v.Guard] != nil {
		l := s.LogIns[v.Guard]
		switch {
		case m.good(l) && m.pending(l):
			m.quiet(v, "a page for a pending log-in")
			return nil
		case m.good(l):
			m.want(!v.Gone, "cookie: a page expires the cookie", "the answer expires the session's cookie")
			return l
		case !m.others(s, v.Guard): // the stamp changed (S11): the session ends, unless another guard's log-in is in it
			m.end(s.ID)
			s = nil
		}
	}
	return m.recall(v, s)
}

// recall logs the visitor in whom the browser's token remembers.
func (m *Model) recall(v *Visit, s *Session) *LogIn {
	r := m.series(v)
	switch {
	case v.Token == "":
		return nil
	case r == nil:
		m.want(v.Forgot, "cookie: a dead token is kept", "the answer keeps the cookie of RememberMe")
		return nil
	case slices.Contains(r.Void, v.Token): // a copy from before the change of the password, or its answer was lost
		m.want(v.Forgot, "token: a copy is good after a change of the password", "a void token is accepted")
		return nil
	case v.Token == r.Token:
		r.Older, r.Token, r.Moved = r.Token, v.Next, v.Now // a token is used once
	case v.Token == r.Older && v.Now.Sub(r.Moved) < m.Grace: // tabs that are opened at once
		m.want(v.Next == r.Token, "token: tabs at once get different tokens", "the answer's token is not the present one")
	case v.Token == r.Older: // an answer was lost: the present token was never used, and is void
		r.Token, r.Moved = v.Next, v.Now
	default: // an older one: somebody has a copy
		m.endUser(r.Guard, r.User)
		m.want(v.Forgot, "token: a theft is not found", "an old token is accepted")
		return nil
	}
	m.tokens[r.Token] = r
	if m.Stamp && r.Password != m.passwords[[2]int{r.Guard, r.User}] {
		r.Over = true
		return nil
	}
	m.want(v.Next != "", "token: a remembered browser gets no next token", "the answer has no cookie of RememberMe")
	l := &LogIn{Guard: r.Guard, User: r.User, Password: r.Password, Series: r, Labels: r.Labels}
	if m.Refuse && m.tooMany(l, s, nil) { // it stays remembered
		m.want(v.ID == "" && !v.Gone, "cookie: a refused recall touches the session's cookie", "cookie %q", short(v.ID))
		return nil
	}
	n := m.enter(v, s, l, false, "a remembered log-in")
	for id, o := range m.live { // the browser has lost the cookies of the sessions before
		if k := o.LogIns[r.Guard]; k != nil && k.Series == r && o != n && o.Born.Before(r.Moved) {
			m.end(id)
		}
	}
	if m.Max > 0 && !m.Refuse && !m.pending(l) {
		m.evict(n, r.Guard)
	}
	if m.pending(l) {
		return nil
	}
	return l
}

// StepUp is told of a request with a second factor of user at Guard.StepUp.
func (m *Model) StepUp(v *Visit, user int, right bool) {
	if !m.looked(v, "totp", user, right) || !right {
		m.want(v.Status == 401 || v.Status == 429, "answer: a wrong second factor", "got %d", v.Status)
		m.quiet(v, "a wrong second factor")
		return
	}
	s := m.find(v)
	if s == nil || s.LogIns[v.Guard] == nil {
		m.status(v, 401, "a step up of nobody")
		return
	}
	l := s.LogIns[v.Guard]
	switch {
	case !m.good(l):
		m.status(v, 401, "a step up after the stamp changed")
		if !m.others(s, v.Guard) {
			m.end(s.ID)
		}
		return
	case l.User != user:
		m.status(v, 401, "a step up by another user")
		return
	}
	was := m.pending(l)
	up := *l
	up.Totp = true
	if was && m.Refuse && m.tooMany(&up, s, nil) {
		m.status(v, 403, "a step up to a log-in too many")
		m.quiet(v, "a refused step up")
		return
	}
	m.status(v, 200, "a step up")
	if v.Status != 200 {
		return
	}
	n := m.move(v, s, -1, "a step up")
	n.LogIns[v.Guard] = &up
	if was && m.Max > 0 && !m.Refuse {
		m.evict(n, v.Guard)
	}
}

// ChangePassword is told of a request of a user who changes the password: the handler calls
// Guard.LogInUser with the new user, which renews the session and keeps the log-in as old as it was,
// or Guard.ReauthenticateUser, which makes it fresh.
func (m *Model) ChangePassword(v *Visit, fresh bool) {
	if v.Status != 200 {
		l := m.restore(v)
		m.want(l == nil, fmt.Sprintf("answer: a change of the password is %d", v.Status), "user %d", m.user(l))
		return
	}
	old := m.restoreFirst(v)
	if old == nil {
		m.want(false, "answer: nobody is logged in and the password is changed", "got %d", v.Status)
		return
	}
	m.passwords[[2]int{v.Guard, old.User}]++
	s := m.at(old)
	l := &LogIn{Guard: v.Guard, User: old.User, At: old.At, Password: m.passwords[[2]int{v.Guard, old.User}], Totp: old.Totp, Labels: old.Labels}
	if fresh {
		l.At = v.Now
	}
	former := m.series(v)
	switch {
	case former != nil && former.User == l.User: // remembered before: the series goes on
		l.Series, former.Password = former, l.Password
		m.want(!v.Forgot, "cookie: LogInUser forgets the browser", "the answer expires the cookie of RememberMe")
		if m.Stamp { // with another token
			m.want(v.Next != "" && v.Next != v.Token, "token: a change of the password keeps the token", "the answer has no other cookie of RememberMe")
			former.Void, former.Older, former.Token, former.Moved = []string{former.Token, former.Older}, "", v.Next, v.Now
			m.tokens[v.Next] = former
		}
	default:
		m.want(v.Token == "" || v.Forgot, "cookie: LogInUser keeps another user's token", "the answer keeps the cookie of RememberMe")
	}
	n := m.enter(v, s, l, true, "a change of the password")
	if former != nil && former != l.Series {
		m.endSeries(former, n)
	}
}

func (m *Model) user(l *LogIn) int {
	if l == nil {
		return 0
	}
	return l.User
}

// at returns the session that holds the log-in.
func (m *Model) at(l *LogIn) *Session {
	for _, s := range m.live {
		if s.LogIns[l.Guard] == l {
			return s
		}
	}
	return nil
}

// restoreFirst is restore for a request that changes the session again: a log-in by a remembered
// browser gets an id of its own in between, which no answer shows.
func (m *Model) restoreFirst(v *Visit) *LogIn {
	w := *v
	w.ID = "between " + v.Now.String()
	n := len(m.Broken)
	l := m.restore(&w)
	m.Broken = m.Broken[:n]
	return l
}
