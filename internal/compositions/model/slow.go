package model

import "maps"

// A slow request of Express read a session, and writes it back as it was then, with a value. It may write under an
// id that has ended since: the record is there again. With tombstones Go goes on taking the id for unknown, for as
// long as the note of the end lives (S15); without, the log-out of who was logged in there is undone.

// NodeBegins is told that Express has read the session of an id.
func (m *Model) NodeBegins(id string) {
	if m.slow = nil; m.live[id] != nil {
		m.slow = m.copy().live[id]
	}
}

// NodeEnds is told that Express has written it back.
func (m *Model) NodeEnds(v *Visit, name, value string) {
	then, now := m.slow, m.live[m.slow.ID]
	if m.slow = nil; now == nil && m.Notes && v.Now.Before(m.noted[then.ID]) {
		return
	}
	s := m.byNode(v, then.ID)
	s.Values = maps.Clone(then.Values)
	s.Values[name] = value
	was := s.LogIns
	s.LogIns = then.LogIns
	for g, l := range s.LogIns {
		if k := was[g]; k != nil && k.User == l.User {
			s.LogIns[g] = k
			continue
		}
		l.Listed = false // what lists it has gone with it, or not
		s.Found = l.User
	}
	if now == nil {
		s.Born = then.Born
	}
	s.Half, s.Read = true, true
}
