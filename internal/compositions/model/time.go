package model

import "time"

// Expired applies the limits of time (S14). A session that nobody uses certainly lives for
// Idle-Refresh after its last use, and certainly not longer than Idle; in between it is not said (M9).
func (m *Model) Expired(now time.Time) (unsaid []string) {
	m.now = now
	for id, s := range m.live {
		for g, l := range s.LogIns {
			if !now.Before(m.limit(s, l)) && len(s.LogIns) > 1 { // another guard's log-in stays
				s.Over[g] = l
				delete(s.LogIns, g)
			}
		}
		over := !now.Before(m.deadline(s))
		switch {
		case !over && m.unsure(s, now):
			unsaid = append(unsaid, id)
		case over || !now.Before(s.Sure.Add(m.Idle-m.Refresh)):
			if delete(m.live, id); over && s.Node {
				m.past[id] = s
			}
		}
	}
	return unsaid
}

// unsure reports whether it is not said that the session lives.
func (m *Model) unsure(s *Session, now time.Time) bool {
	return !now.Before(s.Sure.Add(m.Idle-m.Refresh)) && now.Before(s.Maybe.Add(m.Idle))
}

// Settle is told what became of an id of which nothing is said.
func (m *Model) Settle(id string, lives bool) {
	if !lives {
		delete(m.live, id)
	}
}

// limit is when a log-in, or for nil an anonymous session, ends however much it is used:
// AbsoluteTimeout after its own time, or else the session's birth.
func (m *Model) limit(s *Session, l *LogIn) time.Time {
	switch {
	case l != nil && !l.At.IsZero():
		return l.At.Add(m.Absolute)
	case s.Born.IsZero(): // Go has not written it yet
		return s.Maybe.Add(m.Absolute)
	}
	return s.Born.Add(m.Absolute)
}

// deadline is when a session ends: the latest of its log-ins' limits, or an anonymous one's own.
func (m *Model) deadline(s *Session) (latest time.Time) {
	if len(s.LogIns) == 0 {
		return m.limit(s, nil)
	}
	for _, l := range s.LogIns {
		if t := m.limit(s, l); t.After(latest) {
			latest = t
		}
	}
	return latest
}

// Answered is told of each request after what it meant: of the cookies' attributes, and whether
// a cookie is sent again. The session's is only by Reissue, and with Rolling whenever the session is refreshed.
func (m *Model) Answered(v *Visit) {
	for _, f := range m.later {
		m.softly(f)
	}
	s, again := m.used, false
	m.used, m.later = nil, nil
	switch {
	case m.doubt.on, v.Stale: // it took its time, or may not know what there is
		return
	case v.ID != "":
		s = m.live[v.ID]
	case s != nil && m.live[s.ID] == s && !v.Gone:
		again = v.Again
		m.want(again || !v.Reissues && !(m.Rolling && s.Due), "cookie: it is not sent again", "reissued: %v, rolling: %v", v.Reissues, m.Rolling)
		m.want(!again || v.Reissues || m.Rolling, "cookie: it is sent again", "%s", short(s.ID))
	}
	if s != nil && !s.Node && (v.ID != "" || again) {
		var until time.Time
		var age time.Duration
		if m.Persistent {
			if until = m.deadline(s); m.Rolling && until.After(v.Now.Add(m.Idle)) {
				until = v.Now.Add(m.Idle)
			}
			if v.Ages {
				age = until.Sub(v.Now)
			}
		}
		m.want(v.Until.Equal(until.Truncate(time.Second)), "cookie: its Expires", "got %v, want %v", v.Until, until)
		m.want(v.MaxAge == age.Truncate(time.Second), "cookie: its Max-Age", "got %v, want %v", v.MaxAge, age)
	}
	if r := m.tokens[v.Next]; r != nil {
		left := r.At.Add(m.Remember).Sub(v.Now).Truncate(time.Second)
		m.want(v.Keeps == left, "cookie: the Max-Age of what remembers", "got %v, want %v", v.Keeps, left)
	}
}
