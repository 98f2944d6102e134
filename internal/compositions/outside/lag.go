package outside

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-6f34412b/passport/internal/compositions/model"
)

// A replica that lags, or a cache, shows a session as it was (S17). A page may be answered by that: a log-out
// is final, and a log-in known, within that time. Whatever changes something asks the master: it means what
// it would mean without, or is refused and changes nothing.

// Lag says that the replica that is read gets nothing any more.
func (m *Model) Lag() {
	m.before = map[string][]*model.LogIn{}
	for id, s := range m.Live {
		m.before[id] = slices.Collect(maps.Values(s.LogIns))
	}
}

// Looked is told of a request that was answered by a stale record, as that user. passed is 0 if it was
// refused, or shows nobody.
func (m *Model) Looked(v *model.Visit, page model.Page, passed int) {
	m.Find(v)
	for _, id := range v.IDs { // the first may be too new for the replica, and the next is used
		if s := m.Live[id]; s != nil {
			s.MayBeUsed(v.Now)
		}
	}
	m.doubt.mute = true
	m.QuietSession(v, "a page that a lagging replica answers")
	if passed == 0 {
		return
	}
	for _, id := range v.IDs {
		list := slices.Clone(m.before[id])
		if s := m.Live[id]; s != nil {
			list = slices.AppendSeq(list, maps.Values(s.LogIns))
		}
		if slices.ContainsFunc(list, func(l *model.LogIn) bool {
			return l.Guard == v.Guard && l.User == passed && m.Good(l) && !m.Pending(l) && page.May(m.Model, v, l)
		}) {
			return
		}
	}
	m.Want(false, "lag: a page shows who was never there", "user %d", passed)
}

// Took is told which messages a request showed that was answered by a stale record: they are shown once (S18),
// and what the replica does not know stays. Which session has them is not said where two are presented.
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

// Blurred is told of a log-in or a log-out that has met a stale record: it means what it would without. But
// its events may say whom that shows.
func (m *Model) Blurred() { m.doubt.mute = true }

// Refusable is told of any other request that has met a stale record, and reports whether it was refused,
// which is all there is to say then.
func (m *Model) Refusable(v *model.Visit, what string) bool {
	m.doubt.mute = true
	if v.Status != 401 && v.Status != 409 {
		return false
	}
	m.Find(v)
	m.Quiet(v, fmt.Sprintf("%s that a lagging replica has refused", what))
	return true
}
