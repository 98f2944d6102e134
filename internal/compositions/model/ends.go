package model

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// End removes a session for good. Beside its record stays a note of where it went on, if it did: for ten
// minutes, or with tombstones, which every end leaves (M12), until the session would have ended (S15).
func (m *Model) End(id, to string) {
	note := Note{to, m.Now.Add(10 * time.Minute)}
	if s := cmp.Or(m.Live[id], nobody); m.Notes {
		note.Until = m.limit(s, s.all()...)
	}
	if (m.Notes || to != "") && !m.Now.Before(m.Ended[id].Until) {
		m.Ended[id] = note
	}
	delete(m.Live, id)
}

// A which selects log-ins, in a session, or of a series if the session is nil.
type which = func(*Session, *LogIn) bool

// of selects the log-ins of a series, if r is not nil.
func of(r *Series) which { return func(_ *Session, l *LogIn) bool { return r != nil && l.Series == r } }

// end ends every session with such a log-in, including other guards' log-ins in it (M4), and every series of
// such a log-in (M5). It spares the session but. done is Yes, or Unsaid for what is best effort (M16). n is
// how many sessions ended, or a negative number if that is unsaid. If there were any, the event e of the
// log-in l is sent.
func (m *Model) end(meant which, but *Session, done Said, l *LogIn, e Event) (n int) {
	for _, r := range m.Tokens {
		if meant(nil, &r.LogIn) {
			r.Over = max(r.Over, done)
		}
	}
	said := done == Yes
	for id, s := range m.Live {
		in := func(l *LogIn) bool { return meant(s, l) }
		was := slices.ContainsFunc(slices.Concat(s.Was, slices.Collect(maps.Values(s.Over))), in)
		if s == but || !was && !s.Has(in) {
			continue
		}
		n++
		if said = said && !was && !s.Late && !m.unsure(s); done == Yes && !was && !s.Late {
			m.End(id, "")
		} else {
			m.MayEnd[id] = none
		}
	}
	if !said {
		n = -1
	}
	if e.Count, e.Unsure = n, n < 0; n != 0 && l != nil {
		m.expect("session_expired", l, nil, e)
	}
	return n
}

// EndUser ends every session in which the user is logged in, and every series.
func (m *Model) EndUser(a Account, done Said) int {
	its := func(_ *Session, l *LogIn) bool { return l.Account() == a && l.Found() }
	return m.end(its, nil, done, nil, Event{})
}

// endDevice ends the log-in l, and the series r with all its sessions, if r is not nil (M5). id is the one
// by which the user's list shows the device.
func (m *Model) endDevice(l *LogIn, r *Series, id, reason string, done Said) {
	device := func(s *Session, k *LogIn) bool { return k == l || of(r)(s, k) }
	m.end(device, nil, done, l, Event{Reason: reason, Session: id})
}

// endSeries ends a series that a request presents, and its sessions but one (M5). If it may have been over
// before, they may go on.
func (m *Model) endSeries(r *Series, but *Session, done Said) {
	if r != nil {
		m.end(of(r), but, min(done, sure(r.Over == No)), nil, Event{})
		r.Over = max(r.Over, done)
	}
}

// LogOutEverywhere models Guard.LogOutEverywhere: all sessions of the user end, and all browsers are
// forgotten.
func (m *Model) LogOutEverywhere(guard, user int) {
	l := &LogIn{Guard: guard, User: user}
	m.expect("session_expired", l, nil, Event{Reason: "revoked", Count: m.EndUser(l.Account(), Yes)})
}

// EndLinked models Guard.EndLinked: every log-in that has the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	linked := func(_ *Session, l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }
	m.end(linked, nil, Yes, &LogIn{Guard: guard}, Event{Reason: "revoked"})
}

// EndSession models Guard.EndSession for the id by which a device is listed.
func (m *Model) EndSession(guard int, id string) {
	if l := m.Live[id].of(guard); l != nil {
		m.endDevice(l, l.Series, id, "revoked", Yes)
	}
}

// EndOwn models Guard.EndSession in a request of the user, for the id of one of the user's sessions. An
// older session of the same browser ends alone: the current one stays.
func (m *Model) EndOwn(v *Visit, id string) {
	l := m.Live[id].of(v.Guard)
	listed := l != nil && l.Found() // before this request
	current, own := m.restore(v)
	if own == nil || !listed {
		return
	}
	for _, d := range m.Devices(v.Guard, own.User, func(*Session, *LogIn) bool { return true }) {
		switch s := m.Live[id]; {
		case !slices.Contains(d, s):
		case !slices.Contains(d, current):
			m.EndSession(v.Guard, d[0].ID)
		case s == current:
			m.EndSession(v.Guard, id)
		default:
			m.endDevice(s.of(v.Guard), nil, id, "revoked", Yes)
		}
	}
}

// LogOut models a request to Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.Find(v)
	m.Answer.Token = Expired
	m.endSeries(m.Presented(v), s, Yes)
	if l := s.of(v.Guard); l != nil {
		m.expect("session_expired", l, s, Event{Reason: "logout"})
	}
	var n *Session // keeps another guard's log-in
	if s.others(v.Guard) && !m.late(v, s, v.Guard) {
		n = m.move(v, s, none)
		delete(n.LogIns, v.Guard)
	}
	m.leave(v, v.Guard, n)
}

// Destroy models Session.Destroy: whatever the request presents ends, with its successors.
func (m *Model) Destroy(v *Visit) {
	m.Find(v)
	m.leave(v, none, nil)
}

// late reports whether Express has written the session after it moved to another id, and it holds another
// guard's log-in, which may have ended. A log-in then takes nothing from the session, and a log-out removes
// only its own log-in (M15).
func (m *Model) late(v *Visit, s *Session, guard int) bool {
	return s.others(guard) && m.Successor(v, s.ID) != ""
}

// Successor returns where the session id went on, as far as its end has left a note of that, or "".
func (m *Model) Successor(v *Visit, id string) string {
	if note := m.Ended[id]; v.Now.Before(note.Until) {
		return note.To
	}
	return ""
}

// leave ends the sessions that the request presents, and their successors (S7, S8). If guard is not none, a
// session with another guard's log-in stays, without the log-in of guard. n is the request's own session,
// and stays. If none stays, the session's cookie expires.
func (m *Model) leave(v *Visit, guard int, n *Session) {
	stays := n != nil
	m.Answer.Left = true
	for _, id := range v.IDs {
		for ; id != "" && (n == nil || id != n.ID); id = m.Successor(v, id) {
			s := m.Live[id]
			if guard != none && s.others(guard) {
				if stays = true; s.of(guard) != nil {
					delete(s.LogIns, guard)
					m.written(s, v.Now)
					for _, l := range s.LogIns {
						l.Listed = sure(!m.late(v, s, guard))
					}
				}
				break
			}
			m.End(id, "")
		}
	}
	if !stays {
		m.Answer.Session = Expired
	}
}
