package outside

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// An Express application uses the same store. It adds no notes of a log-in. Go's notes do not count for a
// log-in that Express made, nor under an id to which Express copied a session.

// nodeTTL is how long the store keeps a session that Express wrote.
const nodeTTL = 24 * time.Hour

// byNode returns the session id as Express writes it: the store keeps it for a day, unless Go writes it.
func (m *Model) byNode(v *model.Visit, id string) *model.Session {
	s := m.Live[id]
	if s == nil {
		s = model.NewSession(id, time.Time{})
		delete(m.doubt.about, id)
		m.Live[id] = s
	}
	s.Lives, s.Dies, s.Node = v.Now.Add(m.Idle-m.Refresh), v.Now.Add(nodeTTL), true
	return s
}

// NodeLogIn models a log-in at Express. moves is whether the session gets a new id, as since passport 0.6.
// keeps is whether it keeps its content, as before 0.6 and with keepSessionInfo. noted is whether
// Express finds Go's notes of a log-in beside the user.
func (m *Model) NodeLogIn(v *model.Visit, user int, moves, keeps, noted bool) {
	s := m.nodeVisit(v, moves, keeps)
	a := m.about(s.ID)
	l, before := &model.LogIn{Account: model.Account{User: user}, Begun: v.Now, Node: true, Unnamed: m.Named}, s.LogIns[0]
	if before == nil {
		a.under = nil
	} else if !moves { // passport 0.4 replaces only the user: Go's notes match again if it comes back
		if !before.Node || before.Factors != nil { // a step up leaves notes too
			a.under, a.read = before, false
		}
		if a.read && !noted { // whether Go has written it since was unsaid
			a.under = nil
		}
		switch { // an id that is serialized differently does not match Go's notes
		case before.User == user && before.Form == "":
			l = before
		case a.under != nil && a.under.User == user && a.under.Form == "":
			l = a.under
		case before.User == user: // for a stream the log-in goes on, even if the id is spelt otherwise
			l.Begun = before.Begun
		}
	}
	if l != before {
		l.Listed = false
	}
	if a.half || l != before && slices.Contains(m.found[s.ID], user) { // Go may still have it in the user's list
		m.mayBeListed(l)
	}
	s.LogIns[0] = l
}

// NodeLogOut models a log-out at Express.
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

// NodeSet models a value that Express stores.
func (m *Model) NodeSet(v *model.Visit, name, value string) {
	m.nodeVisit(v, false, true).Values[name] = value
}

func (m *Model) nodeVisit(v *model.Visit, moves, keeps bool) *model.Session {
	old := m.Live[v.IDs[0]]
	if old != nil && !moves {
		if l := old.LogIns[0]; l != nil && l.Found() {
			m.found[old.ID] = append(m.found[old.ID], l.User)
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
			s.LogIns[g] = &model.LogIn{Account: model.Account{Guard: g, User: l.User}, Begun: v.Now, Node: true, Unnamed: m.Named}
		}
	}
	return s
}

// A slow request to Express reads a session, and later writes it back with a value added. What was written
// in between is lost: a log-in that Go removed is back. If the session has ended since, the write restores
// the record. With tombstones, Go still treats the id as unknown while the note of the end is kept (S15);
// without them, the end is undone. Whether a list shows such a log-in is unknown.

// slow is a request to Express that has read a session.
type slow struct {
	model.Session
	under *model.LogIn // see about
}

// NodeBegins models that Express reads the session id.
func (m *Model) NodeBegins(id string) {
	m.slow = nil
	if s := m.Live[id]; s != nil {
		then := slow{*s, m.about(id).under}
		then.Values, then.LogIns = maps.Clone(s.Values), map[int]*model.LogIn{}
		for g, l := range s.LogIns {
			c := *l
			then.LogIns[g] = &c
		}
		m.slow = &then
	}
}

// NodeEnds models that Express writes that session back.
func (m *Model) NodeEnds(v *model.Visit, name, value string) {
	then, now := m.slow, m.Live[m.slow.ID]
	m.slow = nil
	var was map[int]*model.LogIn
	if now != nil {
		was = now.LogIns // Go may have listed them since, and then still finds the session by them
	}
	s := m.byNode(v, then.ID)
	a := m.about(s.ID)
	a.was, a.under = slices.Collect(maps.Values(was)), then.under
	s.Values = maps.Clone(then.Values)
	s.Values[name] = value
	s.LogIns = then.LogIns
	for _, l := range s.LogIns {
		if l.Listed || was[l.Guard] != nil && was[l.Guard].Listed {
			m.mayBeListed(l) // its entries may have been removed, or made since
		}
	}
	s.Born = then.Born // what Go wrote since is lost
	if now == nil {
		a.late = true
		for _, l := range s.LogIns { // not the log-in that may go on under the id of a renewal
			l.Begun = v.Now
		}
		if m.Notes && then.Has(func(l *model.LogIn) bool { return l.Listed || m.maybe[l] }) { // an end by label may have left a note of its end
			s.Lives = time.Time{}
		}
	}
	a.half, a.read = true, true
	if now == nil && m.Notes && v.Now.Before(m.Ended[then.ID].Until) {
		delete(m.Live, then.ID)
		m.under[then.ID] = s
	}
}

// outlived restores a session that Express wrote late, if it is live after the note of its end has expired.
// The store keeps it for a day, unless Go finds it earlier (S15).
func (m *Model) outlived(id string, lives bool) {
	s := m.under[id]
	if s == nil || m.Now.Before(m.Ended[id].Until) {
		return
	}
	if delete(m.under, id); lives && m.Live[id] == nil {
		m.Live[id] = s
	}
}

// Beside gets a request that was refused because its session ended or changed, and reports whether the
// refusal is allowed: it is if Express wrote the record late, while a note names a successor of the id
// (M15).
func (m *Model) Beside(v *model.Visit, what string) bool {
	s := m.First(v)
	if s == nil || m.Ended[s.ID].To == "" {
		return false
	}
	m.mayBeUsed(s, v.Now)
	m.unheard = true
	m.Answer = model.Answer{Status: http.StatusConflict, Refused: what + " beside the note of where the session went on"}
	return true
}
