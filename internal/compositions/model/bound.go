package model

// Bind is told of the registration of a browser's key: the session of somebody who is logged in gets an id that
// is bound to it (S19). For ten seconds the id before finds it too; nobody asks then.
func (m *Model) Bind(v *Visit) {
	s := m.Find(v)
	if s == nil || s.Bound || len(s.LogIns) == 0 {
		m.status(v, 400, "a registration of nobody, or of one who is bound")
		m.Quiet(v, "a registration that is refused")
		return
	}
	if m.status(v, 200, "a registration") {
		m.move(v, s, none, "a registration").Bound = true
	}
}
