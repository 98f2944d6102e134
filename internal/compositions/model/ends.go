package model

import "slices"

// LogOut is told of a request at Guard.LogOut: every session that it presents ends, and where it
// went on (S8), except that another guard's log-in stays.
func (m *Model) LogOut(v *Visit) {
	s := m.find(v)
	m.status(v, 200, "a log-out")
	if v.Status != 200 {
		return
	}
	if r := m.series(v); r != nil { // every session that the browser's series made, but the one in use
		m.endSeries(r, s)
	}
	m.want(v.Token == "" || v.Forgot, "cookie: a log-out keeps the browser remembered", "the answer keeps the cookie of RememberMe")
	if s != nil && m.others(s, v.Guard) {
		for _, id := range v.IDs {
			if id != s.ID {
				m.chain(v.Now, id, v.Guard, s)
			}
		}
		n := m.move(v, s, -1, "the log-out of one of two guards")
		delete(n.LogIns, v.Guard)
		return
	}
	stays := false
	for _, id := range v.IDs {
		stays = m.chain(v.Now, id, v.Guard, nil) || stays
	}
	m.want(v.Gone == (len(v.IDs) > 0 && !stays), "cookie: a log-out and the cookie", "expired: %v, another guard's log-in stays: %v", v.Gone, stays)
}

// Destroy is told of Session.Destroy: whatever the request presents ends, and where it went on.
func (m *Model) Destroy(v *Visit) {
	m.find(v)
	m.status(v, 200, "a destroyed session")
	for _, id := range v.IDs {
		m.chain(v.Now, id, -1, nil)
	}
}

// Renew is told of Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	s := m.find(v)
	m.status(v, 200, "a renewal")
	if s == nil || v.Status != 200 { // nothing to renew
		return
	}
	m.move(v, s, -1, "a renewal")
}

// Regenerate is told of Session.Regenerate, which keeps nothing: what the handler stores then, the
// value of name, is all that is in the session.
func (m *Model) Regenerate(v *Visit, name, value string) {
	s := m.find(v)
	m.status(v, 200, "a regenerated session")
	if v.Status != 200 {
		return
	}
	n := m.move(v, s, -1, "a regenerated session")
	clear(n.LogIns)
	clear(n.Values)
	n.Values[name] = value
}

// Set is told of a request that stores a value: in the session, or in a new one for a visitor who
// brought none.
func (m *Model) Set(v *Visit, name, value string) {
	s := m.find(v)
	m.status(v, 200, "a write")
	if v.Status != 200 {
		return
	}
	if s == nil {
		s = m.move(v, nil, -1, "a first write")
	}
	if value == "" {
		delete(s.Values, name)
		return
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
	s := m.find(v)
	want := ""
	if s != nil {
		want = s.Values[name]
	}
	m.status(v, 200, "a read")
	m.want(v.Status != 200 || got == want, "value: a request reads another value", "got %q, want %q", got, want)
}

// LogOutEverywhere is told of Guard.LogOutEverywhere: no session of the user lives, and no browser
// is remembered.
func (m *Model) LogOutEverywhere(guard, user int) { m.endUser(guard, user) }

// EndSession is told of Guard.EndSession for the ids of one device: all of its sessions end, other
// guards' log-ins in them too, and its browser is forgotten.
func (m *Model) EndSession(guard int, id string) {
	s := m.live[id]
	if s == nil || s.LogIns[guard] == nil {
		return
	}
	if r := s.LogIns[guard].Series; r != nil {
		m.endSeries(r, nil)
	}
	m.end(id)
}

// EndOwn is told of Guard.EndSession in a request of the user, for the id of one of their sessions: an
// older session of the browser that asks ends by itself.
func (m *Model) EndOwn(v *Visit, id string) {
	s := m.live[id]
	listed := s != nil && s.LogIns[v.Guard] != nil && s.LogIns[v.Guard].listed() // before this request
	own := m.restore(v)
	if own == nil {
		m.want(v.Status == 401 || v.Status == 403, "answer: nobody ends a device", "got %d", v.Status)
		return
	}
	current := m.at(own)
	if s = m.live[id]; s == nil || !listed || s.LogIns[v.Guard] == nil || s.LogIns[v.Guard].User != own.User || !m.good(s.LogIns[v.Guard]) {
		return
	}
	if r := s.LogIns[v.Guard].Series; s != current && r != nil && r == own.Series {
		m.end(id)
		return
	}
	m.EndSession(v.Guard, id)
}

// EndLinked is told of Guard.EndLinked: every log-in that bears the label ends, its session with
// it, and the browsers of such log-ins are forgotten.
func (m *Model) EndLinked(guard int, label string) {
	for _, r := range m.tokens {
		if r.Guard == guard && slices.Contains(r.Labels, label) {
			r.Over = true
		}
	}
	for id, s := range m.live {
		s.Unsaid = s.Unsaid || s.Stale
		if l := s.LogIns[guard]; l != nil && slices.Contains(l.Labels, label) {
			m.end(id)
		}
	}
}
