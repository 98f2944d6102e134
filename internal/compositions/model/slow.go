package model

import "maps"

// A slow request of Express read a session, and writes it back as it was then, with a value: what was written
// meanwhile is lost, a log-in that Go took out is back. It may write under an id that has ended since: the record
// is there again. With tombstones Go goes on taking the id for unknown, for as long as the note of the end lives
// (S15); without, that end is undone. Whether a list shows such a log-in is not said.

// NodeBegins is told that Express has read the session of an id.
func (m *Model) NodeBegins(id string) {
	m.slow = nil
	if s := m.live[id]; s != nil {
		then := *s
		then.Values, then.LogIns = maps.Clone(s.Values), map[int]*LogIn{}
		for g, l := range s.LogIns {
			c := *l
			then.LogIns[g] = &c
		}
		m.slow = &then
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
	s.LogIns = then.LogIns
	for _, l := range s.LogIns {
		l.Unsaid = l.Listed // what lists it has gone with it, or not
	}
	if now == nil {
		s.Born, s.Late = then.Born, true
	}
	s.Half, s.Read = true, true
}
