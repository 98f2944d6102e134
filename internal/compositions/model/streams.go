package model

// Stream is told of a request that opens what Guard.Watch ends, such as a stream of events. It returns the
// log-in for as long as which that goes on, nil if nothing was opened.
func (m *Model) Stream(v *Visit) *LogIn {
	l := m.restore(v)
	if l == nil || !m.status(v, 200, "a stream") {
		return nil
	}
	return l
}

// Goes returns the session in which the log-in goes on, nil for none: as it was, or renewed, or after the same
// user's next one in a session that another guard's log-in keeps (M2).
func (m *Model) Goes(l *LogIn) *Session {
	for _, s := range m.Live {
		if k := s.LogIns[l.Guard]; k != nil && k.first() == l.first() && m.Good(k) {
			return s
		}
	}
	return nil
}

// first is the log-in of which l is a renewal, or l.
func (l *LogIn) first() *LogIn {
	if l.Begun != nil {
		return l.Begun
	}
	return l
}
