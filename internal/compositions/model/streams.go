package model

// Stream models a request that opens something that Guard.Watch ends, such as a stream of events. It
// returns the log-in that the stream lasts as long as, or nil if nothing was opened.
func (m *Model) Stream(v *Visit) *LogIn {
	l := m.restore(v)
	if l == nil || !m.status(v, 200, "a stream") {
		return nil
	}
	return l
}

// Goes returns the session in which the log-in continues, or nil: unchanged, or renewed, or replaced by the
// same user's next log-in in a session that another guard's log-in keeps (M2).
func (m *Model) Goes(l *LogIn) *Session {
	for _, s := range m.Live {
		if k := s.LogIns[l.Guard]; k != nil && k.first() == l.first() && m.Good(k) {
			return s
		}
	}
	return nil
}

// first returns the log-in that l renews or continues, or l itself.
func (l *LogIn) first() *LogIn {
	if l.Begun != nil {
		return l.Begun
	}
	return l
}
