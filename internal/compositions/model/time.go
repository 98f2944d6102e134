package model

import "time"

// Expired applies the time limits (S14) and returns the ids for which both outcomes are allowed. An unused
// session is certainly live for Idle-Refresh after its last use, and certainly expired after Idle; in
// between it may be either (M9).
func (m *Model) Expired(now time.Time) (unsaid []string) {
	m.Now = now
	for id, s := range m.Live {
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
			if delete(m.Live, id); over && s.Node {
				m.Past[id] = s
			}
		}
	}
	return unsaid
}

// unsure reports whether the session may be live or expired.
func (m *Model) unsure(s *Session, now time.Time) bool {
	return !now.Before(s.Sure.Add(m.Idle-m.Refresh)) && now.Before(s.Maybe.Add(m.Idle))
}

// Settle records whether a session that Expired returned is live.
func (m *Model) Settle(id string, lives bool) {
	if !lives {
		delete(m.Live, id)
	}
}

// limit returns when a log-in, or an anonymous session if l is nil, ends however much it is used:
// AbsoluteTimeout after the log-in, or else after the session's birth.
func (m *Model) limit(s *Session, l *LogIn) time.Time {
	switch {
	case l != nil && !l.At.IsZero():
		return l.At.Add(m.Absolute)
	case s.Born.IsZero(): // Go has not written it yet
		return s.Maybe.Add(m.Absolute)
	}
	return s.Born.Add(m.Absolute)
}

// deadline returns when a session ends: at the latest limit of its log-ins, or at its own if it is
// anonymous.
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
