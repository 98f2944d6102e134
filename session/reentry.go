package session

import (
	"bytes"
	"runtime"
)

// lock locks the session. Whoever calls it from inside a function that this session runs
// would wait for itself: that is the function of [Key.Update], which also runs inside the
// commit. It panics there; another goroutine waits.
func (s *Session) lock() {
	if s.mu.TryLock() {
		return
	}
	if id, ok := s.m.updaters.Load(s); ok && id == goroutine() {
		panic("session: Key.Update: its function uses the session that it updates, which would wait for the function for ever: use its argument, and read other values before Update")
	}
	s.mu.Lock()
}

// running runs f, the function of an Update, so that lock finds out who calls it.
func (s *Session) running(f func() error) error {
	s.m.updaters.Store(s, goroutine())
	defer s.m.updaters.Delete(s)
	return f()
}

// goroutineName is how a goroutine begins in a dump of its stack: "goroutine 123 ".
type goroutineName [32]byte

// goroutine returns the name of the goroutine that calls it. Go keeps it to itself but for
// dumps; it serves nothing here but a panic in the place of a deadlock.
func goroutine() (name goroutineName) {
	var dump [64]byte
	text := dump[:runtime.Stack(dump[:], false)]
	if end := bytes.IndexByte(text, '['); end > 0 {
		copy(name[:], text[:end])
	}
	return name
}
