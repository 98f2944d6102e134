package session

import "unsafe"

// RequestSize is the size of a request's state, without what the allocator adds.
const RequestSize = unsafe.Sizeof(request{})

// InLogger reports whether the calling goroutine is writing a log line about s, which may be locked:
// methods of s are then refused and do not wait.
func InLogger(s *Session) bool { return s.inside() == inLogger }
