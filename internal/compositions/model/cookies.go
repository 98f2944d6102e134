package model

import "time"

// Quiet requires that the answer sets no cookie.
func (m *Model) Quiet(v *Visit, what string) {
	m.QuietSession(v, what)
	m.Want(v.Next == "" && !v.Forgot, "cookie: "+what+" touches the cookie of RememberMe", "cookie %q, expired %v", Short(v.Next), v.Forgot)
}

// QuietSession requires that the answer does not set the session's cookie.
func (m *Model) QuietSession(v *Visit, what string) {
	m.Want(v.ID == "" && !v.Gone, "cookie: "+what+" touches the session's cookie", "cookie %q, expired %v", Short(v.ID), v.Gone)
}

// Answered is called for each request after the method that models it. It checks the attributes of the
// cookies, and whether the session's cookie is sent again: that happens only with Reissue, and with Rolling
// whenever the session is refreshed.
func (m *Model) Answered(v *Visit) {
	m.soft = m.Doubts.Met()
	for _, f := range m.later {
		f()
	}
	s, again := m.used, false
	m.used, m.later, m.soft = nil, nil, false
	switch {
	case m.Doubts.Met(), v.Stale: // the times may differ, or the record was not the current one
		return
	case v.ID != "":
		s = m.Live[v.ID]
	case s != nil && m.Live[s.ID] == s && !v.Gone:
		again = v.Again
		m.Want(again || !v.Reissues && !(m.Rolling && s.Due), "cookie: it is not sent again", "reissued: %v, rolling: %v", v.Reissues, m.Rolling)
		m.Want(!again || v.Reissues || m.Rolling, "cookie: it is sent again", "%s", Short(s.ID))
	}
	if s != nil && !s.Node && (v.ID != "" || again) {
		var until time.Time
		var age time.Duration
		if m.Persistent {
			if until = m.deadline(s); m.Rolling && until.After(v.Now.Add(m.Idle)) {
				until = v.Now.Add(m.Idle)
			}
			if v.Ages {
				age = until.Sub(v.Now)
			}
		}
		m.Want(v.Until.Equal(until.Truncate(time.Second)), "cookie: its Expires", "got %v, want %v", v.Until, until)
		m.Want(v.MaxAge == age.Truncate(time.Second), "cookie: its Max-Age", "got %v, want %v", v.MaxAge, age)
	}
	if r := m.Tokens[v.Next]; r != nil {
		left := r.At.Add(m.Remember).Sub(v.Now).Truncate(time.Second)
		m.Want(v.Keeps == left, "cookie: the Max-Age of what remembers", "got %v, want %v", v.Keeps, left)
	}
}
