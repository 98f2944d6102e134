package model

import (
	"maps"
	"slices"
	"time"
)

// End removes a session for good.
func (m *Model) End(id string) {
	if m.soft {
		m.Doubts.Session(id)
		return
	}
	m.Noted[id] = m.Now.Add(m.Absolute)
	if s := m.Live[id]; s != nil && !s.Born.IsZero() {
		m.Noted[id] = m.deadline(s)
	}
	delete(m.Live, id)
}

// endAll ends every session with a log-in that is meant, other guards' log-ins in it too (M4), and
// every series of such a log-in (M5). but stays. It returns how many sessions it ended, less than
// zero where that is not said.
func (m *Model) endAll(meant func(*LogIn) bool, but *Session) (n int) {
	for _, r := range m.Tokens {
		switch {
		case !meant(&r.LogIn):
		case m.soft:
			m.Doubts.Series(r)
		default:
			r.Over = true
		}
	}
	said := !m.soft
	for id, s := range m.Live {
		finds, sure := m.Doubts.Means(s, meant)
		if !finds || s == but {
			continue
		}
		n++
		if said = said && sure && !m.unsure(s, m.Now); sure {
			m.End(id)
		} else {
			m.Doubts.Session(id)
		}
	}
	if !said {
		return -1
	}
	return n
}

// endUser ends every session in which the user is logged in, and every series.
func (m *Model) endUser(guard, user int) int {
	for _, s := range m.Live {
		if guard == 0 && s.Open.Found == user {
			s.Open.Found = 0
		}
	}
	return m.endAll(func(l *LogIn) bool { return l.Guard == guard && l.User == user && l.Found() }, nil)
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
	m.ended(n, Event{Guard: l.Guard, Reason: reason, User: l.User, Session: id})
}

// ended demands the event of an end that found n sessions, if it found any.
func (m *Model) ended(n int, e Event) {
	if e.Name, e.Count, e.Unsure = "session_expired", n, n < 0; n != 0 {
		m.expect(e)
	}
}

// LogOutEverywhere is told of Guard.LogOutEverywhere: no session of the user lives, and no browser
// is remembered.
func (m *Model) LogOutEverywhere(guard, user int) {
	m.expect(Event{Guard: guard, Name: "session_expired", Reason: "revoked", User: user, Count: m.endUser(guard, user)})
}

// EndLinked is told of Guard.EndLinked: every log-in that bears the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	m.ended(m.endAll(func(l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }, nil), Event{Guard: guard, Reason: "revoked"})
}

// EndSession is told of Guard.EndSession for the id by which a device is listed.
func (m *Model) EndSession(guard int, id string) {
	if s := m.Live[id]; s != nil && s.LogIns[guard] != nil {
		m.endDevice(s.LogIns[guard], s.LogIns[guard].Series, id, "revoked")
	}
}

// EndOwn is told of Guard.EndSession in a request of the user, for the id of one of their sessions: an
// older session of the browser that asks ends by itself.
func (m *Model) EndOwn(v *Visit, id string) {
	s := m.Live[id]
	listed := s != nil && s.Has(func(l *LogIn) bool { return l.Guard == v.Guard && l.Found() }) // before this request
	own := m.restore(v)
	if own == nil || !m.status(v, 200, "the end of a device") || !listed {
		return
	}
	current := m.at(own)
	for _, d := range m.devices(v.Guard, own.User, all) {
		if i := slices.IndexFunc(d, func(s *Session) bool { return s.ID == id }); i >= 0 {
			l, shown := d[i].LogIns[v.Guard], d[0].ID
			series := l.Series
			if slices.Contains(d, current) { // the list shows that one, and it stays unless it is meant
				shown = id
				if d[i] != current {
					series = nil
				}
			}
			m.endDevice(l, series, shown, "revoked")
		}
	}
}

// LogOut is told of a request at Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.Find(v)
	if !m.status(v, 200, "a log-out") {
		return
	}
	m.Want(v.Token == "" || v.Forgot, "cookie: a log-out keeps the browser remembered", "the answer keeps the cookie of RememberMe")
	m.endSeries(m.Presented(v), s)
	var n *Session // in which another guard's user stays
	if s != nil {
		if l := s.LogIns[v.Guard]; l != nil {
			m.expect(Event{Guard: v.Guard, Name: "session_expired", Reason: "logout", User: l.User, Session: s.ID})
		}
		if s.others(v.Guard) && !m.late(v, s, v.Guard) {
			n = m.move(v, s, none, "the log-out of one of two guards")
			delete(n.LogIns, v.Guard)
		}
	}
	stays := m.leave(v, v.Guard, n)
	if over := v.Sent && !stays; !m.Doubts.Follows(v, v.Guard) {
		m.Want(v.Gone || !over || v.Stale, "cookie: a log-out keeps the session's cookie", "nobody's log-in stays")
		m.Want(!v.Gone || over, "cookie: a log-out expires a cookie that it must not", "another guard's log-in stays: %v", stays)
	}
}

// late reports whether Express has written the session after it went on elsewhere, with another guard's log-in,
// which may have ended: a log-in takes nothing from it, and a log-out takes its own out of it alone (M15).
func (m *Model) late(v *Visit, s *Session, guard int) bool {
	return s != nil && s.others(guard) && v.Now.Before(m.Moved[s.ID].Until)
}

// Destroy is told of Session.Destroy: whatever the request presents ends, and where it went on.
func (m *Model) Destroy(v *Visit) {
	m.Find(v)
	if m.status(v, 200, "a destroyed session") {
		m.leave(v, none, nil)
		m.Doubts.Follows(v, none)
	}
}

// leave ends what the request presents, and where that went on (S7, S8): for good if guard is none,
// or else a session stays, without the guard's log-in, in which another's user is logged in. n is
// the request's own, and stays.
func (m *Model) leave(v *Visit, guard int, n *Session) (stays bool) {
	for _, id := range v.IDs {
		for id != "" {
			s, next := m.Live[id], m.Moved[id]
			if s != nil && s == n {
				break
			}
			if s != nil && guard != none && s.others(guard) {
				if stays = true; s.LogIns[guard] != nil {
					delete(s.LogIns, guard)
					s.written(v.Now)
					for _, l := range s.LogIns {
						l.Unsaid = m.late(v, s, guard)
					}
				}
				break
			}
			m.End(id)
			if id = ""; v.Now.Before(next.Until) {
				id = next.To
			}
		}
	}
	return stays || n != nil
}

func all(*Session, *LogIn) bool { return true }

// devices are a user's sessions that count, as the user sees them: those of one series are one.
// The latest comes first. A session counts from its birth or its log-in, whichever is later (M7).
func (m *Model) devices(guard, user int, counts func(*Session, *LogIn) bool) (list [][]*Session) {
	found := slices.DeleteFunc(slices.Collect(maps.Values(m.Live)), func(s *Session) bool {
		l := s.LogIns[guard]
		return l == nil || l.User != user || !l.Found() || !m.Good(l) || !counts(s, l)
	})
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
		return t != s && !m.Pending(k) && (k.Series == nil || k.Series != former && k.Series != l.Series)
	})
}

// tooMany reports whether RefuseMore refuses the log-in l in place of s: that changes nothing, except
// that a browser's token was used.
func (m *Model) tooMany(v *Visit, l *LogIn, s *Session, former *Series, strategy string) bool {
	if m.Max == 0 || !m.Refuse || m.Pending(l) || len(m.rivals(l, s, former)) < m.Max {
		return false
	}
	m.status(v, 403, "a log-in too many")
	m.QuietSession(v, "a refused log-in")
	m.Want(l.Series != nil || v.Next == "" && !v.Forgot, "cookie: a refused log-in touches the cookie of RememberMe", "cookie %q, expired %v", Short(v.Next), v.Forgot)
	e := Event{Guard: l.Guard, Name: "authz_fail", Reason: "too_many", Strategy: strategy, User: l.User}
	if s != nil {
		e.Session = s.ID
	}
	m.expect(e)
	return true
}

// evict ends the oldest of the user's devices beyond MaxSessions, of which n is the latest. The sessions of
// former end anyway.
func (m *Model) evict(n *Session, guard int, former *Series) {
	l := n.LogIns[guard]
	if m.Max == 0 || m.Refuse || m.Pending(l) {
		return
	}
	for i, d := range m.rivals(l, n, former) {
		if i >= m.Max-1 {
			oldest := d[0].LogIns[guard]
			m.later = append(m.later, func() { m.endDevice(oldest, oldest.Series, d[0].ID, "too_many") })
		}
	}
}
