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

// endAll ends every session with a log-in that meant selects, including other guards' log-ins in it (M4),
// and every series of such a log-in (M5). It spares the session but. It returns how many sessions it ended,
// or a negative number if that is unknown.
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

// endSeries ends a series, if r is not nil, and all sessions that it made except but.
func (m *Model) endSeries(r *Series, but *Session) {
	if r != nil {
		m.endAll(func(l *LogIn) bool { return l.Series == r }, but)
	}
}

// endDevice ends the log-in l, and the series r with all its sessions, if r is not nil (M5). id is the one
// by which the user's list shows the device.
func (m *Model) endDevice(l *LogIn, r *Series, id, reason string) {
	n := m.endAll(func(k *LogIn) bool { return k == l || r != nil && k.Series == r }, nil)
	m.ended(n, Event{Guard: l.Guard, Reason: reason, User: l.User, Session: id})
}

// ended requires the event of an end that found n sessions, unless n is 0.
func (m *Model) ended(n int, e Event) {
	if e.Name, e.Count, e.Unsure = "session_expired", n, n < 0; n != 0 {
		m.expect(e)
	}
}

// LogOutEverywhere models Guard.LogOutEverywhere: all sessions of the user end, and all browsers are
// forgotten.
func (m *Model) LogOutEverywhere(guard, user int) {
	m.expect(Event{Guard: guard, Name: "session_expired", Reason: "revoked", User: user, Count: m.endUser(guard, user)})
}

// EndLinked models Guard.EndLinked: every log-in that has the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	m.ended(m.endAll(func(l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }, nil), Event{Guard: guard, Reason: "revoked"})
}

// EndSession models Guard.EndSession for the id by which a device is listed.
func (m *Model) EndSession(guard int, id string) {
	if s := m.Live[id]; s != nil && s.LogIns[guard] != nil {
		m.endDevice(s.LogIns[guard], s.LogIns[guard].Series, id, "revoked")
	}
}

// EndOwn models Guard.EndSession in a request of the user, for the id of one of the user's sessions. An
// older session of the same browser ends alone: the current one stays.
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
			if slices.Contains(d, current) { // it is listed, and stays unless id is its own
				shown = id
				if d[i] != current {
					series = nil
				}
			}
			m.endDevice(l, series, shown, "revoked")
		}
	}
}

// LogOut models a request to Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.Find(v)
	if !m.status(v, 200, "a log-out") {
		return
	}
	m.Want(v.Token == "" || v.Forgot, "cookie: a log-out keeps the browser remembered", "the answer keeps the cookie of RememberMe")
	m.endSeries(m.Presented(v), s)
	var n *Session // keeps another guard's log-in
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

// late reports whether Express has written the session after it moved to another id, and it holds another
// guard's log-in, which may have ended. A log-in then takes nothing from the session, and a log-out removes
// only its own log-in (M15).
func (m *Model) late(v *Visit, s *Session, guard int) bool {
	return s != nil && s.others(guard) && v.Now.Before(m.Moved[s.ID].Until)
}

// Destroy models Session.Destroy: whatever the request presents ends, with its successors.
func (m *Model) Destroy(v *Visit) {
	m.Find(v)
	if m.status(v, 200, "a destroyed session") {
		m.leave(v, none, nil)
		m.Doubts.Follows(v, none)
	}
}

// leave ends the sessions that the request presents, and their successors (S7, S8). If guard is not none, a
// session with another guard's log-in stays, without the log-in of guard. n is the request's own session,
// and stays.
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

// devices returns a user's sessions for which counts is true, grouped as the user sees them: the sessions
// of one series are one device. The latest comes first. A session began at its birth or its log-in,
// whichever is later (M7).
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

// rivals returns the user's devices that count for MaxSessions besides l in s (M6, M7). Pending log-ins do
// not count, nor do sessions that end with this log-in, such as those of former.
func (m *Model) rivals(l *LogIn, s *Session, former *Series) [][]*Session {
	return m.devices(l.Guard, l.User, func(t *Session, k *LogIn) bool {
		return t != s && !m.Pending(k) && (k.Series == nil || k.Series != former && k.Series != l.Series)
	})
}

// tooMany reports whether RefuseMore refuses the log-in l that would replace s. A refusal changes nothing,
// except that a browser's token is used up.
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

// evict ends the oldest of the user's devices beyond MaxSessions; n is the newest. The sessions of former
// end anyway.
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
