package outside

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// A lagging replica, or a cache, shows an old version of a session (S17), and pages may be answered from
// it. So a log-out, a log-in or a registration of a key (S19) takes effect on pages only after that time.
// Requests that change something read the primary. They have the usual effect, or are refused and change
// nothing.

// Lag models that the replica from which records are read stops receiving writes.
func (m *Model) Lag() {
	m.before = map[string]*model.Session{}
	for id, s := range m.Live {
		was := *s
		was.LogIns = maps.Clone(s.LogIns)
		m.before[id] = &was
	}
}

// Looked models a page that was answered from a stale record. passed is the user that it showed, or 0 if it
// was refused or showed nobody. It returns the log-in that it showed, or nil.
func (m *Model) Looked(v *model.Visit, page model.Page, passed int) *model.LogIn {
	m.Find(v)
	m.mayRevoke(v)
	for _, id := range v.IDs { // the replica may lack the first one, so that the next is used
		if s := m.Live[id]; s != nil {
			m.mayBeUsed(s, v.Now)
		}
	}
	m.unheard = true
	m.Answer = model.Answer{Status: v.Status, Refused: "a page that a lagging replica answers", Token: either}
	if passed == 0 {
		return nil
	}
	for _, at := range []map[string]*model.Session{m.before, m.Live} { // it shows what it has first
		for _, id := range v.IDs {
			if slices.Contains(v.Unproved, id) || at[id] == nil {
				continue
			}
			l := at[id].LogIns[v.Guard]
			if l != nil && l.User == passed && m.Good(l) && !m.Pending(l) && page.May(m.Model, v, l) {
				return l
			}
		}
	}
	m.Want(false, "lag: a page shows who was never there", "user %d", passed)
	return nil
}

// Took gets the messages that a request showed from a stale record. They are shown once (S18), and messages
// that the replica lacks stay. If the request presents two ids, it is unknown which session has them.
func (m *Model) Took(v *model.Visit, shown string) {
	for _, id := range v.IDs {
		s := m.Live[id]
		switch {
		case s == nil || v.Status != 200 || shown == "":
		case len(v.IDs) > 1:
			s.Values["flash"] = model.Anything
		default:
			left := strings.Fields(s.Values["flash"])
			for message := range strings.FieldsSeq(shown) {
				if i := slices.Index(left, message); i >= 0 {
					left = slices.Delete(left, i, i+1)
				}
			}
			s.Values["flash"] = strings.Join(left, " ")
		}
	}
}

// Blurred is for a log-in or a log-out that read a stale record. It has the usual effect, but its events
// may name the user of the stale record.
func (m *Model) Blurred() { m.unheard = true }

// Refusable is for any other request that read a stale record. It reports whether the request was refused;
// then there is nothing else to model.
func (m *Model) Refusable(v *model.Visit, what string) bool {
	m.unheard = true
	if v.Status != 400 && v.Status != 401 && v.Status != 409 {
		return false
	}
	m.Find(v)
	m.mayRevoke(v)
	m.Answer = model.Answer{Status: v.Status, Refused: what + " that a lagging replica has refused"}
	return true
}

// mayRevoke records that a request that read a stale record may have ended a session whose stamp has changed
// (M11).
func (m *Model) mayRevoke(v *model.Visit) {
	for _, id := range v.IDs {
		if s := m.Live[id]; s != nil && len(s.LogIns) == 1 && s.LogIns[v.Guard] != nil && !m.Good(s.LogIns[v.Guard]) {
			m.mayEnd[id] = v.Guard
		}
	}
}
