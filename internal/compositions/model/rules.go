package model

import (
	"maps"
	"slices"
	"time"
)

// end removes a session for good.
func (m *Model) end(id string) {
	if m.doubt.soft {
		m.doubtSession(id, &Half{Ends: true})
		return
	}
	m.noted[id] = m.now.Add(m.Absolute)
	if s := m.live[id]; s != nil && !s.Born.IsZero() {
		m.noted[id] = m.deadline(s)
	}
	delete(m.live, id)
}

// endAll ends every session with a log-in that is meant, other guards' log-ins in it too (M4), and
// every series of such a log-in (M5). but stays. It returns how many sessions it ended, less than
// zero where that is not said.
func (m *Model) endAll(meant func(*LogIn) bool, but *Session) (n int) {
	for _, r := range m.tokens {
		switch {
		case !meant(&r.LogIn):
		case m.doubt.soft:
			m.doubtSeries(r)
		default:
			r.Over = true
		}
	}
	unsaid := m.doubt.soft
	for id, s := range m.live {
		was := (&Session{LogIns: s.Was}).has(meant)
		if s == but || !was && !s.has(meant) {
			continue
		}
		if n++; was || s.Late {
			unsaid = true
			m.doubtSession(id, &Half{Ends: true})
			continue
		}
		unsaid = unsaid || m.unsure(s, m.now)
		m.end(id)
	}
	if unsaid {
		return -1
	}
	return n
}

// endSeries ends a series, nil for none, and all sessions that it made.
func (m *Model) endSeries(r *Series, but *Session) {
	if r != nil {
		m.endAll(func(l *LogIn) bool { return l.Series == r }, but)
	}
}

// endDevice ends the log-in, and the series with what that made, nil for none (M5). id is how the user's list
// shows it.
func (m *Model) endDevice(l *LogIn, r *Series, id, reason string) {
	n := m.endAll(func(k *LogIn) bool { return k == l || r != nil && k.Series == r }, nil)
	if n != 0 {
		m.expect(Event{Guard: l.Guard, Name: "session_expired", Reason: reason, User: l.User, Session: id, Count: n, unsure: n < 0})
	}
}

// leave ends what the request presents, and where that went on (S7, S8): for good if guard is none,
// or else a session stays, without the guard's log-in, in which another's user is logged in. n is
// the request's own, and stays.
func (m *Model) leave(v *Visit, guard int, n *Session) (stays bool) {
	m.followOrphans(v, guard)
	for _, id := range v.IDs {
		for id != "" {
			s, to := m.live[id], m.moved[id]
			if s != nil && s == n {
				break
			}
			if s != nil && guard != none && s.others(guard) {
				if stays = true; s.LogIns[guard] != nil {
					delete(s.LogIns, guard)
					s.written(v.Now)
				}
				break
			}
			m.end(id)
			if id = ""; v.Now.Before(to.until) {
				id = to.to
			}
		}
	}
	return stays || n != nil
}

// move puts the content of s, nil for none, under the id that was answered (S5). A note shows
// where it went (S7) if a log-in goes on that this request did not prove: that of another guard
// than proved.
func (m *Model) move(v *Visit, s *Session, proved int, what string) *Session {
	m.want(v.ID != "" && m.live[v.ID] == nil, "cookie: "+what+" brings no new id", "%s: the answer's cookie brings %q", what, short(v.ID))
	n := &Session{ID: v.ID, LogIns: map[int]*LogIn{}, Over: map[int]*LogIn{}, Values: map[string]string{}, Born: v.Now, Sure: v.Now, Maybe: v.Now}
	m.live[n.ID] = n
	if s == nil {
		return n
	}
	n.LogIns, n.Over, n.Values = maps.Clone(s.LogIns), maps.Clone(s.Over), maps.Clone(s.Values)
	n.Born, n.Node = s.Born, s.Node
	n.written(v.Now)
	if s.others(proved) {
		until := v.Now.Add(10 * time.Minute)
		if m.Notes {
			until = m.deadline(s)
		}
		m.moved[s.ID] = note{n.ID, until}
	}
	m.end(s.ID)
	return n
}

// enter puts the log-in l into the session s, nil for none, under the id of the answer, and
// sends the event e. One that renews proves nothing, and keeps what is there (M10).
func (m *Model) enter(v *Visit, s *Session, l *LogIn, e Event, what string) *Session {
	renews, proved := e.Name == "session_renewed", l.Guard
	if renews {
		proved = none
	}
	n := m.move(v, s, proved, what)
	former, others := n.LogIns[l.Guard], n.others(l.Guard)
	switch { // the values (M2)
	case former != nil && former.User != l.User:
		clear(n.Values)
	case former == nil && !others: // an anonymous visitor's: what LogInOptions.Keep names
		maps.DeleteFunc(n.Values, func(name, _ string) bool { return name != "returnTo" && name != "flash" })
	}
	n.LogIns[l.Guard], l.Listed, l.Unnamed = l, true, false
	delete(n.Over, l.Guard)
	e.Guard, e.User, e.Session = l.Guard, l.User, v.ID
	m.expect(e)
	if renews {
		return n
	}
	if former != nil && former.User != l.User { // M13
		m.expect(Event{Guard: l.Guard, Name: "session_expired", Reason: "replaced", User: former.User, Session: s.ID})
	}
	if !others {
		n.Born = v.Now
	}
	m.leave(v, none, n)
	return n
}

func all(*Session, *LogIn) bool { return true }

// devices are a user's sessions that count, as the user sees them: those of one series are one.
// The latest comes first. A session counts from its birth or its log-in, whichever is later (M7).
func (m *Model) devices(guard, user int, counts func(*Session, *LogIn) bool) (list [][]*Session) {
	var found []*Session
	for _, s := range m.live {
		if l := s.LogIns[guard]; l != nil && l.User == user && l.listed() && m.good(l) && counts(s, l) {
			found = append(found, s)
		}
	}
	began := func(s *Session) time.Time {
		if at := s.LogIns[guard].At; at.After(s.Born) {
			return at
		}
		return s.Born
	}
	slices.SortFunc(found, func(a, b *Session) int { return began(b).Compare(began(a)) })
	for _, s := range found {
		r := s.LogIns[guard].Series
		i := slices.IndexFunc(list, func(d []*Session) bool { return r != nil && d[0].LogIns[guard].Series == r })
		if i < 0 {
			list = append(list, []*Session{s})
		} else {
			list[i] = append(list[i], s)
		}
	}
	return list
}

// rivals are the user's devices that count beside l in s for MaxSessions (M6, M7): not what is
// pending, nor what ends with it, such as the sessions of former.
func (m *Model) rivals(l *LogIn, s *Session, former *Series) [][]*Session {
	return m.devices(l.Guard, l.User, func(t *Session, k *LogIn) bool {
		return t != s && !m.pending(k) && (k.Series == nil || k.Series != former && k.Series != l.Series)
	})
}

// tooMany reports whether RefuseMore refuses the log-in l in place of s: that changes nothing, except
// that a browser's token was used.
func (m *Model) tooMany(v *Visit, l *LogIn, s *Session, former *Series, strategy string) bool {
	if m.Max == 0 || !m.Refuse || m.pending(l) || len(m.rivals(l, s, former)) < m.Max {
		return false
	}
	m.status(v, 403, "a log-in too many")
	m.quietSession(v, "a refused log-in")
	m.want(l.Series != nil || v.Next == "" && !v.Forgot, "cookie: a refused log-in touches the cookie of RememberMe", "cookie %q, expired %v", short(v.Next), v.Forgot)
	e := Event{Guard: l.Guard, Name: "authz_fail", Reason: "too_many", Strategy: strategy, User: l.User}
	if s != nil {
		e.Session = s.ID
	}
	m.expect(e)
	return true
}

// evict ends the oldest of the user's devices beyond MaxSessions, of which n is the latest.
func (m *Model) evict(n *Session, guard int) {
	l := n.LogIns[guard]
	if m.Max == 0 || m.Refuse || m.pending(l) {
		return
	}
	for i, d := range m.rivals(l, n, nil) {
		if i >= m.Max-1 {
			oldest := d[0].LogIns[guard]
			m.later = append(m.later, func() { m.endDevice(oldest, oldest.Series, d[0].ID, "too_many") })
		}
	}
}
