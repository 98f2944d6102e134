package model

import "strings"

// Flash is told of a message for the next page.
func (m *Model) Flash(v *Visit, text string) {
	s := m.find(v)
	if !m.status(v, 200, "a message") {
		return
	}
	if s == nil {
		s = m.move(v, nil, none, "a first message")
	}
	s.Values["flash"] = strings.TrimSpace(s.Values["flash"] + " " + text)
}

// Flashes is told of a page that shows the messages: each is shown once.
func (m *Model) Flashes(v *Visit, got string) {
	want := ""
	if s := m.find(v); s != nil {
		want = s.Values["flash"]
		delete(s.Values, "flash")
	}
	m.want(!m.status(v, 200, "a page with messages") || got == want || strings.Contains(want, anything), "value: other messages are shown", "got %q, want %q", got, want)
}

// Register is told of a registration, whose handler calls Guard.LogInUser for the new user: a log-in (M10).
func (m *Model) Register(v *Visit, user int) {
	m.logIn(v, "", user, false, nil)
}

// Program is told of a request with the key of a program, at a guard without sessions: what the
// browser presents is nothing to it.
func (m *Model) Program(v *Visit, right bool) {
	want := 401
	if right {
		want = 200
	}
	m.status(v, want, "a program")
	m.quiet(v, "a program")
}
