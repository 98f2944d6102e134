package model

import "strings"

// Write is told of a request that changes a value: in the session, or in a new one for a visitor who brought
// none. For a form of another site whose cookies SameSite kept back nothing is stored, since a new session's
// cookie would replace the visitor's (S13).
func (m *Model) Write(v *Visit, name string, change func(string) string) {
	if v.Withheld {
		m.status(v, 200, "a write from another site")
		m.Quiet(v, "a write from another site")
		return
	}
	s := m.Find(v)
	if !m.status(v, 200, "a write") {
		return
	}
	if s == nil {
		s = m.move(v, nil, none, "a first write")
	}
	s.Values[name] = change(s.Values[name])
}

// Read is told of a request that shows a value. Messages, which are one called flash here, are shown once.
func (m *Model) Read(v *Visit, name, got string) {
	want := ""
	if s := m.Find(v); s != nil {
		if want = s.Values[name]; name == "flash" {
			delete(s.Values, name)
		}
	}
	said := !strings.Contains(want, Anything)
	m.Want(!m.status(v, 200, "a read") || got == want || !said, "value: a request reads another value", "%s: got %q, want %q", name, got, want)
}

// Renew is told of Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	if s := m.Find(v); m.status(v, 200, "a renewal") && s != nil {
		m.move(v, s, none, "a renewal")
	}
}

// Regenerate is told of Session.Regenerate, which keeps nothing: what the handler stores then, the
// value of name, is all that is in the session.
func (m *Model) Regenerate(v *Visit, name, value string) {
	s := m.Find(v)
	if m.status(v, 200, "a regenerated session") {
		n := m.move(v, s, none, "a regenerated session")
		clear(n.LogIns)
		clear(n.Over)
		clear(n.Values)
		n.Values[name] = value
	}
}

// Program is told of a request with the key of a program, at a guard without sessions: what the
// browser presents is nothing to it.
func (m *Model) Program(v *Visit, right bool) {
	want := 401
	if right {
		want = 200
	}
	m.status(v, want, "a program")
	m.Quiet(v, "a program")
}

// Hop is told how many addresses a browser has asked for that goes where it is sent. What it shows and
// what is refused is answered, not sent to the page for the log-in (M17): page, log-in, callback, page.
func (m *Model) Hop(n int) {
	m.Want(n <= 4, "answer: a chain of redirects does not end", "%d addresses", n)
}
