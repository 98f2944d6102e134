package model

import "strings"

// Write models a request that changes a value in the session, or in a new session if there is none. If
// another site submitted the form and SameSite withheld the cookies, nothing is stored: a new session's
// cookie would replace the visitor's (S13).
func (m *Model) Write(v *Visit, name string, change func(string) string) {
	if v.Withheld {
		m.status(v, 200, "a write from another site")
		return
	}
	s := m.Find(v)
	m.status(v, 200, "a write")
	if s == nil {
		s = m.move(v, nil, none)
	}
	s.Values[name] = change(s.Values[name])
}

// Read models a request that shows a value. The value flash stands for messages, which are shown once.
func (m *Model) Read(v *Visit, name, got string) {
	want := ""
	if s := m.Find(v); s != nil {
		if want = s.Values[name]; name == "flash" {
			delete(s.Values, name)
		}
	}
	said := !strings.Contains(want, Anything)
	m.status(v, 200, "a read")
	m.Want(v.Status != 200 || got == want || !said, "value: a request reads another value", "%s: got %q, want %q", name, got, want)
}

// Renew models Session.Renew, which keeps everything under a new id.
func (m *Model) Renew(v *Visit) {
	m.status(v, 200, "a renewal")
	if s := m.Find(v); s != nil {
		m.move(v, s, none)
	}
}

// Regenerate models Session.Regenerate, which keeps nothing. Afterwards the session holds only what the
// handler stores then: value under name.
func (m *Model) Regenerate(v *Visit, name, value string) {
	m.status(v, 200, "a regenerated session")
	n := m.move(v, m.Find(v), none)
	clear(n.LogIns)
	clear(n.Over)
	clear(n.Values)
	n.Values[name] = value
}

// Program models a request with a program's key at a guard without sessions, which ignores the browser's
// cookies.
func (m *Model) Program(v *Visit, right bool) {
	want := 401
	if right {
		want = 200
	}
	m.status(v, want, "a program")
}

// Hop gets how many addresses a browser has requested while following redirects. A refusal that is shown is
// answered directly, not redirected to the log-in page (M17), so the longest chain is: page, log-in,
// callback, page.
func (m *Model) Hop(n int) {
	m.Want(n <= 4, "answer: a chain of redirects does not end", "%d addresses", n)
}

// Bind models the registration of a browser's key. The session of a logged-in user gets an id that is bound
// to the key (S19). The former id also finds it for ten seconds; the journeys do not check that.
func (m *Model) Bind(v *Visit) {
	s := m.Find(v)
	if s == nil || s.Bound || len(s.LogIns) == 0 {
		m.status(v, 400, "a registration of nobody, or of one who is bound")
		return
	}
	m.status(v, 200, "a registration")
	m.move(v, s, none).Bound = true
}
