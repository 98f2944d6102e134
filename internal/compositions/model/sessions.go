package model

import (
	"maps"
	"slices"
)

// Renew is told of Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	if s := m.find(v); m.status(v, 200, "a renewal") && s != nil {
		m.move(v, s, none, "a renewal")
	}
}

// Regenerate is told of Session.Regenerate, which keeps nothing: what the handler stores then, the
// value of name, is all that is in the session.
func (m *Model) Regenerate(v *Visit, name, value string) {
	s := m.find(v)
	if m.status(v, 200, "a regenerated session") {
		n := m.move(v, s, none, "a regenerated session")
		if m.doubt.on { // the old id may be listed still, and what ends it follows it here
			n.Was = maps.Clone(n.LogIns)
		}
		clear(n.LogIns)
		clear(n.Over)
		clear(n.Values)
		n.Values[name] = value
	}
}

// Set is told of a request that stores a value, or deletes it: in the session, or in a new one for
// a visitor who brought none.
func (m *Model) Set(v *Visit, name, value string) {
	s := m.find(v)
	if !m.status(v, 200, "a write") {
		return
	}
	if s == nil {
		s = m.move(v, nil, none, "a first write")
	}
	s.Values[name] = value
}

// SetFromElsewhere is Set for a form of another site. Where SameSite kept the cookies back, nothing
// is stored, for a new session's cookie would replace the visitor's.
func (m *Model) SetFromElsewhere(v *Visit, name, value string) {
	if !m.Withholds {
		m.Set(v, name, value)
		return
	}
	m.status(v, 200, "a write from another site")
	m.quiet(v, "a write from another site")
}

// Get is told of a request that reads a value.
func (m *Model) Get(v *Visit, name, got string) {
	want := ""
	if s := m.find(v); s != nil {
		want = s.Values[name]
	}
	m.want(!m.status(v, 200, "a read") || got == want, "value: a request reads another value", "got %q, want %q", got, want)
}

// LogOut is told of a request at Guard.LogOut (S8, M1, M3).
func (m *Model) LogOut(v *Visit) {
	s := m.find(v)
	if !m.status(v, 200, "a log-out") {
		return
	}
	m.want(v.Token == "" || v.Forgot, "cookie: a log-out keeps the browser remembered", "the answer keeps the cookie of RememberMe")
	m.endSeries(m.series(v), s)
	var n *Session // in which another guard's user stays
	if s != nil {
		l := s.LogIns[v.Guard]
		if l != nil {
			m.expect(Event{Guard: v.Guard, Name: "session_expired", Reason: "logout", User: l.User, Session: s.ID})
		}
		if s.others(v.Guard) {
			n = m.move(v, s, none, "the log-out of one of two guards")
			delete(n.LogIns, v.Guard)
		}
	}
	stays := m.leave(v, v.Guard, n)
	if over := v.Sent && !stays; !m.mayGoOn(v) {
		m.want(v.Gone || !over, "cookie: a log-out keeps the session's cookie", "nobody's log-in stays")
		m.want(!v.Gone || over, "cookie: a log-out expires a cookie that it must not", "another guard's log-in stays: %v", stays)
	}
}

// Destroy is told of Session.Destroy: whatever the request presents ends, and where it went on.
func (m *Model) Destroy(v *Visit) {
	m.find(v)
	if m.status(v, 200, "a destroyed session") {
		m.leave(v, none, nil)
	}
}

// LogOutEverywhere is told of Guard.LogOutEverywhere: no session of the user lives, and no browser
// is remembered.
func (m *Model) LogOutEverywhere(guard, user int) {
	n := m.endUser(guard, user)
	m.expect(Event{Guard: guard, Name: "session_expired", Reason: "revoked", User: user, Count: n})
}

// endUser ends every session in which the user is logged in, and every series.
func (m *Model) endUser(guard, user int) int {
	for _, s := range m.live {
		if guard == 0 && s.Found == user {
			s.Found = 0
		}
	}
	return m.endAll(func(l *LogIn) bool { return l.Guard == guard && l.User == user && l.listed() }, nil)
}

// EndLinked is told of Guard.EndLinked: every log-in that bears the label ends (M8).
func (m *Model) EndLinked(guard int, label string) {
	n := m.endAll(func(l *LogIn) bool { return l.Guard == guard && slices.Contains(l.Labels, label) }, nil)
	if n != 0 {
		m.expect(Event{Guard: guard, Name: "session_expired", Reason: "revoked", Count: n, unsure: n < 0})
	}
}

// EndSession is told of Guard.EndSession for the id by which a device is listed.
func (m *Model) EndSession(guard int, id string) {
	if s := m.live[id]; s != nil && s.LogIns[guard] != nil {
		m.endDevice(s.LogIns[guard], s.LogIns[guard].Series, id, "revoked")
	}
}

// EndOwn is told of Guard.EndSession in a request of the user, for the id of one of their sessions: an
// older session of the browser that asks ends by itself.
func (m *Model) EndOwn(v *Visit, id string) {
	s := m.live[id]
	listed := s != nil && s.has(func(l *LogIn) bool { return l.Guard == v.Guard && l.listed() }) // before this request
	own := m.restore(v)
	if own == nil || !m.status(v, 200, "the end of a device") || !listed {
		return
	}
	current := m.at(own)
	for _, d := range m.devices(v.Guard, own.User, all) {
		if i := slices.IndexFunc(d, func(s *Session) bool { return s.ID == id }); i >= 0 {
			l, shown := d[i].LogIns[v.Guard], d[0].ID
			series := l.Series
			if slices.Contains(d, current) { // the list shows that one, and it stays unless it is meant
				shown = id
				if d[i] != current {
					series = nil
				}
			}
			m.endDevice(l, series, shown, "revoked")
		}
	}
}
