package session

import "unsafe"

// RequestSize is what a request's state takes before the allocator adds to it.
const RequestSize = unsafe.Sizeof(request{})
