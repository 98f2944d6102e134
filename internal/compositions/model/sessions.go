package model

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// First returns the session of a request: the first presented one that is live (M14), and that is not bound
// to a key without proof (S19).
func (m *Model) First(v *Visit) *Session {
	opens := func(id string) bool { return m.Live[id] != nil && !slices.Contains(v.Unproved, id) }
	if i := slices.IndexFunc(v.IDs, opens); i >= 0 {
		return m.Live[v.IDs[i]]
	}
	return nil
}

// Find returns the session of a request, or nil, and records that the request uses it: it is refreshed if
// that is due (S12), and what Express wrote is listed (M15). Its cookie is sent again only with Reissue, and
// with Rolling whenever it is refreshed.
func (m *Model) Find(v *Visit) *Session {
	s := m.First(v)
	if s == nil {
		return nil
	}
	known := m.Known(v, s)
	due := known && !v.Now.Before(s.Dies.Add(m.Refresh-m.Idle))
	if m.Answer.InUse = s; v.Reissues || m.Rolling && due {
		m.Answer.Again = Set
	} else if m.Rolling {
		m.Answer.Again = MaySet
	}
	if due || known && (s.Born.IsZero() || s.Has(func(l *LogIn) bool { return !l.Listed })) {
		m.written(s, s, v.Now)
	} else if known {
		s.Lives, s.Dies = v.Now.Add(m.Idle-m.Refresh), Later(s.Dies, v.Now.Add(m.Idle))
	}
	return s
}

// written records that Go has written the session s, which it made of from, if that is not nil.
func (m *Model) written(s, from *Session, now time.Time) {
	s.Born, s.Lives, s.Dies = cmp.Or(s.Born, now), now.Add(m.Idle-m.Refresh), now.Add(m.Idle)
	for _, l := range s.LogIns {
		l.Listed = true
	}
	m.Wrote(s, from)
}

// Expire applies the time limits (S14). An unused session is certainly live for Idle-Refresh after its last
// use, and certainly expired after Idle; in between it may be either (M9), and lives says which.
func (m *Model) Expire(now time.Time, lives func(id string) bool) {
	m.Now = now
	maps.DeleteFunc(m.Ended, func(_ string, n Note) bool { return !now.Before(n.Until) })
	maps.DeleteFunc(m.Tokens, func(_ string, r *Series) bool { return !now.Before(r.At.Add(m.Remember)) })
	maps.DeleteFunc(m.Live, func(id string, s *Session) bool {
		over := !now.Before(m.Limit(s, s.All()...))
		// Another guard's log-in stays.
		maps.DeleteFunc(s.LogIns, func(_ int, l *LogIn) bool { return !over && !now.Before(m.Limit(s, l)) })
		return over || !now.Before(s.Dies) || !now.Before(s.Lives) && !lives(id)
	})
}

// Limit returns when the log-ins end however much they are used: AbsoluteTimeout after the latest, or after
// the session's birth where that has no time, or if there is none (S14). The session may be nil.
func (m *Model) Limit(s *Session, list ...*LogIn) (latest time.Time) {
	born := cmp.Or(cmp.Or(s, nobody).Born, m.Now) // Express made it, and Go has not written it yet
	for _, l := range list {
		latest = Later(latest, cmp.Or(l.At, born))
	}
	return cmp.Or(latest, born).Add(m.Absolute)
}

// Later returns the later of two times.
func Later(a, b time.Time) time.Time { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }

// Good reports whether the stamp of the log-in is the user's current one (S11).
func (m *Model) Good(l *LogIn) bool {
	return !m.Stamp || l.Node || l.Password == m.Passwords[l.Account]
}

// Pending reports whether the log-in lacks a factor that the user has set up. It then passes no guard.
func (m *Model) Pending(l *LogIn) bool {
	return m.Factor != "" && l.User == 1 && !slices.Contains(l.Factors, m.Factor)
}

// Found reports whether the log-in is found through its user.
func (l *LogIn) Found() bool { return l.Listed && !l.Unnamed }

// Has reports whether f is true for a log-in in the session, which may be nil.
func (s *Session) Has(f func(*LogIn) bool) bool { return slices.ContainsFunc(s.All(), f) }

// All returns the log-ins in the session, which may be nil.
func (s *Session) All() []*LogIn { return slices.Collect(maps.Values(cmp.Or(s, nobody).LogIns)) }

// others reports whether there is a log-in at another guard.
func (s *Session) others(guard int) bool {
	return s.Has(func(l *LogIn) bool { return l.Guard != guard })
}

// of returns the log-in at the guard, or nil. The session may be nil.
func (s *Session) of(guard int) *LogIn { return cmp.Or(s, nobody).LogIns[guard] }

// GoesOn reports whether the log-in continues in s, which may be nil: unchanged, or renewed, or replaced by
// the same user's next log-in in a session that another guard's log-in keeps (M2).
func (m *Model) GoesOn(l *LogIn, s *Session) bool {
	k := s.of(l.Guard)
	return k != nil && k.Begun.Equal(l.Begun) && m.Good(k)
}

// began returns when a session with a log-in at the guard began (M7).
func (s *Session) began(guard int) time.Time { return Later(s.Born, cmp.Or(s.of(guard), &LogIn{}).At) }

// Devices returns the sessions of a user for which counts is true, grouped as Guard.Sessions lists them: the
// sessions of one series are one device. The latest comes first.
func (m *Model) Devices(guard, user int, counts func(*Session, *LogIn) bool) (list [][]*Session) {
	latest := func(a, b *Session) int { return b.began(guard).Compare(a.began(guard)) }
	for _, s := range slices.SortedFunc(maps.Values(m.Live), latest) {
		l := s.of(guard)
		if l == nil || l.User != user || !l.Found() || !m.Good(l) || !counts(s, l) {
			continue
		}
		i := slices.IndexFunc(list, func(d []*Session) bool { return of(l.Series)(nil, d[0].of(guard)) })
		if i < 0 {
			i, list = len(list), append(list, nil)
		}
		list[i] = append(list[i], s)
	}
	return list
}

// End removes a session for good. Beside its record stays a note of where it went on, if it did: for ten
// minutes, or with tombstones, which every end leaves (M12), until the session would have ended (S15).
func (m *Model) End(id, to string) {
	note := Note{to, m.Now.Add(10 * time.Minute)}
	if s := cmp.Or(m.Live[id], nobody); m.Notes {
		note.Until = m.Limit(s, s.All()...)
	}
	if (m.Notes || to != "") && m.Ended[id].Until.IsZero() {
		m.Ended[id] = note
	}
	delete(m.Live, id)
}

// of selects the log-ins of a series, if r is not nil. Such functions get the session of a log-in, or nil for
// the log-in that began a series.
func of(r *Series) func(*Session, *LogIn) bool {
	return func(_ *Session, l *LogIn) bool { return r != nil && (l.Series == r || l == &r.LogIn) }
}

// end ends every session with such a log-in, including other guards' log-ins in it (M4), and every series of
// such a log-in (M5). It spares the session but. If it is not sure, but best effort (M16), they may end. It
// returns the number of sessions.
func (m *Model) end(meant func(*Session, *LogIn) bool, but *Session, sure bool) (n int) {
	maps.DeleteFunc(m.Tokens, func(_ string, r *Series) bool {
		is := meant(nil, &r.LogIn)
		r.Unsure = r.Unsure || is && !sure
		return is && sure
	})
	for id, s := range m.Live {
		if s != but && m.Ends(s, func(l *LogIn) bool { return meant(s, l) }, sure) {
			m.End(id, "")
			n++
		}
	}
	return n
}

// EndUser ends every session in which the user of the log-in l is logged in, and every series.
func (m *Model) EndUser(l *LogIn, sure bool) int {
	return m.end(func(_ *Session, k *LogIn) bool { return k.Account == l.Account && k.Found() }, nil, sure)
}

// LogOutEverywhere models Guard.LogOutEverywhere: all sessions of the user end, and all browsers are
// forgotten.
func (m *Model) LogOutEverywhere(guard, user int) {
	l := &LogIn{Account: Account{guard, user}}
	m.expect("session_expired", l, nil, Event{Reason: "revoked", Count: m.EndUser(l, true)})
}

// EndLinked models Guard.EndLinked: every log-in that has the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	linked := func(_ *Session, l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }
	e := Event{Reason: "revoked", Count: m.end(linked, nil, true), IfAny: true}
	m.expect("session_expired", &LogIn{Account: Account{Guard: guard}}, nil, e)
}

// endDevice ends the log-in l, and the series r with all its sessions, if r is not nil (M5). id is the one
// by which the user's list shows the device.
func (m *Model) endDevice(l *LogIn, r *Series, id, reason string, sure bool) {
	n := m.end(func(s *Session, k *LogIn) bool { return k == l || of(r)(s, k) }, nil, sure)
	m.expect("session_expired", l, nil, Event{Reason: reason, Session: id, Count: n, IfAny: true})
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
	listed := cmp.Or(m.Live[id].of(v.Guard), &LogIn{}).Found() // before this request
	current, own := m.restore(v)
	if own == nil || !listed {
		return
	}
	for _, d := range m.Devices(v.Guard, own.User, func(*Session, *LogIn) bool { return true }) {
		s, i := m.Live[id], slices.Index(d, current)
		if i >= 0 && s != current && slices.Contains(d, s) {
			m.endDevice(s.of(v.Guard), nil, id, "revoked", true)
		} else if slices.Contains(d, s) { // listed by its current session, or else by the latest
			m.EndSession(v.Guard, d[max(i, 0)].ID)
		}
	}
}

// LogOut models a request to Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.Find(v)
	m.Answer.Token = Expired
	m.end(of(m.Tokens[v.Token]), s, true)
	if l := s.of(v.Guard); l != nil {
		m.expect("session_expired", l, s, Event{Reason: "logout"})
	}
	stays := s.others(v.Guard) && !m.late(s, v.Guard)
	if stays {
		delete(m.move(v, s, none).LogIns, v.Guard)
	}
	m.leave(v, v.Guard, stays)
}

// Destroy models Session.Destroy: whatever the request presents ends, with its successors.
func (m *Model) Destroy(v *Visit) {
	m.Find(v)
	m.leave(v, none, false)
}

// late reports whether Express has written the session after it moved to another id, and it holds another
// guard's log-in, which may have ended. A log-in then takes nothing from the session, and a log-out removes
// only its own log-in (M15).
func (m *Model) late(s *Session, guard int) bool { return s.others(guard) && m.Ended[s.ID].To != "" }

// leave ends the sessions that the request presents, and their successors (S7, S8). If guard is not none, a
// session with another guard's log-in stays, without the log-in of guard. stays is whether the request has a
// new session. If it has none and none stays, the session's cookie expires.
func (m *Model) leave(v *Visit, guard int, stays bool) {
	m.Answer.Left = true
	for _, id := range v.IDs {
		for ; id != "" && id != v.ID; id = m.Ended[id].To {
			s := m.Live[id]
			if guard != none && s.others(guard) {
				if stays = true; s.of(guard) != nil {
					delete(s.LogIns, guard)
					m.written(s, s, v.Now)
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

// Deny requires that the request is refused.
func (m *Model) Deny(status int, what string) { m.Answer.Status, m.Answer.Refused = status, what }

// follows adds what happens once the request is answered.
func (m *Model) follows(f func(sure bool)) { m.Answer.follows = append(m.Answer.follows, f) }

// expect requires the event of a log-in in a session, which may be nil. Each is sent once.
func (m *Model) expect(name string, l *LogIn, s *Session, e Event) {
	e.Name, e.Guard, e.User, e.Session = name, l.Guard, l.User, cmp.Or(e.Session, cmp.Or(s, nobody).ID)
	m.Events = append(m.Events, e)
}

// Answered ends a request, and returns what its answer must be. The session's cookie lasts until the
// session's limit, or with Rolling as long as the session may be unused.
func (m *Model) Answered(v *Visit) (a Answer) {
	a, m.Answer = m.Answer, a
	for _, f := range a.follows {
		f(!v.Met)
	}
	if r := m.Tokens[v.Next]; r != nil {
		a.Keeps = r.At.Add(m.Remember).Sub(v.Now)
	}
	a.InUse = m.Live[cmp.Or(m.Live[v.ID], a.InUse, nobody).ID]
	if s := a.InUse; s != nil && m.Persistent {
		a.Until = m.Limit(s, s.All()...)
	}
	if unused := v.Now.Add(m.Idle); m.Rolling && unused.Before(a.Until) {
		a.Until = unused
	}
	return a
}
