package outside

import (
	"maps"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// Express beside writes the same records. It notes nothing of a log-in, and what Go noted does not
// count for one that it made, nor under an id into which it copied a session.

// nodeTTL is how long Express lets a session live that it wrote.
const nodeTTL = 24 * time.Hour

// byNode is a session as Express wrote it: the store keeps it for a day, unless Go writes it.
func (m *Model) byNode(v *model.Visit, id string) *model.Session {
	s := m.Live[id]
	if s == nil {
		s = &model.Session{ID: id, LogIns: map[int]*model.LogIn{}, Over: map[int]*model.LogIn{}, Values: map[string]string{}}
		m.Live[id] = s
	}
	s.Sure, s.Maybe, s.Node = v.Now, v.Now.Add(nodeTTL-m.Idle), true
	return s
}

// NodeLogIn is told of a log-in at Express. moves says that the session gets a new id, as since
// passport 0.6; keeps that it keeps its content, as before and with keepSessionInfo.
func (m *Model) NodeLogIn(v *model.Visit, user int, moves, keeps bool) {
	s := m.nodeVisit(v, moves, keeps)
	l, before := &model.LogIn{User: user, Node: true, Unnamed: m.Named}, s.LogIns[0]
	if before != nil && !moves { // passport 0.4 replaces the user alone: nobody can tell when it puts the first one back
		if l.Under = before; before.Node {
			l.Under = before.Under
		}
		switch { // an id that is written otherwise is not what Go noted
		case before.User == user && before.Form == "":
			l = before
		case l.Under != nil && l.Under.User == user && l.Under.Form == "":
			l = l.Under
		}
	}
	l.Listed, l.Unsaid = l.User == s.Found && !l.Unnamed, l.Unsaid || s.Half
	s.LogIns[0] = l
}

// NodeLogOut is told of a log-out at Express.
func (m *Model) NodeLogOut(v *model.Visit, moves, keeps bool) {
	if m.Live[v.IDs[0]] == nil {
		return
	}
	if moves && !keeps {
		delete(m.Live, v.IDs[0]) // without a note
		return
	}
	delete(m.nodeVisit(v, moves, keeps).LogIns, 0)
}

// NodeSet is told of a value that Express stores.
func (m *Model) NodeSet(v *model.Visit, name, value string) {
	m.nodeVisit(v, false, true).Values[name] = value
}

func (m *Model) nodeVisit(v *model.Visit, moves, keeps bool) *model.Session {
	old := m.Live[v.IDs[0]]
	if old != nil && !moves {
		if l := old.LogIns[0]; l != nil && l.Found() {
			old.Found, old.Read = l.User, false
		}
		return m.byNode(v, old.ID)
	}
	s := m.byNode(v, v.ID)
	if old == nil {
		return s
	}
	delete(m.Live, old.ID) // without a note
	if keeps {
		s.Values = maps.Clone(old.Values)
		for g, l := range old.LogIns {
			s.LogIns[g] = &model.LogIn{Guard: g, User: l.User, Node: true, Unnamed: m.Named}
		}
	}
	return s
}

// A slow request of Express read a session, and writes it back as it was then, with a value: what was written
// meanwhile is lost, a log-in that Go took out is back. It may write under an id that has ended since: the
// record is there again. With tombstones Go goes on taking the id for unknown, for as long as the note of the
// end lives (S15); without, that end is undone. Whether a list shows such a log-in is not said.

// NodeBegins is told that Express has read the session of an id.
func (m *Model) NodeBegins(id string) {
	m.slow = nil
	if s := m.Live[id]; s != nil {
		then := *s
		then.Values, then.LogIns = maps.Clone(s.Values), map[int]*model.LogIn{}
		for g, l := range s.LogIns {
			c := *l
			if then.LogIns[g] = &c; c.Begun == nil {
				c.Begun = l
			}
		}
		m.slow = &then
	}
}

// NodeEnds is told that Express has written it back.
func (m *Model) NodeEnds(v *model.Visit, name, value string) {
	then, now := m.slow, m.Live[m.slow.ID]
	m.slow = nil
	s := m.byNode(v, then.ID)
	s.Values = maps.Clone(then.Values)
	s.Values[name] = value
	s.LogIns = then.LogIns
	for _, l := range s.LogIns {
		l.Unsaid = l.Listed // what lists it has gone with it, or not
	}
	s.Born = then.Born // if Go has written it since, that is lost
	if now == nil {
		s.Late = true
		if m.Notes && then.Has(func(l *model.LogIn) bool { return l.Listed }) { // what found it by a name may have noted its end
			s.Sure = time.Time{}
		}
	}
	s.Half, s.Read = true, true
	if now == nil && m.Notes && v.Now.Before(m.Noted[then.ID]) {
		delete(m.Live, then.ID)
		m.under[then.ID] = s
	}
}

// outlived takes what Express wrote late to be there again, if it is, once the note of its end is over: the
// store keeps it for a day, unless Go finds it before (S15).
func (m *Model) outlived(id string, lives bool) {
	s := m.under[id]
	if s == nil || m.Now.Before(m.Noted[id]) {
		return
	}
	if delete(m.under, id); lives && m.Live[id] == nil {
		m.Live[id] = s
	}
}

// Beside is told of a request that was refused since its session ended or changed, and reports whether it may
// be: what Express wrote late lies beside the note that says where the session went on (M15).
func (m *Model) Beside(v *model.Visit, what string) bool {
	s := m.First(v)
	if s == nil || !v.Now.Before(m.Moved[s.ID].Until) {
		return false
	}
	s.MayBeUsed(v.Now)
	m.doubt.mute = true
	m.Quiet(v, what+" beside the note of where the session went on")
	return true
}
