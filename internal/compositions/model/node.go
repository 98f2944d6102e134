package model

import (
	"maps"
	"time"
)

// Express beside writes the same records. It notes nothing of a log-in, and what Go noted does not
// count for one that it made, nor under an id into which it copied a session.

// nodeTTL is how long Express lets a session live that it wrote.
const nodeTTL = 24 * time.Hour

// byNode is a session as Express wrote it: the store keeps it for a day, unless Go writes it.
func (m *Model) byNode(v *Visit, id string) *Session {
	s := m.live[id]
	if s == nil {
		s = &Session{ID: id, LogIns: map[int]*LogIn{}, Over: map[int]*LogIn{}, Values: map[string]string{}}
		m.live[id] = s
	}
	s.Sure, s.Maybe, s.Node = v.Now, v.Now.Add(nodeTTL-m.Idle), true
	return s
}

// NodeLogIn is told of a log-in at Express. moves says that the session gets a new id, as since
// passport 0.6; keeps that it keeps its content, as before and with keepSessionInfo.
func (m *Model) NodeLogIn(v *Visit, user int, moves, keeps bool) {
	s := m.nodeVisit(v, moves, keeps)
	l, before := &LogIn{User: user, Node: true, Unnamed: m.Named}, s.LogIns[0]
	if before != nil && !moves { // passport 0.4 replaces the user alone: nobody can tell when it puts the first one back
		if l.Under = before; before.Node {
			l.Under = before.Under
		}
		switch { // an id that is written otherwise is not what Go noted
		case before.User == user && before.Form == 0:
			l = before
		case l.Under != nil && l.Under.User == user && l.Under.Form == 0:
			l = l.Under
		}
	}
	l.Listed = l.User == s.Found && !l.Unnamed
	s.LogIns[0] = l
}

// NodeLogOut is told of a log-out at Express.
func (m *Model) NodeLogOut(v *Visit, moves, keeps bool) {
	if m.live[v.IDs[0]] == nil {
		return
	}
	if moves && !keeps {
		delete(m.live, v.IDs[0]) // without a note
		return
	}
	delete(m.nodeVisit(v, moves, keeps).LogIns, 0)
}

// NodeSet is told of a value that Express stores.
func (m *Model) NodeSet(v *Visit, name, value string) {
	m.nodeVisit(v, false, true).Values[name] = value
}

func (m *Model) nodeVisit(v *Visit, moves, keeps bool) *Session {
	old := m.live[v.IDs[0]]
	if old != nil && !moves {
		if l := old.LogIns[0]; l != nil && l.listed() {
			old.Found, old.Read = l.User, false
		}
		return m.byNode(v, old.ID)
	}
	s := m.byNode(v, v.ID)
	if old == nil {
		return s
	}
	delete(m.live, old.ID) // without a note
	if keeps {
		s.Values = maps.Clone(old.Values)
		for g, l := range old.LogIns {
			s.LogIns[g] = &LogIn{Guard: g, User: l.User, Node: true, Unnamed: m.Named}
		}
	}
	return s
}
