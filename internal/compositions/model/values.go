package model

// Write models a request that changes a value in the session, or in a new session if there is none. If
// another site submitted the form and SameSite withheld the cookies, nothing is stored: a new session's
// cookie would replace the visitor's (S13).
func (m *Model) Write(v *Visit, name string, change func(string) string) {
	if v.Withheld {
		return
	}
	s := m.Find(v)
	if s == nil {
		s = m.move(v, nil, none)
	}
	s.Values[name] = change(s.Values[name])
}

// Read models a request that shows a value, and returns that. The value flash stands for messages, which are
// shown once.
func (m *Model) Read(v *Visit, name string) (value string) {
	if s := m.Find(v); s != nil {
		if value = s.Values[name]; name == "flash" {
			delete(s.Values, name)
		}
	}
	return value
}

// Renew models Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	if s := m.Find(v); s != nil {
		m.move(v, s, none)
	}
}

// Regenerate models Session.Regenerate, which keeps nothing. Afterwards the session holds only what the
// handler stores then: value under name.
func (m *Model) Regenerate(v *Visit, name, value string) {
	n := m.move(v, m.Find(v), none)
	n.LogIns, n.Over, n.Values = map[int]*LogIn{}, map[int]*LogIn{}, map[string]string{name: value}
}

// Bind models the registration of a browser's key. The session of a logged-in user gets an id that is bound
// to the key (S19). The former id also finds it for ten seconds; the journeys do not check that.
func (m *Model) Bind(v *Visit) {
	if s := m.Find(v); s != nil && !s.Bound && len(s.LogIns) > 0 {
		m.move(v, s, none).Bound = true
		return
	}
	m.Deny(400, "a registration of nobody, or of one who is bound")
}
