package session

import "unsafe"

// RequestSize is what a request's state takes before the allocator adds to it.
const RequestSize = unsafe.Sizeof(request{})

// InLogger reports whether the calling goroutine writes a line that is about s, which may be
// locked: whatever it asks of s is then refused, and waits for nothing.
func InLogger(s *Session) bool { return s.inside() == inLogger }
