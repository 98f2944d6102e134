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
	for _, id := range v.IDs {
		if s := m.Live[id]; s != nil && !slices.Contains(v.Unproved, id) {
			return s
		}
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
	known := !v.Stale && !s.Half
	due := known && !v.Now.Before(s.Dies.Add(m.Refresh-m.Idle))
	if v.Reissues || m.Rolling && due {
		m.Answer.Again = Set
	} else if m.Rolling {
		m.Answer.Again = MaySet
	}
	if due || known && (s.Born.IsZero() || s.Has(func(l *LogIn) bool { return l.Listed != Yes })) {
		m.written(s, v.Now)
	} else {
		m.MayBeUsed(s, v.Now)
	}
	if !v.Met && !v.Stale {
		m.Answer.InUse, s.Lives = s, v.Now.Add(m.Idle-m.Refresh)
	}
	return s
}

// written records that Go has written the session.
func (m *Model) written(s *Session, now time.Time) {
	s.Born, s.Half, s.Late, s.Read = cmp.Or(s.Born, now), false, false, false
	s.Lives, s.Dies = now.Add(m.Idle-m.Refresh), now.Add(m.Idle)
	for _, l := range s.LogIns {
		l.Listed, l.Under = Yes, nil
	}
}

// MayBeUsed records that Go may have written the session: it may have been refreshed, and log-ins that
// Express wrote may be listed now.
func (m *Model) MayBeUsed(s *Session, now time.Time) {
	s.Dies, s.Read = later(s.Dies, now.Add(m.Idle)), true
	for _, l := range s.LogIns {
		l.Listed = max(l.Listed, Unsaid)
	}
}

// Expire applies the time limits (S14). An unused session is certainly live for Idle-Refresh after its last
// use, and certainly expired after Idle; in between it may be either (M9), and lives says which.
func (m *Model) Expire(now time.Time, lives func(id string) bool) {
	m.Now = now
	for id, s := range m.Live {
		over := !now.Before(m.limit(s, s.all()...))
		for g, l := range s.LogIns {
			if !over && !now.Before(m.limit(s, l)) { // another guard's log-in stays
				s.Over[g] = l
				delete(s.LogIns, g)
			}
		}
		m.Past[id] = over && s.Node
		if over || !now.Before(s.Dies) || m.unsure(s) && !lives(id) {
			delete(m.Live, id)
		}
	}
}

// unsure reports whether the session may be live or expired.
func (m *Model) unsure(s *Session) bool { return !m.Now.Before(s.Lives) && m.Now.Before(s.Dies) }

// limit returns when the log-ins end however much they are used: AbsoluteTimeout after the latest, or after
// the session's birth where that has no time, or if there is none (S14).
func (m *Model) limit(s *Session, list ...*LogIn) (latest time.Time) {
	born := cmp.Or(s.Born, m.Now) // Express made it, and Go has not written it yet
	for _, l := range list {
		latest = later(latest, cmp.Or(l.At, born))
	}
	return cmp.Or(latest, born).Add(m.Absolute)
}

func later(a, b time.Time) time.Time { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }

// Good reports whether the stamp of the log-in is the user's current one (S11).
func (m *Model) Good(l *LogIn) bool {
	return !m.Stamp || l.Node || l.Password == m.Passwords[l.Account()]
}

// Pending reports whether the log-in lacks a factor that the user has set up. It then passes no guard.
func (m *Model) Pending(l *LogIn) bool {
	return m.Factor != "" && l.User == 1 && !slices.Contains(l.Factors, m.Factor)
}

// Account returns the account of the log-in's user.
func (l *LogIn) Account() Account { return Account{l.Guard, l.User} }

// Found reports whether the log-in is found through its user.
func (l *LogIn) Found() bool { return l.Listed == Yes && !l.Unnamed }

// Has reports whether f is true for a log-in in the session, which may be nil.
func (s *Session) Has(f func(*LogIn) bool) bool { return slices.ContainsFunc(s.all(), f) }

// all returns the log-ins in the session, which may be nil.
func (s *Session) all() []*LogIn { return slices.Collect(maps.Values(cmp.Or(s, nobody).LogIns)) }

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
func (s *Session) began(guard int) time.Time { return later(s.Born, s.of(guard).At) }

// Devices returns the sessions of a user for which counts is true, grouped as Guard.Sessions lists them: the
// sessions of one series are one device. The latest comes first.
func (m *Model) Devices(guard, user int, counts func(*Session, *LogIn) bool) (list [][]*Session) {
	found := slices.DeleteFunc(slices.Collect(maps.Values(m.Live)), func(s *Session) bool {
		l := s.of(guard)
		return l == nil || l.User != user || !l.Found() || !m.Good(l) || !counts(s, l)
	})
	slices.SortFunc(found, func(a, b *Session) int { return b.began(guard).Compare(a.began(guard)) })
	for _, s := range found {
		r := s.of(guard).Series
		i := slices.IndexFunc(list, func(d []*Session) bool { return r != nil && d[0].of(guard).Series == r })
		if i < 0 {
			i, list = len(list), append(list, nil)
		}
		list[i] = append(list[i], s)
	}
	return list
}
