package model

import (
	"slices"
	"time"
)

// End removes a session for good. Beside its record stays a note of where it went on, if it did: for ten
// minutes, or with tombstones, which every end leaves (M12), until the session would have ended (S15).
func (m *Model) End(id, to string) {
	note := Note{to, m.Now.Add(10 * time.Minute)}
	if m.Notes {
		note.Until = m.Now.Add(m.Absolute)
	}
	if s := m.Live[id]; m.Notes && s != nil && !s.Born.IsZero() {
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
// such a log-in (M5). It spares the session but. The end is sure, or best effort (M16). n is how many
// sessions ended, or a negative number if that is unsaid. If there were any, the event e of the log-in l is
// sent.
func (m *Model) end(meant which, but *Session, sure bool, l *LogIn, e Event) (n int) {
	for _, r := range m.Tokens {
		if meant(nil, &r.LogIn) {
			r.Over, r.Unsure = r.Over || sure, r.Unsure || !sure
		}
	}
	said := sure
	for id, s := range m.Live {
		in := func(l *LogIn) bool { return meant(s, l) }
		was := slices.ContainsFunc(s.Was, in)
		if s == but || !was && !s.Has(in) {
			continue
		}
		n++
		if found := sure && !was && !s.Late; found {
			said = said && !m.unsure(s)
			m.End(id, "")
		} else {
			m.Unsaid[id], said = none, false
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

// endUser ends every session in which the user is logged in, and every series.
func (m *Model) endUser(a Account, sure bool) int {
	for _, s := range m.Live {
		if a == (Account{0, s.Found}) {
			s.Found = 0
		}
	}
	its := func(_ *Session, l *LogIn) bool { return l.Account() == a && l.Found() }
	return m.end(its, nil, sure, nil, Event{})
}

// endDevice ends the log-in l, and the series r with all its sessions, if r is not nil (M5). id is the one
// by which the user's list shows the device.
func (m *Model) endDevice(l *LogIn, r *Series, id, reason string, sure bool) {
	device := func(s *Session, k *LogIn) bool { return k == l || of(r)(s, k) }
	m.end(device, nil, sure, l, Event{Reason: reason, Session: id})
}

// LogOutEverywhere models Guard.LogOutEverywhere: all sessions of the user end, and all browsers are
// forgotten.
func (m *Model) LogOutEverywhere(guard, user int) {
	l := &LogIn{Guard: guard, User: user}
	m.expect("session_expired", l, nil, Event{Reason: "revoked", Count: m.endUser(l.Account(), true)})
}

// EndLinked models Guard.EndLinked: every log-in that has the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	linked := func(_ *Session, l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }
	m.end(linked, nil, true, &LogIn{Guard: guard}, Event{Reason: "revoked"})
}

// EndSession models Guard.EndSession for the id by which a device is listed.
func (m *Model) EndSession(guard int, id string) {
	if l := m.Live[id].of(guard); l != nil {
		m.endDevice(l, l.Series, id, "revoked", true)
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
			m.endDevice(s.of(v.Guard), s.of(v.Guard).Series, d[0].ID, "revoked", true)
		case s == current:
			m.EndSession(v.Guard, id)
		default:
			m.endDevice(s.of(v.Guard), nil, id, "revoked", true)
		}
	}
}

// LogOut models a request to Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.Find(v)
	m.Answer.Token = Expired
	m.end(of(m.Presented(v)), s, true, nil, Event{})
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
	return s.others(guard) && m.Ended[s.ID].To != "" && v.Now.Before(m.Ended[s.ID].Until)
}

// leave ends the sessions that the request presents, and their successors (S7, S8). If guard is not none, a
// session with another guard's log-in stays, without the log-in of guard. n is the request's own session,
// and stays. If none stays, the session's cookie expires.
func (m *Model) leave(v *Visit, guard int, n *Session) {
	stays, fate := n != nil, Expired
	for _, id := range v.IDs {
		for id != "" && (n == nil || id != n.ID) {
			s, note := m.Live[id], m.Ended[id]
			if guard != none && s.others(guard) {
				if stays = true; s.of(guard) != nil {
					delete(s.LogIns, guard)
					s.written(v.Now)
					for _, l := range s.LogIns {
						l.Unsaid = m.late(v, s, guard)
					}
				}
				break
			}
			m.End(id, "")
			if id = ""; v.Now.Before(note.Until) {
				id = note.To
			}
		}
	}
	for id, s := range m.Live {
		if s.From != "" && slices.Contains(v.IDs, s.From) {
			m.Unsaid[id], fate = guard, Either
		}
	}
	if !stays {
		m.Answer.Session = fate
	}
}
