package model

// Bind models the registration of a browser's key. The session of a logged-in user gets an id that is bound
// to the key (S19). The former id also finds it for ten seconds; the journeys do not check that.
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
